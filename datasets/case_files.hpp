#pragma once

#include "datasets/mquake.hpp"

#include <filesystem>
#include <string>

namespace kedit {

/// "mquake:FILE", "counterfact:FILE" or "zsre:FILE", taken apart.
struct DatasetName {
  CaseSource source = CaseSource::mquake;
  std::filesystem::path file;
};
/// Throws `DataError` with the known formats.
DatasetName parse_dataset_name(const std::string& format_and_file);

/// A file of any of these formats as cases, in file order, with its identities; `checks` concerns
/// MQuAKE files. Throws `DataError`.
MquakeDataset read_case_file(const DatasetName& name, MquakeChecks checks = MquakeChecks::labels);

}  // namespace kedit

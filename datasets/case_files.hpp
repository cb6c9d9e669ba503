#pragma once

#include "datasets/case.hpp"
#include "datasets/mquake.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kedit {

/// A format of files that hold cases.
struct DatasetFormat {
  const char* name;  ///< "mquake"
  bool has_chains;   ///< Cases have chains and questions about them; else edits and their prompts.
  /// `checks` concerns formats whose records can disagree with themselves. Throws `DataError`.
  Dataset (*read)(const std::filesystem::path& file, MquakeChecks checks);
};
const std::vector<DatasetFormat>& dataset_formats();
/// "mquake:FILE, counterfact:FILE or zsre:FILE", for messages.
std::string dataset_format_names();

/// "mquake:FILE", taken apart.
struct DatasetName {
  const DatasetFormat* format = nullptr;
  std::filesystem::path file;
};
/// Throws `DataError` with the known formats.
DatasetName parse_dataset_name(const std::string& format_and_file);

/// A file of any of these formats as cases, in file order, with its identities. Throws `DataError`.
Dataset read_case_file(const DatasetName& name, MquakeChecks checks = MquakeChecks::labels);

}  // namespace kedit

#include "datasets/case_files.hpp"

#include "datasets/counterfact.hpp"
#include "edits/hash.hpp"

#include <fmt/format.h>

namespace kedit {
namespace {

template <class Record>
std::vector<MquakeCase> cases_of(const std::vector<Record>& records) {
  std::vector<MquakeCase> cases;
  cases.reserve(records.size());
  for (const Record& one : records) cases.push_back(case_of(one));
  return cases;
}

}  // namespace

DatasetName parse_dataset_name(const std::string& format_and_file) {
  const std::size_t colon = format_and_file.find(':');
  const std::string format = colon == std::string::npos ? "" : format_and_file.substr(0, colon);
  for (const CaseSource source : {CaseSource::mquake, CaseSource::counterfact, CaseSource::zsre}) {
    if (format == to_string(source)) return {source, format_and_file.substr(colon + 1)};
  }
  throw DataError(
      fmt::format("reading dataset \"{}\": expected mquake:FILE, counterfact:FILE or zsre:FILE, "
                  "found format \"{}\"",
                  format_and_file, format));
}

MquakeDataset read_case_file(const DatasetName& name, MquakeChecks checks) {
  if (name.source == CaseSource::mquake) return read_mquake(name.file, checks);
  MquakeDataset dataset;
  dataset.name = name.file.filename().string();
  dataset.cases = name.source == CaseSource::zsre ? cases_of(read_zsre(name.file))
                                                  : cases_of(read_counterfact(name.file));
  dataset.sha256 = sha256_hex(read_text_file(name.file));
  dataset.content_sha256 = mquake_content_sha256(dataset.cases);
  return dataset;
}

}  // namespace kedit

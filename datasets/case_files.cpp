#include "datasets/case_files.hpp"

#include "datasets/counterfact.hpp"
#include "edits/hash.hpp"
#include "json/json.hpp"

#include <fmt/format.h>

namespace kedit {
namespace {

Dataset read_mquake_cases(const std::filesystem::path& file, MquakeChecks checks) {
  return cases_of(read_mquake(file, checks));
}

// Records of one edit: their answers before and after are the edit's two objects.
template <class Record>
Dataset dataset_of(const std::filesystem::path& file, const std::vector<Record>& records) {
  Dataset dataset;
  dataset.name = file.filename().string();
  dataset.sha256 = sha256_hex(read_text_file(file));
  std::string answers;
  for (const Record& record : records) {
    dataset.cases.push_back(case_of(record));
    const Case& one = dataset.cases.back();
    answers +=
        fmt::format("{}{}\t{}\t{}", answers.empty() ? "" : "\n", one.id,
                    one.edits.front().target_true.value_or(""), one.edits.front().target_new);
  }
  dataset.content_sha256 = sha256_hex(answers);
  return dataset;
}

Dataset read_counterfact_cases(const std::filesystem::path& file, MquakeChecks) {
  return dataset_of(file, read_counterfact(file));
}

Dataset read_zsre_cases(const std::filesystem::path& file, MquakeChecks) {
  return dataset_of(file, read_zsre(file));
}

}  // namespace

const std::vector<DatasetFormat>& dataset_formats() {
  static const std::vector<DatasetFormat> formats = {
      {"mquake", true, read_mquake_cases},
      {"counterfact", false, read_counterfact_cases},
      {"zsre", false, read_zsre_cases},
  };
  return formats;
}

std::string dataset_format_names() {
  const std::vector<DatasetFormat>& formats = dataset_formats();
  std::string names;
  for (std::size_t i = 0; i < formats.size(); ++i) {
    const char* before = i == 0 ? "" : i + 1 == formats.size() ? " or " : ", ";
    names += fmt::format("{}{}:FILE", before, formats[i].name);
  }
  return names;
}

DatasetName parse_dataset_name(const std::string& format_and_file) {
  const std::size_t colon = format_and_file.find(':');
  const std::string format = colon == std::string::npos ? "" : format_and_file.substr(0, colon);
  for (const DatasetFormat& known : dataset_formats()) {
    if (format == known.name) return {&known, format_and_file.substr(colon + 1)};
  }
  throw DataError(fmt::format("reading dataset \"{}\": expected {}, found format \"{}\"",
                              format_and_file, dataset_format_names(), format));
}

Dataset read_case_file(const DatasetName& name, MquakeChecks checks) {
  return name.format->read(name.file, checks);
}

}  // namespace kedit

#include "datasets/mquake.hpp"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <unordered_map>

namespace kedit {
namespace {

[[noreturn]] void fail(const std::string& name, std::string_view part,
                       const std::string& expected) {
  throw DataError(fmt::format("selecting cases of {}: \"{}\": expected {}", name, part, expected));
}

std::int64_t parse_id(std::string_view text, const std::string& name, std::string_view part) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text[0] == '-') {
    fail(name, part, "case ids like \"1-100,205\"");
  }
  return id;
}

void add_range(std::string_view part, const std::set<std::int64_t>& known, const std::string& name,
               std::set<std::int64_t>& chosen) {
  const std::size_t dash = part.find('-');
  const std::int64_t low = parse_id(part.substr(0, dash), name, part);
  const std::int64_t high =
      dash == std::string_view::npos ? low : parse_id(part.substr(dash + 1), name, part);
  if (low > high) fail(name, part, "the smaller id first");
  const auto begin = known.lower_bound(low);
  if (low < *known.begin() || high > *known.rbegin() || begin == known.end() || *begin > high) {
    fail(name, part,
         fmt::format("ids of the file, which has {} cases from {} to {}", known.size(),
                     *known.begin(), *known.rbegin()));
  }
  chosen.insert(begin, known.upper_bound(high));
}

}  // namespace

std::vector<std::int64_t> parse_case_selection(const std::string& selection,
                                               const std::vector<std::int64_t>& file_ids,
                                               const std::string& name) {
  const std::set<std::int64_t> known(file_ids.begin(), file_ids.end());
  std::set<std::int64_t> chosen;
  if (selection.empty()) return {known.begin(), known.end()};
  if (known.empty()) fail(name, selection, "a file with cases");
  std::string_view rest = selection;
  for (;;) {
    const std::size_t comma = rest.find(',');
    add_range(rest.substr(0, comma), known, name, chosen);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return {chosen.begin(), chosen.end()};
}

std::vector<std::int64_t> parse_case_selection(const std::string& selection,
                                               const Dataset& dataset) {
  std::vector<std::int64_t> ids;
  for (const Case& one : dataset.cases) ids.push_back(one.id);
  return parse_case_selection(selection, ids, dataset.name);
}

std::vector<std::int64_t> parse_case_selection(const std::string& selection,
                                               const MquakeDataset& dataset) {
  std::vector<std::int64_t> ids;
  for (const MquakeCase& one : dataset.cases) ids.push_back(one.case_id);
  return parse_case_selection(selection, ids, dataset.name);
}

std::vector<MquakeCase> select_cases(const MquakeDataset& dataset,
                                     const std::vector<std::int64_t>& case_ids) {
  std::unordered_map<std::int64_t, const MquakeCase*> by_id;
  for (const MquakeCase& mquake_case : dataset.cases) {
    by_id.emplace(mquake_case.case_id, &mquake_case);
  }
  std::vector<MquakeCase> cases;
  for (std::int64_t id : case_ids) {
    const auto found = by_id.find(id);
    if (found == by_id.end()) fail(dataset.name, std::to_string(id), "a case id of the file");
    cases.push_back(*found->second);
  }
  return cases;
}

}  // namespace kedit

#include "datasets/mquake.hpp"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <unordered_map>

namespace kedit {
namespace {

[[noreturn]] void fail(const MquakeDataset& dataset, std::string_view part,
                       const std::string& expected) {
  throw DataError(
      fmt::format("selecting cases of {}: \"{}\": expected {}", dataset.name, part, expected));
}

std::int64_t parse_id(std::string_view text, const MquakeDataset& dataset, std::string_view part) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text[0] == '-') {
    fail(dataset, part, "case ids like \"1-100,205\"");
  }
  return id;
}

void add_range(std::string_view part, const std::set<std::int64_t>& known,
               const MquakeDataset& dataset, std::set<std::int64_t>& chosen) {
  const std::size_t dash = part.find('-');
  const std::int64_t low = parse_id(part.substr(0, dash), dataset, part);
  const std::int64_t high =
      dash == std::string_view::npos ? low : parse_id(part.substr(dash + 1), dataset, part);
  if (low > high) fail(dataset, part, "the smaller id first");
  const auto begin = known.lower_bound(low);
  if (low < *known.begin() || high > *known.rbegin() || begin == known.end() || *begin > high) {
    fail(dataset, part,
         fmt::format("ids of the file, which has {} cases from {} to {}", known.size(),
                     *known.begin(), *known.rbegin()));
  }
  chosen.insert(begin, known.upper_bound(high));
}

}  // namespace

std::vector<std::int64_t> parse_case_selection(const std::string& selection,
                                               const MquakeDataset& dataset) {
  std::set<std::int64_t> known, chosen;
  for (const MquakeCase& mquake_case : dataset.cases) known.insert(mquake_case.case_id);
  if (selection.empty()) return {known.begin(), known.end()};
  if (known.empty()) fail(dataset, selection, "a file with cases");
  std::string_view rest = selection;
  for (;;) {
    const std::size_t comma = rest.find(',');
    add_range(rest.substr(0, comma), known, dataset, chosen);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return {chosen.begin(), chosen.end()};
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
    if (found == by_id.end()) fail(dataset, std::to_string(id), "a case id of the file");
    cases.push_back(*found->second);
  }
  return cases;
}

}  // namespace kedit

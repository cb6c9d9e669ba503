#include "eval/grouping.hpp"

#include "edits/hash.hpp"
#include "eval/matching.hpp"
#include "eval/python_random.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace kedit {

const char* to_string(Grouping grouping) { return grouping == Grouping::seed0 ? "seed0" : "file"; }

Grouping parse_grouping(std::string_view name) {
  if (name == "seed0") return Grouping::seed0;
  if (name == "file") return Grouping::file;
  throw EvalError(fmt::format("choosing a grouping: expected seed0 or file, found \"{}\"", name));
}

std::vector<std::vector<std::int64_t>> group_cases(const std::vector<std::int64_t>& case_ids,
                                                   const GroupingProtocol& protocol) {
  if (protocol.group_size < 0) {
    throw EvalError(fmt::format("grouping cases: group_size: expected 1 or more, or all, found {}",
                                protocol.group_size));
  }
  std::vector<std::int64_t> order = case_ids;
  if (protocol.grouping == Grouping::seed0) PythonRandom(protocol.seed).shuffle(order);
  const auto size = protocol.group_size == 0 ? std::max<std::size_t>(order.size(), 1)
                                             : static_cast<std::size_t>(protocol.group_size);
  std::vector<std::vector<std::int64_t>> groups;
  for (std::size_t begin = 0; begin < order.size(); begin += size) {
    const std::size_t end = begin + std::min(size, order.size() - begin);
    groups.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                        order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return groups;
}

std::string grouping_hash(const std::vector<std::vector<std::int64_t>>& groups) {
  Sha256 hash;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    hash.update(fmt::format("{}{}", i == 0 ? "" : ";", fmt::join(groups[i], ",")));
  }
  return hash.hex();
}

const MquakeCase& find_case(const MquakeDataset& dataset, std::int64_t case_id) {
  const auto found = std::find_if(dataset.cases.begin(), dataset.cases.end(),
                                  [&](const MquakeCase& one) { return one.case_id == case_id; });
  if (found == dataset.cases.end()) {
    throw EvalError(
        fmt::format("looking up case {} in {}: there is no such case", case_id, dataset.name));
  }
  return *found;
}

std::vector<EditRequest> pool_of(const std::vector<const MquakeCase*>& cases) {
  std::vector<EditRequest> pool;
  std::set<std::tuple<std::string, std::string, std::string, std::string>> seen;
  for (const MquakeCase* one : cases) {
    for (EditRequest& request : requests_of(*one)) {
      // Labels and the template, not ids: what an editor is asked to write is its sentence.
      if (seen.emplace(request.subject, request.prompt, request.relation, request.target_new)
              .second) {
        pool.push_back(std::move(request));
      }
    }
  }
  return pool;
}

}  // namespace kedit

#include "eval/protocol/grouping.hpp"

#include "edits/hash.hpp"
#include "eval/metrics/matching.hpp"
#include "eval/protocol/python_random.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

namespace kedit::protocol {

namespace {

using Ids = std::vector<std::int64_t>;
using Groups = std::vector<Ids>;

struct GroupingInfo {
  Grouping grouping;
  const char* name;
  const char* summary;
  std::uint64_t seed;
};

constexpr std::array<GroupingInfo, 4> kGroupings = {{
    {Grouping::seed0, "seed0",
     "the cases in the order of Python's shuffle of seed 0, then slices of K", 0},
    {Grouping::poke, "poke",
     "folds of K cases stratified by hops, seed 42; file order for one case or all (PokeMQA)", 42},
    {Grouping::file, "file", "slices of K cases in file order", 0},
    {Grouping::rem, "rem",
     "K sampled cases are edited together, seed 100; all others stay unedited and are scored on "
     "their old golds (MQuAKE-Remastered)",
     100},
}};

const GroupingInfo& info_of(Grouping grouping) {
  return *std::find_if(kGroupings.begin(), kGroupings.end(),
                       [&](const GroupingInfo& one) { return one.grouping == grouping; });
}

std::size_t size_of(const Ids& ids, const GroupingProtocol& protocol) {
  const std::size_t all = std::max<std::size_t>(ids.size(), 1);
  if (protocol.group_size == 0) return all;
  return std::min(all, static_cast<std::size_t>(protocol.group_size));
}

Groups slices(const Ids& order, std::size_t size) {
  Groups groups;
  for (std::size_t begin = 0; begin < order.size(); begin += size) {
    const std::size_t end = begin + std::min(size, order.size() - begin);
    groups.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                        order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return groups;
}

// scikit-learn's StratifiedKFold(S, shuffle=True, random_state=seed): how many cases of a class go
// into a fold is read off the sorted labels; which ones, off a shuffle per class.
Groups stratified_folds(const Ids& ids, std::size_t size, std::uint64_t seed) {
  const std::size_t folds = std::max<std::size_t>(ids.size() / size, 1);
  std::map<std::int64_t, Ids> classes;
  for (const std::int64_t id : ids) classes[(id - 1) / 1000].push_back(id);
  NumpyRandom random(static_cast<std::uint32_t>(seed));
  std::map<std::int64_t, std::size_t> fold_of;
  std::size_t position = 0;  // of the class's first member among the sorted labels
  for (const auto& [label, members] : classes) {
    std::vector<std::size_t> dealt(folds, 0);
    for (std::size_t i = 0; i < members.size(); ++i) ++dealt[(position + i) % folds];
    position += members.size();
    std::vector<std::size_t> numbers;
    for (std::size_t fold = 0; fold < folds; ++fold) {
      numbers.insert(numbers.end(), dealt[fold], fold);
    }
    random.shuffle(numbers);
    for (std::size_t i = 0; i < members.size(); ++i) fold_of[members[i]] = numbers[i];
  }
  Groups groups(folds);
  for (const std::int64_t id : ids) groups[fold_of.at(id)].push_back(id);
  return groups;
}

Ids sampled(const Ids& ids, const GroupingProtocol& protocol) {
  const auto all = static_cast<std::uint32_t>(ids.size());
  const auto wanted = static_cast<std::uint32_t>(ids.empty() ? 0 : size_of(ids, protocol));
  Ids chosen;
  for (const std::uint32_t at : PythonRandom(protocol.seed).sample(all, wanted)) {
    chosen.push_back(ids[at]);
  }
  return chosen;
}

}  // namespace

const char* to_string(Grouping grouping) { return info_of(grouping).name; }

const char* grouping_summary(Grouping grouping) { return info_of(grouping).summary; }

std::uint64_t default_seed(Grouping grouping) { return info_of(grouping).seed; }

Grouping parse_grouping(std::string_view name) {
  for (const GroupingInfo& one : kGroupings) {
    if (one.name == name) return one.grouping;
  }
  throw EvalError(
      fmt::format("choosing a grouping: expected seed0, poke, file or rem, found \"{}\"", name));
}

std::vector<std::vector<std::int64_t>> group_cases(const std::vector<std::int64_t>& case_ids,
                                                   const GroupingProtocol& protocol) {
  if (protocol.group_size < 0) {
    throw EvalError(fmt::format("grouping cases: group_size: expected 1 or more, or all, found {}",
                                protocol.group_size));
  }
  const std::size_t size = size_of(case_ids, protocol);
  Ids order = case_ids;
  switch (protocol.grouping) {
    case Grouping::seed0:
      PythonRandom(protocol.seed).shuffle(order);
      return slices(order, size);
    case Grouping::poke:
      if (size == 1 || size >= case_ids.size()) return slices(order, size);
      return stratified_folds(case_ids, size, protocol.seed);
    case Grouping::file:
      return slices(order, size);
    case Grouping::rem:
      return {sampled(case_ids, protocol)};
  }
  return {};
}

std::vector<std::int64_t> unedited_cases(const std::vector<std::int64_t>& case_ids,
                                         const GroupingProtocol& protocol) {
  if (protocol.grouping != Grouping::rem) return {};
  const Ids edited = sampled(case_ids, protocol);
  const std::set<std::int64_t> known(edited.begin(), edited.end());
  Ids rest;
  for (const std::int64_t id : case_ids) {
    if (known.count(id) == 0) rest.push_back(id);
  }
  return rest;
}

std::string grouping_hash(const std::vector<std::vector<std::int64_t>>& groups) {
  Sha256 hash;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    hash.update(fmt::format("{}{}", i == 0 ? "" : ";", fmt::join(groups[i], ",")));
  }
  return hash.hex();
}

const Case& find_case(const Dataset& dataset, std::int64_t case_id) {
  const auto found = std::find_if(dataset.cases.begin(), dataset.cases.end(),
                                  [&](const Case& one) { return one.id == case_id; });
  if (found == dataset.cases.end()) {
    throw EvalError(
        fmt::format("looking up case {} in {}: there is no such case", case_id, dataset.name));
  }
  return *found;
}

std::vector<EditRequest> pool_of(const std::vector<const Case*>& cases) {
  std::vector<EditRequest> pool;
  std::set<std::tuple<std::string, std::string, std::string, std::string>> seen;
  for (const Case* one : cases) {
    for (const EditRequest& request : one->edits) {
      // Labels and the template, not ids: what an editor is asked to write is its sentence.
      if (seen.emplace(request.subject, request.prompt, request.relation, request.target_new)
              .second) {
        pool.push_back(request);
      }
    }
  }
  return pool;
}

}  // namespace kedit::protocol

#pragma once

#include "datasets/mquake.hpp"

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace kedit {

/// A request to the evaluator makes no sense: unknown rule, metric, protocol, form. One sentence.
class EvalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// When a prediction counts as a gold string. Never compare accuracies without naming the rule.
enum class MatchRule {
  exact,    ///< M0: equal bytes.
  trimmed,  ///< M0s: M0 after trimming ASCII white space of the prediction.
  folded,   ///< M1: equal after the full Unicode upper-case mapping of both.
  dotless,  ///< M2: M1, and on both sides NFC, trimmed, U+2019 as ', one final period dropped.
};

struct MatchRuleInfo {
  MatchRule rule;
  std::string name;        ///< "M0"
  std::string definition;  ///< One sentence.
};

/// All rules, weakest last. What M3 to M6 (containment, letters, tokens) need is another entry here
/// and another branch in `match_key` or in `GoldMatcher`.
const std::vector<MatchRuleInfo>& match_rules();
const char* to_string(MatchRule rule);
/// Throws `EvalError` with the known names.
MatchRule parse_match_rule(std::string_view name);
/// "M0,M2" -> rules; duplicates and blanks are refused.
std::vector<MatchRule> parse_match_rules(std::string_view names);

enum class GoldSide { post, pre };
const char* to_string(GoldSide side);
GoldSide parse_gold_side(std::string_view name);

/// Gold strings of a side: the answer after the edits, or before them.
const Gold& gold_of(const MquakeCase& mquake_case, GoldSide side);

/// A set of gold strings under one rule, prepared once and asked often.
class GoldMatcher {
 public:
  GoldMatcher(const Gold& gold, MatchRule rule);
  GoldMatcher(const std::vector<std::string>& golds, MatchRule rule);

  bool operator()(std::string_view prediction) const;
  /// A missing answer never matches.
  bool operator()(const std::optional<std::string>& prediction) const;

 private:
  MatchRule rule_;
  std::unordered_set<std::string> keys_;
};

/// Shorthand for one comparison.
bool matches(const std::optional<std::string>& prediction, const Gold& gold, MatchRule rule);

}  // namespace kedit

#pragma once

#include "datasets/case.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// A request to the evaluator makes no sense: unknown rule, metric, protocol, form. One sentence.
class EvalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// When a prediction counts as a gold string. Never compare accuracies without naming the rule.
enum class MatchRule {
  exact,      ///< M0: equal bytes.
  trimmed,    ///< M0s: M0 after trimming ASCII white space of the prediction.
  undotted,   ///< M0d: M0 after dropping one final period of the prediction.
  folded,     ///< M1: equal after the full Unicode upper-case mapping of both.
  dotless,    ///< M2: M1, and on both sides NFC, trimmed, U+2019 as ', one final period dropped.
  contained,  ///< M3: the lower-cased prediction contains a lower-cased gold.
  contained_case,  ///< M3c: the prediction contains a gold, case kept.
  reversed,        ///< M3r: a gold contains the prediction.
  letters,         ///< M4: M3 on ASCII letters and blanks only; golds are answer and first alias.
  normalised,      ///< M5: M3 after dropping ASCII punctuation and squeezing blanks.
  tokens,  ///< M6: share of the answer's tokens that are the most probable ones when forced.
};

struct MatchRuleInfo {
  MatchRule rule;
  std::string name;        ///< "M0"
  std::string definition;  ///< One sentence.
  std::string origin;      ///< Who scores so.
};

/// All rules, in the order of their names.
const std::vector<MatchRuleInfo>& match_rules();
const char* to_string(MatchRule rule);
/// Throws `EvalError` with the known names.
MatchRule parse_match_rule(std::string_view name);
/// "M0,M2" -> rules, "all" -> every rule; duplicates and blanks are refused.
std::vector<MatchRule> parse_match_rules(std::string_view names);

enum class GoldSide { post, pre };
const char* to_string(GoldSide side);
GoldSide parse_gold_side(std::string_view name);

/// Gold strings of a side: after the edits, or before them.
const Gold& gold_of(const Prompt& prompt, GoldSide side);

struct MatchOptions {
  /// Containment rules (M3 to M5) ignore golds of fewer than three characters: a language code is
  /// in almost every prediction. The origins of these rules do not.
  bool drop_short_golds = false;
};

/// A set of gold strings under one rule, prepared once and asked often. M6 compares tokens, not
/// strings: a matcher of that rule never matches. A gold of which the rule leaves nothing (an empty
/// alias, no ASCII letter under M4) matches no answer, and under M3r a blank answer matches none.
class GoldMatcher {
 public:
  GoldMatcher(const Gold& gold, MatchRule rule, const MatchOptions& options = {});
  /// The first string is the answer, the others its aliases in their order.
  GoldMatcher(const std::vector<std::string>& golds, MatchRule rule,
              const MatchOptions& options = {});

  bool operator()(std::string_view prediction) const;
  /// A missing answer never matches.
  bool operator()(const std::optional<std::string>& prediction) const;

 private:
  MatchRule rule_;
  std::vector<std::string> keys_;
};

/// Shorthand for one comparison.
bool matches(const std::optional<std::string>& prediction, const Gold& gold, MatchRule rule);

}  // namespace kedit

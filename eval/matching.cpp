#include "eval/matching.hpp"

#include "eval/unicode.hpp"
#include "json/json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kedit {
namespace {

constexpr std::string_view kRightQuote = "\xE2\x80\x99";  // U+2019

std::string straight_quotes(const std::string& text) {
  std::string out;
  std::size_t begin = 0;
  for (std::size_t at = text.find(kRightQuote); at != std::string::npos;
       at = text.find(kRightQuote, begin)) {
    out.append(text, begin, at - begin);
    out += '\'';
    begin = at + kRightQuote.size();
  }
  return out.append(text, begin);
}

std::string dotless_key(std::string_view text) {
  const std::string folded = straight_quotes(to_nfc(upper_case(text)));
  std::string_view key = trim_ascii(folded);
  if (!key.empty() && key.back() == '.') key.remove_suffix(1);
  return std::string(key);
}

// What is compared; the gold side and the prediction differ for M0s only.
std::string match_key(std::string_view text, MatchRule rule, bool is_prediction) {
  switch (rule) {
    case MatchRule::exact:
      return std::string(text);
    case MatchRule::trimmed:
      return std::string(is_prediction ? trim_ascii(text) : text);
    case MatchRule::folded:
      return upper_case(text);
    case MatchRule::dotless:
      return dotless_key(text);
  }
  return std::string(text);
}

std::vector<std::string> strings_of(const Gold& gold) {
  std::vector<std::string> all = gold.aliases;
  all.push_back(gold.answer);
  return all;
}

}  // namespace

const std::vector<MatchRuleInfo>& match_rules() {
  static const std::vector<MatchRuleInfo> rules = {
      {MatchRule::exact, "M0", "the answer equals a gold string byte for byte"},
      {MatchRule::trimmed, "M0s", "as M0 after trimming white space of the answer"},
      {MatchRule::folded, "M1", "equal after upper-casing both (full Unicode mapping)"},
      {MatchRule::dotless, "M2",
       "as M1 after Unicode composition, trimming, straight apostrophes and dropping one final "
       "period on both sides"},
  };
  return rules;
}

const char* to_string(MatchRule rule) {
  for (const MatchRuleInfo& info : match_rules()) {
    if (info.rule == rule) return info.name.c_str();
  }
  return "?";
}

MatchRule parse_match_rule(std::string_view name) {
  std::vector<std::string> known;
  for (const MatchRuleInfo& info : match_rules()) {
    if (info.name == name) return info.rule;
    known.push_back(info.name);
  }
  throw EvalError(fmt::format("choosing a matching rule: expected one of {}, found \"{}\"",
                              fmt::join(known, ", "), name));
}

std::vector<MatchRule> parse_match_rules(std::string_view names) {
  std::vector<MatchRule> rules;
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    const MatchRule rule = parse_match_rule(names.substr(begin, end - begin));
    if (std::find(rules.begin(), rules.end(), rule) != rules.end()) {
      throw EvalError(
          fmt::format("choosing matching rules: \"{}\" names {} twice", names, to_string(rule)));
    }
    rules.push_back(rule);
    begin = end + 1;
  }
  return rules;
}

const char* to_string(GoldSide side) { return side == GoldSide::post ? "post" : "pre"; }

GoldSide parse_gold_side(std::string_view name) {
  if (name == "post") return GoldSide::post;
  if (name == "pre") return GoldSide::pre;
  throw EvalError(fmt::format("choosing the gold side: expected post or pre, found \"{}\"", name));
}

const Gold& gold_of(const MquakeCase& mquake_case, GoldSide side) {
  return side == GoldSide::post ? mquake_case.post : mquake_case.pre;
}

GoldMatcher::GoldMatcher(const Gold& gold, MatchRule rule) : GoldMatcher(strings_of(gold), rule) {}

GoldMatcher::GoldMatcher(const std::vector<std::string>& golds, MatchRule rule) : rule_(rule) {
  for (const std::string& gold : golds) keys_.insert(match_key(gold, rule, false));
}

bool GoldMatcher::operator()(std::string_view prediction) const {
  return keys_.count(match_key(prediction, rule_, true)) > 0;
}

bool GoldMatcher::operator()(const std::optional<std::string>& prediction) const {
  return prediction.has_value() && (*this)(std::string_view(*prediction));
}

bool matches(const std::optional<std::string>& prediction, const Gold& gold, MatchRule rule) {
  return GoldMatcher(gold, rule)(prediction);
}

}  // namespace kedit

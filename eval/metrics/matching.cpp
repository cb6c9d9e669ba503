#include "eval/metrics/matching.hpp"

#include "eval/metrics/unicode.hpp"
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
  const std::string folded = straight_quotes(metrics::to_nfc(tokenizer::upper_case(text)));
  std::string_view key = metrics::trim_ascii(folded);
  if (!key.empty() && key.back() == '.') key.remove_suffix(1);
  return std::string(key);
}

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_ascii_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// "St. John's" -> "st johns"
std::string letters_key(std::string_view text) {
  std::string key;
  for (const char c : text) {
    if (is_ascii_letter(c)) key += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (c == ' ') key += c;
  }
  return key;
}

bool is_ascii_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_ascii_blank);
}

std::string normalised_key(std::string_view text) {
  std::string key;
  bool blank = false;
  for (const char c : tokenizer::lower_case(text)) {
    if (is_ascii_punctuation(c)) continue;
    if (is_ascii_blank(c)) {
      blank = true;
      continue;
    }
    if (blank && !key.empty()) key += ' ';
    blank = false;
    key += c;
  }
  return key;
}

std::string_view without_final_period(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  return text;
}

// What is compared; the gold side and the prediction differ for M0s and M0d only.
std::string match_key(std::string_view text, MatchRule rule, bool is_prediction) {
  switch (rule) {
    case MatchRule::exact:
    case MatchRule::contained_case:
    case MatchRule::reversed:
    case MatchRule::tokens:
      return std::string(text);
    case MatchRule::trimmed:
      return std::string(is_prediction ? metrics::trim_ascii(text) : text);
    case MatchRule::undotted:
      return std::string(is_prediction ? without_final_period(text) : text);
    case MatchRule::folded:
      return tokenizer::upper_case(text);
    case MatchRule::dotless:
      return dotless_key(text);
    case MatchRule::contained:
      return tokenizer::lower_case(text);
    case MatchRule::letters:
      return letters_key(text);
    case MatchRule::normalised:
      return normalised_key(text);
  }
  return std::string(text);
}

bool is_containment(MatchRule rule) {
  return rule == MatchRule::contained || rule == MatchRule::contained_case ||
         rule == MatchRule::letters || rule == MatchRule::normalised;
}

bool is_short(std::string_view key) {
  const auto characters = std::count_if(key.begin(), key.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not a UTF-8 continuation byte
  });
  return characters < 3;
}

std::vector<std::string> strings_of(const Gold& gold) {
  std::vector<std::string> all = {gold.answer};
  all.insert(all.end(), gold.aliases.begin(), gold.aliases.end());
  all.insert(all.end(), gold.further.begin(), gold.further.end());
  return all;
}

}  // namespace

const std::vector<MatchRuleInfo>& match_rules() {
  static const std::vector<MatchRuleInfo> rules = {
      {MatchRule::exact, "M0", "the answer equals a gold string byte for byte",
       "MQuAKE, PokeMQA, EditCoT, Reason-KE"},
      {MatchRule::trimmed, "M0s", "as M0 after trimming white space of the answer", "kedit"},
      {MatchRule::undotted, "M0d", "as M0 after dropping one final period of the answer",
       "kedit, to show what the period costs"},
      {MatchRule::folded, "M1", "equal after upper-casing both (full Unicode mapping)",
       "MQuAKE-Remastered"},
      {MatchRule::dotless, "M2",
       "as M1 after Unicode composition, trimming, straight apostrophes and dropping one final "
       "period on both sides",
       "kedit"},
      {MatchRule::contained, "M3", "the lower-cased answer contains a lower-cased gold string",
       "CaKE, memit_for_mquake"},
      {MatchRule::contained_case, "M3c", "the answer contains a gold string, case kept",
       "kedit, to show what case costs"},
      {MatchRule::reversed, "M3r", "a gold string contains the answer",
       "kedit, to show how loose containment can be"},
      {MatchRule::letters, "M4",
       "as M3 on ASCII letters and blanks alone; of the aliases only the first counts", "RAE"},
      {MatchRule::normalised, "M5", "as M3 after dropping punctuation and squeezing blanks",
       "a public fork of MQuAKE"},
      {MatchRule::tokens, "M6",
       "share of the new answer's tokens that are the most probable ones under teacher forcing, no "
       "aliases",
       "EasyEdit (portability)"},
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
  if (names == "all") {
    for (const MatchRuleInfo& info : match_rules()) rules.push_back(info.rule);
    return rules;
  }
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

const Gold& gold_of(const Prompt& prompt, GoldSide side) {
  return side == GoldSide::post ? prompt.gold : prompt.old;
}

GoldMatcher::GoldMatcher(const Gold& gold, MatchRule rule, const MatchOptions& options)
    : GoldMatcher(strings_of(gold), rule, options) {}

GoldMatcher::GoldMatcher(const std::vector<std::string>& golds, MatchRule rule,
                         const MatchOptions& options)
    : rule_(rule) {
  constexpr std::size_t answer_and_first_alias = 2;
  const std::size_t counted =
      rule == MatchRule::letters ? std::min(golds.size(), answer_and_first_alias) : golds.size();
  for (std::size_t i = 0; i < counted; ++i) {
    std::string key = match_key(golds[i], rule, false);
    if (key.empty()) continue;  // every answer contains it, and it names nothing
    if (options.drop_short_golds && is_containment(rule) && is_short(key)) continue;
    keys_.push_back(std::move(key));
  }
}

bool GoldMatcher::operator()(std::string_view prediction) const {
  if (rule_ == MatchRule::tokens) return false;
  const std::string said = match_key(prediction, rule_, true);
  // Every gold contains an answer that says nothing.
  if (rule_ == MatchRule::reversed && is_blank(said)) return false;
  return std::any_of(keys_.begin(), keys_.end(), [&](const std::string& gold) {
    if (rule_ == MatchRule::reversed) return gold.find(said) != std::string::npos;
    return is_containment(rule_) ? said.find(gold) != std::string::npos : said == gold;
  });
}

bool GoldMatcher::operator()(const std::optional<std::string>& prediction) const {
  return prediction.has_value() && (*this)(std::string_view(*prediction));
}

bool matches(const std::optional<std::string>& prediction, const Gold& gold, MatchRule rule) {
  return GoldMatcher(gold, rule)(prediction);
}

}  // namespace kedit

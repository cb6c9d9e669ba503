#include "eval/metrics/matching.hpp"

#include "eval/metrics/unicode.hpp"
#include "tests/eval/messages.hpp"
#include "tests/support/catch.hpp"

#include <random>

using namespace kedit;
using kedit::testing::contains;
using kedit::testing::message_of;

namespace {

bool match(const std::string& prediction, const std::string& gold, MatchRule rule) {
  return matches(prediction, Gold{gold, {}}, rule);
}

// A gold string disturbed in ways the rules forgive or not.
std::string disturbed(const std::string& gold, std::mt19937& generator) {
  std::string text = gold;
  switch (generator() % 8) {
    case 0:
      return text;
    case 1:
      return " " + text + "\n";
    case 2:
      return tokenizer::upper_case(text);
    case 3:
      return text + ".";
    case 4:
      return "\t" + tokenizer::upper_case(text) + ". ";
    case 5:
      return text + "..";
    case 6:
      return text.substr(1);
    default:
      return text + " x";
  }
}

}  // namespace

TEST_CASE("Match rules: M0 and M0s and M1 and M2 accept what their definitions say") {
  struct Row {
    std::string prediction, gold;
    bool exact, trimmed, folded, dotless;
  };
  const auto row = GENERATE(values<Row>({
      {"Paris", "Paris", true, true, true, true},
      {" Paris\n", "Paris", false, true, false, true},
      {"PARIS", "paris", false, false, true, true},
      {"Paris.", "Paris", false, false, false, true},
      {"Washington, D.C", "Washington, D.C.", false, false, false, true},
      {"Paris..", "Paris", false, false, false, false},
      {"Par", "Paris", false, false, false, false},
      {"O\xE2\x80\x99Neill", "O'Neill", false, false, false, true},
      {"stra\xC3\x9F"
       "e",
       "STRASSE", false, false, true, true},                                   // sharp s -> SS
      {"\xC4\xB1stanbul", "ISTANBUL", false, false, true, true},               // dotless i -> I
      {"\xEF\xAC\x81x", "FIX", false, false, true, true},                      // ligature fi -> FI
      {"e\xCC\x81t\xC3\xA9", "\xC3\xA9t\xC3\xA9", false, false, false, true},  // combining acute
      {"", "Paris", false, false, false, false},
  }));
  CAPTURE(row.prediction, row.gold);
  CHECK(match(row.prediction, row.gold, MatchRule::exact) == row.exact);
  CHECK(match(row.prediction, row.gold, MatchRule::trimmed) == row.trimmed);
  CHECK(match(row.prediction, row.gold, MatchRule::folded) == row.folded);
  CHECK(match(row.prediction, row.gold, MatchRule::dotless) == row.dotless);
}

TEST_CASE("Match rules: a weaker rule accepts everything that a stronger one accepts") {
  const std::vector<std::string> golds = {"Paris",
                                          "Washington, D.C.",
                                          "stra\xC3\x9F"
                                          "e",
                                          "O\xE2\x80\x99Neill",
                                          "\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7",
                                          "e\xCC\x81"};
  std::mt19937 generator(7);
  for (int i = 0; i < 2000; ++i) {
    const std::string& gold = golds[generator() % golds.size()];
    const std::string prediction = disturbed(gold, generator);
    CAPTURE(gold, prediction);
    const bool exact = match(prediction, gold, MatchRule::exact);
    const bool trimmed = match(prediction, gold, MatchRule::trimmed);
    const bool folded = match(prediction, gold, MatchRule::folded);
    const bool dotless = match(prediction, gold, MatchRule::dotless);
    CHECK((!exact || trimmed));
    CHECK((!exact || folded));
    CHECK((!trimmed || dotless));
    CHECK((!folded || dotless));
    CHECK((!exact || match(prediction, gold, MatchRule::contained)));
    CHECK((!exact || match(prediction, gold, MatchRule::contained_case)));
    CHECK((!match(prediction, gold, MatchRule::contained_case) ||
           match(prediction, gold, MatchRule::contained)));
    CHECK((!exact || match(prediction, gold, MatchRule::reversed)));
    CHECK((!exact || match(prediction, gold, MatchRule::normalised)));
  }
}

TEST_CASE("Match rules: containment rules ignore the text around the answer") {
  struct Row {
    std::string prediction, gold;
    bool contained, with_case, reversed, letters, normalised;
  };
  const auto row = GENERATE(values<Row>({
      {"Paris", "Paris", true, true, true, true, true},
      {"It is Paris, France.", "Paris", true, true, false, true, true},
      {"it is paris", "Paris", true, false, false, true, true},
      {"Par", "Paris", false, false, true, false, false},
      {"St Johns", "St. John's", false, false, false, true, true},
      {"New   York", "New York", false, false, false, false, true},
      {"\xC3\x89T\xC3\x89 2", "\xC3\xA9t\xC3\xA9", true, false, false, true, true},
      {"anything", "\xE6\x9D\xB1", false, false, false, false, false},  // no ASCII letter is left
  }));
  CAPTURE(row.prediction, row.gold);
  CHECK(match(row.prediction, row.gold, MatchRule::contained) == row.contained);
  CHECK(match(row.prediction, row.gold, MatchRule::contained_case) == row.with_case);
  CHECK(match(row.prediction, row.gold, MatchRule::reversed) == row.reversed);
  CHECK(match(row.prediction, row.gold, MatchRule::letters) == row.letters);
  CHECK(match(row.prediction, row.gold, MatchRule::normalised) == row.normalised);
}

TEST_CASE("Match rules: M4 uses the first alias only and short gold answers can be excluded") {
  const Gold gold{"English", {"en", "English language"}};
  CHECK(matches("an English language", gold, MatchRule::letters));
  CHECK(matches("no opinion", {"X Y", {"opinion", "y"}}, MatchRule::letters));
  CHECK_FALSE(matches("no y here", {"X Y", {"opinion", "y"}}, MatchRule::letters));
  CHECK(matches("then", gold, MatchRule::contained));
  const MatchOptions strict{true};
  CHECK_FALSE(GoldMatcher(gold, MatchRule::contained, strict)(std::string_view("then")));
  CHECK(GoldMatcher(gold, MatchRule::exact, strict)(std::string_view("en")));
  CHECK_FALSE(
      GoldMatcher(Gold{"\xE6\x9D\xB1", {}}, MatchRule::letters, strict)(std::string_view("x")));
}

TEST_CASE("Match rules: M0d removes one final period of the prediction only") {
  CHECK(match("Paris.", "Paris", MatchRule::undotted));
  CHECK_FALSE(match("Washington, D.C.", "Washington, D.C.", MatchRule::undotted));
}

TEST_CASE("Match rules: M6 compares no strings") {
  CHECK_FALSE(match("a", "a", MatchRule::tokens));
}

TEST_CASE("Match rules: aliases count as gold and a missing answer is never right") {
  const Gold gold{"United States of America", {"USA", "the U.S."}};
  CHECK(matches("USA", gold, MatchRule::exact));
  CHECK(matches("the U.S.", gold, MatchRule::exact));
  CHECK_FALSE(matches("usa", gold, MatchRule::exact));
  CHECK_FALSE(matches(std::nullopt, Gold{"", {}}, MatchRule::dotless));
}

TEST_CASE("Match rules: invalid UTF-8 is compared as bytes") {
  CHECK(match("a\xFF", "A\xFF", MatchRule::folded));
  CHECK(match("\xFF\xFE", "\xFF\xFE", MatchRule::dotless));
}

TEST_CASE("parse_match_rules: unknown and repeated and empty rule lists are refused") {
  CHECK(
      (parse_match_rules("M0,M2") == std::vector<MatchRule>{MatchRule::exact, MatchRule::dotless}));
  CHECK(contains(message_of([] { parse_match_rules("M0,M7"); }),
                 "expected one of M0, M0s, M0d, M1, M2"));
  CHECK(parse_match_rules("all").size() == match_rules().size());
  CHECK(contains(message_of([] { parse_match_rules("M1,M1"); }), "names M1 twice"));
  CHECK_THROWS_AS(parse_match_rules(""), EvalError);
}

TEST_CASE("Matching: a gold of which a rule leaves nothing matches no answer") {
  for (const MatchRuleInfo& info : match_rules()) {
    CAPTURE(info.name);
    CHECK_FALSE(matches("chess", {"Canuism", {""}}, info.rule));
    CHECK_FALSE(matches("", {"Canuism", {""}}, info.rule));
  }
  const Gold ball{"baseball", {"\xE2\x9A\xBE"}};  // a symbol
  CHECK_FALSE(matches("chess", ball, MatchRule::letters));
  CHECK_FALSE(matches("chess", ball, MatchRule::contained));
  CHECK_FALSE(matches("chess", {"x", {"..."}}, MatchRule::normalised));
  CHECK(matches("I like \xE2\x9A\xBE", ball, MatchRule::contained));
}

TEST_CASE("Matching: an answer that says nothing is within no gold") {
  CHECK_FALSE(match("", "Paris", MatchRule::reversed));
  CHECK_FALSE(match(" \n", "New York", MatchRule::reversed));
  CHECK(match("York", "New York", MatchRule::reversed));
}

TEST_CASE("Matching: a sigma at the end of a word is the same letter in capitals") {
  const std::string small = "\xCE\x9F\xCE\xB4\xCE\xBF\xCF\x82";    // Odos, final sigma
  const std::string capital = "\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3";  // ODOS
  CHECK(match(capital, small, MatchRule::folded));
  CHECK(match(capital, small, MatchRule::contained));
  CHECK(match(capital + ".", small, MatchRule::normalised));
}

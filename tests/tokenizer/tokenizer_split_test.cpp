#include "json/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"
#include "tokenizer/text/split_pattern.hpp"
#include "tokenizer/tokenizer_error.hpp"

using namespace kedit;
using namespace kedit::testing;

namespace {

std::vector<std::string> pieces_of(const tokenizer::SplitPattern& pattern, const std::string& text,
                                   tokenizer::SplitBehavior behavior, bool invert = false) {
  tokenizer::SplitScratch scratch;
  std::vector<tokenizer::TextRange> ranges;
  pattern.split(text, behavior, invert, 0, scratch, ranges);
  std::vector<std::string> pieces;
  for (const auto& [begin, end] : ranges) pieces.push_back(text.substr(begin, end - begin));
  return pieces;
}

using Pieces = std::vector<std::string>;

}  // namespace

// The expected pieces are those in the reference library's documentation of SplitDelimiterBehavior.
TEST_CASE("SplitPattern: matches are kept or dropped or merged as the behaviour says") {
  const auto dash = tokenizer::SplitPattern::literal("-", "here");
  const std::string text = "the-final--countdown";
  CHECK(pieces_of(dash, text, tokenizer::SplitBehavior::removed) ==
        Pieces{"the", "final", "countdown"});
  CHECK(pieces_of(dash, text, tokenizer::SplitBehavior::isolated) ==
        Pieces{"the", "-", "final", "-", "-", "countdown"});
  CHECK(pieces_of(dash, text, tokenizer::SplitBehavior::merged_with_previous) ==
        Pieces{"the-", "final-", "-", "countdown"});
  CHECK(pieces_of(dash, text, tokenizer::SplitBehavior::merged_with_next) ==
        Pieces{"the", "-final", "-", "-countdown"});
  CHECK(pieces_of(dash, text, tokenizer::SplitBehavior::contiguous) ==
        Pieces{"the", "-", "final", "--", "countdown"});
  CHECK(pieces_of(dash, text, tokenizer::SplitBehavior::removed, true) == Pieces{"-", "-", "-"});
}

namespace {

// What is left of each text, or nothing for a pattern that is refused.
std::optional<Pieces> left_by(const std::string& pattern, const Json& texts) {
  try {
    const auto split = tokenizer::SplitPattern::regex(pattern, "here");
    Pieces left;
    for (const Json& text : texts) {
      std::string joined;
      for (const auto& piece :
           pieces_of(split, text.get<std::string>(), tokenizer::SplitBehavior::removed)) {
        if (!joined.empty()) joined += '|';
        joined += piece;
      }
      left.push_back(joined);
    }
    return left;
  } catch (const TokenizerError&) {
    return std::nullopt;
  }
}

}  // namespace

TEST_CASE("patterns split as the reference library's, or are refused") {
  const Json golden = read_json(golden_file("patterns_golden.json"));
  for (const Json& row : golden.at("patterns")) {
    const auto pattern = row[0].get<std::string>();
    CAPTURE(pattern);
    const auto left = left_by(pattern, golden.at("texts"));
    const bool required = row[1].get<bool>();
    CHECK((left || !required));
    if (!left) continue;
    CHECK_FALSE(row[2].is_null());
    for (std::size_t i = 0; i < left->size() && !row[2].is_null(); ++i) {
      CAPTURE(golden.at("texts")[i]);
      CHECK((*left)[i] == row[2][i].get<std::string>());
    }
  }
}

TEST_CASE("SplitPattern: white space is Unicode's inside and outside of character classes") {
  const std::string pattern = GENERATE(as<std::string>{}, R"(\S+)", R"([^\s]+)", R"([\S]+)");
  const auto words = tokenizer::SplitPattern::regex(pattern, "here");
  CHECK(pieces_of(words,
                  "a\xC2\xA0"
                  "b\xE3\x80\x80"
                  "c\xC2\x85"
                  "d\xE1\xA0\x8E"
                  "e f",
                  tokenizer::SplitBehavior::removed, true) == Pieces{"a", "b", "c",
                                                                     "d\xE1\xA0\x8E"
                                                                     "e",
                                                                     "f"});
}

TEST_CASE("SplitPattern: patterns with empty matches terminate") {
  const auto empty = tokenizer::SplitPattern::regex("x*", "here");
  CHECK(pieces_of(empty, "axx\xC3\xA9", tokenizer::SplitBehavior::isolated) ==
        Pieces{"a", "xx", "\xC3\xA9"});
  CHECK(pieces_of(empty, "", tokenizer::SplitBehavior::isolated).empty());
}

TEST_CASE("SplitPattern: 100000 blanks are one piece without deep recursion") {
  const auto blanks = tokenizer::SplitPattern::regex(R"(\s+(?!\S)|\s+)", "here");
  const std::string text(100000, ' ');
  CHECK(pieces_of(blanks, text + "x", tokenizer::SplitBehavior::isolated).size() == 3);
}

TEST_CASE(
    "SplitPattern: an unsupported or malformed regular expression is refused with its place") {
  const std::string pattern =
      GENERATE(as<std::string>{}, "[a-z&&b]", "[a[b]]", R"(\X)", "(?m:.)", R"([\W])", "a{2}+",
               R"(\u12)", "(", "[", R"(\p{Nonsense})", "\\", R"(\p{L)");
  CAPTURE(pattern);
  const std::string message =
      message_of<TokenizerError>([&] { tokenizer::SplitPattern::regex(pattern, "here"); });
  CHECK(message.starts_with("here: "));
}

TEST_CASE("SplitPattern: a pattern with exponential backtracking is an error") {
  const auto exploding = tokenizer::SplitPattern::regex("(a+)+[bd]", "here");
  std::string text(65, 'a');
  text.back() = 'c';
  CHECK_THROWS_AS(pieces_of(exploding, text, tokenizer::SplitBehavior::isolated), TokenizerError);
}

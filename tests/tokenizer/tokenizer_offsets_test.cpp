#include "tests/support/catch.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"
#include "tokenizer/tokenizer_error.hpp"

using namespace kedit;
using namespace kedit::testing;

TEST_CASE("Encoding offsets: ranges cover plain text without gaps at character borders") {
  const auto tokenizer = golden_tokenizer("plain_tokenizer.json");
  const Json golden = read_json(golden_file("plain_golden.json"));
  for (const Json& expected : golden.at("cases")) {
    const std::string text = expected.at("text").get<std::string>();
    std::size_t covered = 0;
    for (const auto& [begin, end] : tokenizer->encode(text).offsets) {
      REQUIRE(begin <= covered);  // tokens within one character share its range
      REQUIRE(end > begin);
      REQUIRE(end <= text.size());
      REQUIRE((end == text.size() || (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U));
      covered = std::max(covered, end);
    }
    REQUIRE(covered == text.size());
  }
}

TEST_CASE("Encoding offsets: the last token of a subject is found by its byte range") {
  const auto tokenizer = golden_tokenizer("plain_tokenizer.json");
  const std::string text = "The capital of France is";
  const std::size_t subject_end = text.find(" is");
  const Encoding encoding = tokenizer->encode(text);
  std::string tail;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    if (encoding.offsets[i].second == subject_end) tail = tokenizer->token(encoding.ids[i]);
  }
  CHECK_FALSE(tail.empty());
  CHECK(std::string("France").ends_with(tail.starts_with("\u0120") ? tail.substr(2) : tail));
}

TEST_CASE("Encoding offsets: a character composed by NFC covers the letter and its mark") {
  const auto tokenizer = golden_tokenizer("composed_tokenizer.json");
  const std::string decomposed = "e\xCC\x81";  // e, combining acute accent
  const Encoding encoding = tokenizer->encode("x " + decomposed + "y", {false, false});
  const auto composed = tokenizer->ids("x \xC3\xA9y", false);
  REQUIRE(encoding.ids == composed);
  CHECK(encoding.offsets.front() == std::pair<std::size_t, std::size_t>{0, 1});
  CHECK(encoding.offsets.back().second == 6);
  bool whole = false;
  for (const auto& [begin, end] : encoding.offsets) whole = whole || (begin <= 2 && end >= 5);
  CHECK(whole);
}

TEST_CASE("Encoding offsets: special tokens of the template have empty ranges") {
  const auto tokenizer = golden_tokenizer("composed_tokenizer.json");
  const Encoding encoding = tokenizer->encode("a");
  REQUIRE(encoding.ids.size() == 2);
  CHECK(tokenizer->is_special(encoding.ids[0]));
  CHECK(encoding.offsets[0] == std::pair<std::size_t, std::size_t>{0, 0});
  CHECK(encoding.offsets[1] == std::pair<std::size_t, std::size_t>{0, 1});
  CHECK(tokenizer->encode("a", {false, false}).ids.size() == 1);
}

TEST_CASE("Tokenizer decode: special tokens are skipped on request and unknown ids always") {
  const auto tokenizer = golden_tokenizer("composed_tokenizer.json");
  const auto ids = tokenizer->ids("Hello world");
  CHECK(tokenizer->decode(ids) == "<|endoftext|>Hello world");
  CHECK(tokenizer->decode(ids, true) == "Hello world");
  CHECK(tokenizer->decode({-1, 1 << 20, tokenizer->vocab_size()}) == "");
  CHECK(tokenizer->token(tokenizer->vocab_size()) == "");
  CHECK_FALSE(tokenizer->is_special(-1));
  CHECK(tokenizer->id("<|endoftext|>") == std::optional<std::int64_t>(0));
  CHECK_FALSE(tokenizer->id("no such token").has_value());
}

TEST_CASE("Tokenizer decode: an incomplete character becomes the replacement character") {
  const auto tokenizer = golden_tokenizer("plain_tokenizer.json");
  const auto first_byte = tokenizer->id("\u00f0");  // how the byte F0 is spelled
  REQUIRE(first_byte.has_value());
  CHECK(tokenizer->decode({*first_byte}) == "\xEF\xBF\xBD");
}

TEST_CASE("Tokenizer encode: text that is not UTF-8 is refused with the byte of the fault") {
  const auto tokenizer = golden_tokenizer("plain_tokenizer.json");
  const std::string bad = GENERATE(as<std::string>{}, "ab\xFF", "ab\xC0\x80", "ab\xED\xA0\x80",
                                   "ab\xF4\x90\x80\x80", "ab\xE2\x82", "ab\x80");
  CHECK(holds(message_of<TokenizerError>([&] { tokenizer->encode(bad); }), "at byte 2"));
}

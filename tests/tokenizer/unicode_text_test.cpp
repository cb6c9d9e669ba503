#include "json/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"
#include "tokenizer/jinja/strings.hpp"
#include "tokenizer/text/letter_case.hpp"
#include "tokenizer/text/unicode_form.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <map>

using namespace kedit;
using namespace kedit::testing;

namespace {

std::string utf8(char32_t value) {
  std::string text;
  tokenizer::append_utf8(text, value);
  return text;
}

// FNV-1a of texts with a zero byte behind each.
class Hash {
 public:
  void add(const std::string& text) {
    for (std::size_t i = 0; i <= text.size(); ++i) {
      value_ ^= static_cast<unsigned char>(text.c_str()[i]);
      value_ *= 0x100000001B3U;
    }
  }
  std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325U;
};

// All code points but the surrogates.
std::vector<char32_t> code_points(char32_t first) {
  std::vector<char32_t> points;
  for (char32_t point = first; point < 0x110000; ++point) {
    if (point < 0xD800 || point > 0xDFFF) points.push_back(point);
  }
  return points;
}

// Hash of every block of 4096 of `points`; `add` hashes what one of them gives.
template <typename Add>
std::vector<std::string> hashes_of(const std::vector<char32_t>& points, Add add) {
  std::vector<std::string> hashes;
  for (std::size_t start = 0; start < points.size(); start += 4096) {
    Hash hash;
    for (std::size_t i = start; i < std::min(points.size(), start + 4096); ++i)
      add(points[i], hash);
    hashes.push_back(hash.text());
  }
  return hashes;
}

std::string in_form(tokenizer::UnicodeForm form, const std::string& text) {
  tokenizer::AlignedText aligned(text, 0);
  tokenizer::normalize_unicode(form, aligned);
  return std::string(aligned.text());
}

// Canonical decompositions of Python's tables; those of Hangul syllables follow from their numbers.
std::map<char32_t, std::string> decompositions(const std::string& listed) {
  std::map<char32_t, std::string> result;
  for (std::size_t at = 0; at < listed.size();) {
    const tokenizer::CodePoint whole = tokenizer::code_point_at(listed, at);
    const std::size_t end = listed.find('\0', at);
    result[whole.value] = listed.substr(at + whole.bytes, end - at - whole.bytes);
    at = end + 1;
  }
  for (char32_t point = 0xAC00; point <= 0xD7A3; ++point) {
    const char32_t index = point - 0xAC00;
    const char32_t last = 0x11A7 + index % 28;
    result[point] = utf8(0x1100 + index / 588) + utf8(0x1161 + index % 588 / 28) +
                    (last > 0x11A7 ? utf8(last) : "");
  }
  return result;
}

}  // namespace

TEST_CASE("normal forms: every character, alone and with marks, is as in the reference library") {
  const Json golden = read_json(golden_file("normal_forms_golden.json"));
  const auto parts = decompositions(golden.at("decompositions").get<std::string>());
  const auto hashes = hashes_of(code_points(1), [&](char32_t point, Hash& hash) {
    const std::string c = utf8(point);
    const auto found = parts.find(point);
    for (const std::string& text : {c, c + "\xCC\x81\xCC\xB4", "\xF0\x91\xA4\xB5" + c,
                                    found == parts.end() ? c : found->second}) {
      for (const auto form : {tokenizer::UnicodeForm::nfc, tokenizer::UnicodeForm::nfd,
                              tokenizer::UnicodeForm::nfkc, tokenizer::UnicodeForm::nfkd}) {
        hash.add(in_form(form, text));
      }
    }
  });
  REQUIRE(hashes.size() == golden.at("blocks").size());
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    CAPTURE(i);
    CHECK(hashes[i] == golden.at("blocks")[i].get<std::string>());
  }
}

TEST_CASE("normal forms: compositions that only younger tables know are left alone") {
  const std::string pair = "\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0";  // U+11935 U+11930
  const std::string whole = "\xF0\x91\xA4\xB8";                 // U+11938
  CHECK(in_form(tokenizer::UnicodeForm::nfc, "a" + pair + "b") == "a" + pair + "b");
  CHECK(in_form(tokenizer::UnicodeForm::nfd, whole) == whole);
  CHECK(in_form(tokenizer::UnicodeForm::nfc, whole + pair) == whole + pair);
}

TEST_CASE("letter case: every character is as in Python's str") {
  const Json golden = read_json(golden_file("letter_case_golden.json"));
  const auto hashes = hashes_of(code_points(0), [](char32_t point, Hash& hash) {
    const std::string c = utf8(point);
    hash.add(tokenizer::upper_case(c));
    hash.add(tokenizer::lower_case(c));
    hash.add(tokenizer::title_case(c));
    hash.add(tokenizer::lower_case("A" + c + "\xCE\xA3"));
    hash.add(tokenizer::title_case(c + "a"));
  });
  REQUIRE(hashes.size() == golden.at("blocks").size());
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    CAPTURE(i);
    CHECK(hashes[i] == golden.at("blocks")[i].get<std::string>());
  }
}

TEST_CASE("letter case: texts change as Python's str and Jinja's title change them") {
  const Json golden = read_json(golden_file("letter_case_golden.json"));
  for (const Json& row : golden.at("texts")) {
    const auto text = row[0].get<std::string>();
    CAPTURE(text);
    CHECK(tokenizer::upper_case(text) == row[1].get<std::string>());
    CHECK(tokenizer::lower_case(text) == row[2].get<std::string>());
    CHECK(tokenizer::title_case(text) == row[3].get<std::string>());
    CHECK(tokenizer::capitalized(text) == row[4].get<std::string>());
    CHECK(jinja::words_titled(text) == row[5].get<std::string>());
  }
}

TEST_CASE("letter case: bytes that are not UTF-8 stay") {
  CHECK(tokenizer::upper_case("a\xFF\xC3") == "A\xFF\xC3");
  CHECK(tokenizer::lower_case("\xFF\xCE\xA3") == "\xFF\xCF\x83");
}

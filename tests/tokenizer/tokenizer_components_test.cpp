#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"
#include "tests/tokenizer/nasty_texts.hpp"
#include "tokenizer/tokenizer_error.hpp"

using namespace kedit;
using namespace kedit::testing;

namespace {

// What the golden script hashes of a text.
std::string case_text(const Tokenizer& tokenizer, const std::string& text, bool offsets) {
  const Encoding encoding = tokenizer.encode(text);
  std::string result = joined(encoding.ids) + "|" + tokenizer.decode(encoding.ids) + "|" +
                       tokenizer.decode(encoding.ids, true);
  if (!offsets) return result;
  for (std::size_t i = 0; i < encoding.offsets.size(); ++i) {
    const auto& [begin, end] = encoding.offsets[i];
    result += fmt::format("{}{}-{}", i == 0 ? "|" : ",", begin, end);
  }
  return encoding.offsets.empty() ? result + "|" : result;
}

std::shared_ptr<const Tokenizer> tokenizer_of(const Json& golden, const Json& variant) {
  Json document = golden.at("bases").at(variant.at("base").get<std::string>());
  for (const auto& [key, value] : variant.at("patch").items()) document[key] = value;
  return Tokenizer::parse(to_text(document), variant.at("name").get<std::string>());
}

}  // namespace

TEST_CASE(
    "tokenizer.json: every component gives the reference library's ids and text and offsets") {
  const Json golden = read_json(golden_file("components.json"));
  REQUIRE(golden.at("variants").size() >= 35);
  const Json& texts = golden.at("texts");
  REQUIRE(texts.size() >= 250);
  for (const Json& variant : golden.at("variants")) {
    CAPTURE(variant.at("name"));
    const auto tokenizer = tokenizer_of(golden, variant);
    const bool offsets = variant.at("offsets").get<bool>();
    std::size_t differing = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string found = case_text(*tokenizer, texts[i].get<std::string>(), offsets);
      if (hash_text(hash_of(found)) == variant.at("hashes")[i].get<std::string>()) continue;
      if (++differing <= 3) UNSCOPED_INFO(to_text(texts[i]) << " gives " << found);
    }
    CHECK(differing == 0);
  }
}

TEST_CASE("SentencePiece: small models give the ids of the reference library") {
  const Json golden = read_json(golden_file("sentencepiece_golden.json"));
  const Json components = read_json(golden_file("components.json"));
  const Json& texts = components.at("texts");
  REQUIRE(golden.at("cases").size() >= 7);
  for (const Json& expected : golden.at("cases")) {
    FileDirectory directory;
    directory.write("tokenizer.model",
                    read_text_file(golden_file(expected.at("model").get<std::string>())));
    directory.write("tokenizer_config.json", to_text(expected.at("config")));
    CAPTURE(expected.at("model"), to_text(expected.at("config")));
    const auto tokenizer = Tokenizer::load(directory.path());
    std::size_t differing = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto ids = joined(tokenizer->ids(texts[i].get<std::string>()));
      if (hash_text(hash_of(ids)) == expected.at("hashes")[i].get<std::string>()) continue;
      if (++differing <= 3) UNSCOPED_INFO(to_text(texts[i]) << " gives " << ids);
    }
    CHECK(differing == 0);
  }
}

TEST_CASE("Tokenizer: 10000 random strings with real vocabularies equal the reference library",
          "[real-data]") {
  const std::string family = GENERATE("gpt2", "qwen2", "mistral-v1");
  const auto vocabulary = test::real_data("tokenizers/" + family);
  if (!vocabulary) return;
  const Json golden = read_json(golden_file("nasty_golden.json"));
  const auto tokenizer = Tokenizer::load(*vocabulary);
  const Json& blocks = golden.at(family);
  REQUIRE(blocks.size() == 100);
  NastyTexts texts;
  std::size_t differing = 0;
  for (const Json& block : blocks) {
    std::uint64_t value = hash_of("");
    for (int i = 0; i < golden.at("block").get<int>(); ++i) {
      const auto ids = tokenizer->ids(texts.next());
      value = hash_of(joined(ids) + "|" + tokenizer->decode(ids) + "\n", value);
    }
    if (hash_text(value) != block.get<std::string>()) ++differing;
  }
  CAPTURE(family);
  CHECK(differing == 0);
}

TEST_CASE("Tokenizer: a megabyte of one letter or without blanks is encoded") {
  const Json golden = read_json(golden_file("components.json"));
  std::string mixed;
  while (mixed.size() < 1'000'000) mixed += "TheCapitalOfFrance";
  for (const char* name : {"llama_legacy", "unigram"}) {
    for (const Json& variant : golden.at("variants")) {
      if (variant.at("name") != name) continue;
      const auto tokenizer = tokenizer_of(golden, variant);
      CHECK(tokenizer->encode(std::string(1'000'000, 'a')).ids.size() > 1000);
      const Encoding encoding = tokenizer->encode(mixed, {false, false});
      CHECK(encoding.ids.size() > 1000);
      CHECK(encoding.offsets.back().second == mixed.size());
    }
  }
}

TEST_CASE(
    "Encoding offsets: ranges lie on character borders of the original text for every component") {
  const Json golden = read_json(golden_file("components.json"));
  for (const Json& variant : golden.at("variants")) {
    const auto tokenizer = tokenizer_of(golden, variant);
    for (const Json& text : golden.at("texts")) {
      const auto original = text.get<std::string>();
      for (const auto& [begin, end] : tokenizer->encode(original).offsets) {
        REQUIRE(begin <= end);
        REQUIRE(end <= original.size());
        REQUIRE((begin == original.size() || !tokenizer::is_utf8_continuation(original[begin])));
        REQUIRE((end == original.size() || !tokenizer::is_utf8_continuation(original[end])));
      }
    }
  }
}

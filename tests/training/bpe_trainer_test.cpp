#include "training/bpe_trainer.hpp"

#include "json/json.hpp"
#include "tests/support/catch.hpp"
#include "tokenizer/tokenizer.hpp"

#include <chrono>

using namespace kedit;

namespace {

Json golden() {
  return read_json(std::filesystem::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "tokenizer" /
                   "trainer_golden.json");
}

std::vector<std::string> many_documents(int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    std::string text = "Document";
    for (int k = 0; k < 30; ++k) text += " word" + std::to_string((i * 31 + k * k) % 2000);
    texts.push_back(text + ".\n");
  }
  return texts;
}

}  // namespace

TEST_CASE("BPE trainer: vocabulary and merges equal the reference trainer's") {
  const Json expected = golden();
  const auto corpus = expected.at("corpus").get<std::vector<std::string>>();
  const Json learnt = parse_json(
      train_byte_level_bpe(corpus, expected.at("vocab_size").get<std::int64_t>()), "trained");
  const Json& model = learnt.at("model");
  CHECK(model.at("merges") == expected.at("merges"));
  const auto vocabulary = [](const Json& json) {
    return json.get<std::map<std::string, std::int64_t>>();
  };
  CHECK(vocabulary(model.at("vocab")) == vocabulary(expected.at("vocab")));
}

TEST_CASE("BPE trainer: the trained tokenizer starts with the end marker and decodes its corpus") {
  const auto corpus = golden().at("corpus").get<std::vector<std::string>>();
  const auto tokenizer = Tokenizer::parse(train_byte_level_bpe(corpus, 300), "trained");
  CHECK(tokenizer->vocab_size() == 300);
  CHECK(tokenizer->id("<|endoftext|>") == std::optional<std::int64_t>(0));
  CHECK(tokenizer->is_special(0));
  CHECK(tokenizer->ids("").size() == 1);
  for (const std::string& text : corpus) {
    const auto ids = tokenizer->ids(text);
    REQUIRE(ids.front() == 0);
    CHECK(tokenizer->decode(ids, false) == "<|endoftext|>" + text);
  }
}

TEST_CASE("BPE trainer: a small corpus gives a smaller vocabulary and an empty one only bytes") {
  CHECK(Tokenizer::parse(train_byte_level_bpe({}, 1000), "trained")->vocab_size() == 257);
  CHECK(Tokenizer::parse(train_byte_level_bpe({"ab ab"}, 1000), "trained")->vocab_size() == 259);
}

TEST_CASE("BPE trainer: a vocabulary without room for all bytes and invalid UTF-8 are refused") {
  CHECK_THROWS_AS(train_byte_level_bpe({"a"}, 256), std::invalid_argument);
  std::string message;
  try {
    train_byte_level_bpe({"a", "b\xFF"}, 300);
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  CHECK(message.find("text 1") != std::string::npos);
}

TEST_CASE("BPE trainer: 6000 documents train within seconds and reproducibly") {
  const auto texts = many_documents(6000);
  const auto begin = std::chrono::steady_clock::now();
  const std::string first = train_byte_level_bpe(texts, 1280);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  CHECK(seconds.count() < 5.0);
  CHECK(train_byte_level_bpe(texts, 1280) == first);
}

#include "model/architecture.hpp"
#include "tests/model/tokenizer_fixtures.hpp"
#include "tests/support/catch.hpp"

#include <random>

using namespace kedit;
using namespace kedit::testing;

namespace {

const std::string kPlain = "plain_tokenizer.json";

Json plain_document() { return read_json(golden_file(kPlain)); }

std::string refusal_of(const Json& document) {
  return message_of<ModelError>([&] { Tokenizer::parse(to_text(document), "t.json"); });
}

// The document with the value at `pointer` replaced.
Json with(const std::string& pointer, const std::string& value) {
  Json document = plain_document();
  document[Json::json_pointer(pointer)] = Json::parse(value);
  return document;
}

}  // namespace

TEST_CASE("damage to a tokenizer.json is reported with file and field") {
  struct Damage {
    std::string pointer, value, field;
  };
  const auto damage = GENERATE(values<Damage>({
      {"/model/vocab", "{}", "/model/vocab"},
      {"/model/vocab", "[]", "/model/vocab"},
      {"/model/vocab", "{\"a\": 1, \"b\": 1}", "/model/vocab/b"},
      {"/model/vocab", "{\"a\": -1}", "/model/vocab/a"},
      {"/model/vocab", "{\"a\": 9000000000}", "/model/vocab/a"},
      {"/model/vocab", "{\"a\": 2.5}", "/model/vocab/a"},
      {"/model/vocab", "{\"a\": 18446744073709551615}", "/model/vocab/a"},
      {"/model/vocab", "{\"a\": \"0\"}", "/model/vocab/a"},
      {"/model/merges/3", "7", "/model/merges/3"},
      {"/model/merges/3", "\"ab\"", "/model/merges/3"},
      {"/model/merges/3", "\"a b c\"", "/model/merges/3"},
      {"/model/merges/3", "[\"a\"]", "/model/merges/3"},
      {"/model/merges/3", "[\"a\", \"zq\"]", "/model/merges/3"},
      {"/model/merges", "{}", "/model/merges"},
      {"/model/unk_token", "\"<none>\"", "/model/unk_token"},
      {"/added_tokens/0/id", "7", "/added_tokens/0"},
      {"/added_tokens/0/id", "\"0\"", "/added_tokens/0/id"},
      {"/added_tokens/0/content", "\"\"", "/added_tokens/0"},
      {"/added_tokens/0/content", "\"<new>\"", "/added_tokens/0"},
      {"/added_tokens", "{\"a\": 0}", "/added_tokens"},
      {"/decoder", "null", "/decoder"},
      {"/pre_tokenizer", "null", "/pre_tokenizer"},
      {"/pre_tokenizer/add_prefix_space", "\"no\"", "/pre_tokenizer/add_prefix_space"},
      {"/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"})",
       "/pre_tokenizer/pattern/Regex"},
      {"/pre_tokenizer", R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Other"})",
       "/pre_tokenizer/behavior"},
      {"/post_processor", R"({"type": "TemplateProcessing", "single": [], "special_tokens": {}})",
       "/post_processor/single"},
      {"/post_processor",
       R"({"type": "TemplateProcessing", "special_tokens": {"<s>": {"ids": [99999]}},
        "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]})",
       "/post_processor"},
      {"/post_processor", R"({"type": "TemplateProcessing", "special_tokens": {},
        "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]})",
       "/post_processor/special_tokens"},
  }));
  const std::string message = refusal_of(with(damage.pointer, damage.value));
  CAPTURE(damage.pointer, damage.value, message);
  CHECK(holds(message, "reading t.json: " + damage.field));
}

TEST_CASE("kinds that are not supported are refused by name") {
  struct Kind {
    std::string pointer, value, name;
  };
  const auto kind = GENERATE(values<Kind>({
      {"/model/type", "\"Unigram\"", "Unigram"},
      {"/model/type", "\"WordPiece\"", "WordPiece"},
      {"/model/type", "\"WordLevel\"", "WordLevel"},
      {"/model/dropout", "0.1", "dropout"},
      {"/model/end_of_word_suffix", "\"</w>\"", "</w>"},
      {"/normalizer", "{\"type\": \"NFKC\"}", "NFKC"},
      {"/normalizer",
       R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]})",
       "Lowercase"},
      {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "_"})", "Metaspace"},
      {"/pre_tokenizer",
       R"({"type": "Split", "pattern": {"Regex": "[a&&b]"}, "behavior": "Isolated"})", "&&"},
      {"/decoder", "{\"type\": \"Metaspace\"}", "Metaspace"},
      {"/post_processor", "{\"type\": \"BertProcessing\"}", "BertProcessing"},
  }));
  const std::string message = refusal_of(with(kind.pointer, kind.value));
  CAPTURE(message);
  CHECK(holds(message, kind.name));
  CHECK(holds(message, "does not support"));
}

TEST_CASE("a tokenizer.json that is cut or flipped anywhere loads or is refused, never worse") {
  const std::string text = read_text_file(golden_file(kPlain));
  std::mt19937_64 random(7);
  int refused = 0;
  for (int trial = 0; trial < 400; ++trial) {
    std::string damaged = text;
    const std::size_t at = random() % damaged.size();
    if (trial % 4 == 0) {
      damaged.resize(at);
    } else {
      damaged[at] = static_cast<char>(random() % 256);
    }
    try {
      Tokenizer::parse(damaged, "t.json")->encode("Hello  world\r\n1234 caf\u00e9");
    } catch (const ModelError&) {
      ++refused;
    }
  }
  CHECK(refused >= 100);
}

TEST_CASE("a directory without a tokenizer is refused with what was looked for") {
  FileDirectory directory;
  const auto load = [&] { Tokenizer::load(directory.path()); };
  CHECK_FALSE(Tokenizer::present(directory.path()));
  CHECK(holds(message_of<ModelError>(load), "vocab.json"));
  directory.write("tokenizer.model", "x");
  CHECK(holds(message_of<ModelError>(load), "SentencePiece"));
  directory.write("tokenizer.json", "{}");
  CHECK(Tokenizer::present(directory.path()));
  CHECK_THROWS_AS(Tokenizer::load(directory.path()), ModelError);
}

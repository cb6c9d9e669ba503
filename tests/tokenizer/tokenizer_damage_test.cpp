#include "tests/support/catch.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <random>

using namespace kedit;
using namespace kedit::testing;

namespace {

const std::string kPlain = "plain_tokenizer.json";

Json plain_document() { return read_json(golden_file(kPlain)); }

std::string refusal_of(const Json& document) {
  return message_of<TokenizerError>([&] { Tokenizer::parse(to_text(document), "t.json"); });
}

// The document with the value at `pointer` replaced.
Json with(const std::string& pointer, const std::string& value) {
  Json document = plain_document();
  document[Json::json_pointer(pointer)] = Json::parse(value);
  return document;
}

}  // namespace

TEST_CASE("tokenizer.json: a damaged field is refused with file and field") {
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
      {"/decoder", R"({"type": "Strip", "content": " ", "start": -1, "stop": 0})",
       "/decoder/start"},
      {"/decoder", R"({"type": "Replace", "content": " "})", "/decoder"},
      {"/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "?"})",
       "/normalizer/precompiled_charsmap"},
      {"/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "/////w=="})",
       "/normalizer/precompiled_charsmap"},
      {"/normalizer", R"({"type": "Replace", "pattern": {"Regex": "["}, "content": ""})",
       "/normalizer/pattern/Regex"},
      {"/normalizer", R"({"type": "Sequence", "normalizers": 3})", "/normalizer/normalizers"},
      {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "ab"})",
       "/pre_tokenizer/replacement"},
      {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"})",
       "/pre_tokenizer/prepend_scheme"},
      {"/model", R"({"type": "Unigram", "vocab": []})", "/model/vocab"},
      {"/model", R"({"type": "Unigram", "vocab": [["a", -1], ["a", -2]]})", "/model/vocab/1"},
      {"/model", R"({"type": "Unigram", "vocab": [["a"]]})", "/model/vocab/0"},
      {"/model", R"({"type": "Unigram", "unk_id": 1, "vocab": [["a", -1]]})", "/model/unk_id"},
      {"/model", R"({"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "b"})",
       "/model/unk_token"},
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

TEST_CASE("tokenizer.json: unsupported components are refused by name") {
  struct Kind {
    std::string pointer, value, name;
  };
  const auto kind = GENERATE(values<Kind>({
      {"/model/type", "\"Transducer\"", "Transducer"},
      {"/model/dropout", "0.1", "dropout"},
      {"/normalizer", "{\"type\": \"ByteLevel\"}", "ByteLevel"},
      {"/normalizer",
       R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Uppercase"}]})",
       "Uppercase"},
      {"/pre_tokenizer", R"({"type": "UnicodeScripts"})", "UnicodeScripts"},
      {"/pre_tokenizer",
       R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Whitespace"}]})",
       "Whitespace"},
      {"/pre_tokenizer",
       R"({"type": "Split", "pattern": {"Regex": "[a&&b]"}, "behavior": "Isolated"})", "&&"},
      {"/decoder", "{\"type\": \"CTC\"}", "CTC"},
      {"/post_processor", "{\"type\": \"Truncation\"}", "Truncation"},
  }));
  const std::string message = refusal_of(with(kind.pointer, kind.value));
  CAPTURE(message);
  CHECK(holds(message, kind.name));
  CHECK(holds(message, "does not support"));
}

TEST_CASE("tokenizer.json: truncated or changed bytes are loaded or refused and never crash") {
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
    } catch (const TokenizerError&) {
      ++refused;
    }
  }
  CHECK(refused >= 100);
}

TEST_CASE("Tokenizer: a directory without a tokenizer is refused with the files looked for") {
  FileDirectory directory;
  const auto load = [&] { Tokenizer::load(directory.path()); };
  CHECK_FALSE(Tokenizer::present(directory.path()));
  CHECK(holds(message_of<TokenizerError>(load), "vocab.json"));
  CHECK(holds(message_of<TokenizerError>(load), "tokenizer.model"));
  directory.write("tokenizer.json", "{}");
  CHECK(Tokenizer::present(directory.path()));
  CHECK_THROWS_AS(Tokenizer::load(directory.path()), TokenizerError);
}

namespace {

std::string varint(std::size_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>((value & 0x7FU) | 0x80U);
  return bytes + static_cast<char>(value);
}

std::string field(char key, const std::string& bytes) { return key + varint(bytes.size()) + bytes; }

// A piece of a ModelProto; types: 1 normal, 2 unknown, 3 control, 6 byte.
std::string piece(const std::string& text, char type, const std::string& score = "\x15\0\0\0\0") {
  return field('\x0A', field('\x0A', text) + score + std::string("\x18") + type);
}

const std::string kZeroScore = std::string("\x15") + std::string(4, '\0');

std::string small_model() {
  return piece("<unk>", 2, kZeroScore) + piece("<s>", 3, kZeroScore) +
         piece("</s>", 3, kZeroScore) + piece("a", 1, kZeroScore) +
         field('\x12', std::string("\x18\x02"));
}

}  // namespace

TEST_CASE("SentencePiece: a damaged model is refused with file and place") {
  struct Damage {
    std::string model, config, message;
  };
  const std::string infinite = std::string("\x15\0\0\x80\x7F", 5);
  const auto damage = GENERATE_COPY(values<Damage>({
      {"", "{}", "tokenizer.model: byte 0: expected pieces, found none"},
      {"x", "{}", "byte 1: expected 1 more bytes, found 0"},
      {std::string(12, '\xFF'), "{}", "expected a number of at most 64 bits, found a longer one"},
      {std::string("\0", 1), "{}", "expected a field number, found 0"},
      {"\x0B", "{}", "expected wire type 0, 1, 2 or 5, found 3"},
      {"\x0A\x7F", "{}", "expected 127 more bytes, found 0"},
      {std::string("\x08\x01"), "{}", "expected a message with wire type 2, found wire type 0"},
      {field('\x0A', ""), "{}", "piece 0: byte 0: expected a piece that is not empty"},
      {piece("\xFF", 1, kZeroScore), "{}", "expected a piece in UTF-8, found ill-formed bytes"},
      {piece("a", 7, kZeroScore), "{}", "expected a piece type from 1 to 6, found 7"},
      {piece("a", 1, infinite), "{}", "expected a finite score, found inf"},
      {piece("a", 1, kZeroScore), "{}", "expected a piece of type unknown, found none"},
      {small_model() + piece("a", 1, kZeroScore), "{}", "piece 4: expected a piece that differs"},
      {small_model() + field('\x12', "\x18\x03"), "{}",
       "a WORD model, which this version does not"},
      {small_model() + field('\x12', "\x18\x04"), "{}",
       "a CHAR model, which this version does not"},
      {small_model() + field('\x12', "\x18\x09"), "{}",
       "expected a model type from 1 to 4, found 9"},
      {small_model() + field('\x12', "\xC0\x01\x01"), "{}", "treat_whitespace_as_suffix"},
      {small_model() + field('\x12', "\x98\x02\x01"), "{}", "expected 256 byte pieces"},
      {small_model() + field('\x1A', field('\x12', "abc")), "{}", "the size of a trie and a trie"},
      {small_model() + piece("b", 5, kZeroScore), "{}", "a BPE model without unused pieces"},
      {small_model(), R"({"tokenizer_class": "T5Tokenizer"})", "T5Tokenizer, which this version"},
      {small_model(), R"({"bos_token": "<none>"})", "/add_bos_token: expected a bos_token"},
      {small_model(), R"({"add_bos_token": 3})", "/add_bos_token: expected"},
      {small_model(), R"({"added_tokens_decoder": {"3": {"content": "<s>"}}})",
       "/added_tokens_decoder/3"},
  }));
  FileDirectory directory;
  directory.write("tokenizer.model", damage.model).write("tokenizer_config.json", damage.config);
  CAPTURE(damage.message);
  const std::string message =
      message_of<TokenizerError>([&] { Tokenizer::load(directory.path()); });
  CAPTURE(message);
  CHECK(holds(message, damage.message));
}

TEST_CASE("SentencePiece: a model with truncated or changed bytes is loaded or refused") {
  const std::string name = GENERATE("sp_bpe.model", "sp_unigram.model", "sp_bpe_unk.model");
  const std::string bytes = read_text_file(golden_file(name));
  std::mt19937_64 random(11);
  int refused = 0;
  FileDirectory directory;
  for (int trial = 0; trial < 300; ++trial) {
    std::string damaged = bytes;
    const std::size_t at = random() % damaged.size();
    if (trial % 4 == 0) {
      damaged.resize(at);
    } else {
      damaged[at] = static_cast<char>(random() % 256);
    }
    directory.write("tokenizer.model", damaged);
    try {
      Tokenizer::load(directory.path())->encode("Hello  world\r\n1234 caf\u00e9 <sep> <ctl>");
    } catch (const TokenizerError&) {
      ++refused;
    }
  }
  CHECK(refused >= 30);
}

namespace {

Json replacing(const std::string& from, const std::string& to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

Json added_token(std::int64_t id, const std::string& content, bool strip) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", strip},
          {"rstrip", strip}, {"normalized", false}, {"special", false}};
}

// A tokenizer of the letter a and the blank, with `field` beside its model.
std::shared_ptr<const Tokenizer> small_tokenizer(const std::string& field, const Json& value) {
  const Json document = {
      {"model", {{"type", "BPE"}, {"vocab", {{"a", 0}, {" ", 1}}}, {"merges", Json::array()}}},
      {field, value}};
  return Tokenizer::parse(to_text(document), "t.json");
}

}  // namespace

TEST_CASE("Tokenizer: text that grows without bound in normalizer or decoder is refused") {
  const Json doubling(40, replacing("a", "aa"));
  const auto growing =
      small_tokenizer("normalizer", {{"type", "Sequence"}, {"normalizers", doubling}});
  CHECK(holds(message_of<TokenizerError>([&] { growing->encode("a"); }),
              "normalizing a text of 1 bytes: expected at most 4 times as many"));
  const auto long_prefix =
      small_tokenizer("normalizer", {{"type", "Sequence"},
                                     {"normalizers",
                                      {{{"type", "Prepend"}, {"prepend", std::string(10000, 'a')}},
                                       replacing("a", std::string(10000, 'a'))}}});
  CHECK(holds(message_of<TokenizerError>([&] { long_prefix->encode("a"); }), "normalizing a text"));
  const auto decoding = small_tokenizer("decoder", {{"type", "Sequence"}, {"decoders", doubling}});
  CHECK(holds(message_of<TokenizerError>([&] { decoding->decode({0}); }),
              "decoding tokens: expected at most"));
  const auto many = small_tokenizer("decoder", replacing("a", std::string(1 << 20, 'a')));
  CHECK(holds(message_of<TokenizerError>([&] { many->decode(std::vector<std::int64_t>(40, 0)); }),
              "decoding tokens: expected at most"));
}

// Quadratic time would be half an hour.
TEST_CASE("Added tokens: two million blanks with lstrip and rstrip are encoded in linear time") {
  const auto tokenizer = small_tokenizer("added_tokens", Json::array({added_token(1, " ", true)}));
  const std::string blanks(2'000'000, ' ');
  CHECK(tokenizer->encode("a" + blanks + "a").ids.size() == blanks.size() + 2);
}

TEST_CASE("TemplateProcessing: a template of more than 1000 parts is refused") {
  Json parts = Json::array();
  for (int i = 0; i < 1001; ++i) parts.push_back({{"Sequence", {{"id", "A"}}}});
  const Json processor = {{"type", "TemplateProcessing"}, {"single", parts}};
  CHECK(holds(message_of<TokenizerError>([&] { small_tokenizer("post_processor", processor); }),
              "/post_processor/single: expected at most 1000 parts"));
}

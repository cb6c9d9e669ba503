#include "tests/support/catch.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"
#include "tokenizer/text/byte_level.hpp"
#include "tokenizer/tokenizer_error.hpp"

using namespace kedit;
using namespace kedit::testing;

namespace {

// A vocabulary of the 256 bytes (ids in byte order), " t", "he", " the" and an end marker.
std::string vocab_json() {
  Json vocab = Json::object();
  for (int byte = 0; byte < 256; ++byte) {
    const char as_char = static_cast<char>(byte);
    vocab[tokenizer::to_byte_symbols({&as_char, 1})] = byte;
  }
  for (const char* token : {"\u0120t", "he", "\u0120the", "<|endoftext|>"}) {
    vocab[token] = vocab.size();
  }
  return to_text(vocab);
}

const std::string kMerges = "#version: 0.2\n\u0120 t\nh e\n\u0120t he\n";

void write_vocabulary(FileDirectory& directory, const std::string& merges = kMerges) {
  directory.write("vocab.json", vocab_json()).write("merges.txt", merges);
}

using Ids = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("GPT-2 vocabulary files: vocab.json and merges.txt alone make a complete tokenizer") {
  FileDirectory directory;
  const std::string merges = GENERATE(as<std::string>{}, kMerges, "\u0120 t\nh e\n\u0120t he",
                                      "#version: 0.2\r\n\u0120 t\r\nh e\r\n\u0120t he\r\n\r\n");
  write_vocabulary(directory, merges);
  const auto tokenizer = Tokenizer::load(directory.path());
  CHECK(tokenizer->ids("a the") == Ids{'a', 258});
  CHECK(tokenizer->ids("the<|endoftext|>") == Ids{'t', 257, 259});
  CHECK(tokenizer->is_special(259));
  CHECK(tokenizer->vocab_size() == 260);
}

TEST_CASE(
    "tokenizer_config.json: added tokens and the BOS token and the prefix blank are applied") {
  FileDirectory directory;
  write_vocabulary(directory);
  directory.write("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer",
    "add_bos_token": true, "bos_token": {"content": "<s>"}, "add_prefix_space": true,
    "added_tokens_decoder": {"300": {"content": "<s>", "special": true}}})");
  const auto tokenizer = Tokenizer::load(directory.path());
  CHECK(tokenizer->ids("the") == Ids{300, 258});
  CHECK(tokenizer->ids("a<s>", false) == Ids{' ', 'a', 300});
  CHECK(tokenizer->vocab_size() == 301);
  CHECK(tokenizer->token(299) == "");
}

TEST_CASE("added_tokens.json: tokens are added and those with a role are special") {
  FileDirectory directory;
  write_vocabulary(directory);
  directory.write("added_tokens.json", R"({"<pad>": 260, "<word>": 261})")
      .write("special_tokens_map.json", R"({"pad_token": "<pad>"})");
  const auto tokenizer = Tokenizer::load(directory.path());
  CHECK(tokenizer->ids("a<pad><word>") == Ids{'a', 260, 261});
  CHECK(tokenizer->is_special(260));
  CHECK_FALSE(tokenizer->is_special(261));
}

TEST_CASE("GPT-2 vocabulary files: a model of type qwen2 is split and normalized as Qwen2 does") {
  FileDirectory directory;
  write_vocabulary(directory);
  CHECK(Tokenizer::load(directory.path())->ids("e\xCC\x81").size() == 3);
  directory.write("config.json", R"({"model_type": "qwen2"})");
  CHECK(Tokenizer::load(directory.path())->ids("e\xCC\x81") == Ids{0xC3, 0xA9});
}

TEST_CASE("GPT-2 vocabulary files: damage is refused with file and line or field") {
  struct Damage {
    std::string file, text, message;
  };
  const auto damage = GENERATE(values<Damage>({
      {"merges.txt", "\u0120 t\nhe\n", "merges.txt: line 2"},
      {"merges.txt", "\u0120 t\nh e x\n", "merges.txt: line 2"},
      {"merges.txt", "\u0120 t\nq z\n", "merges.txt: line 2"},
      {"vocab.json", "{\"a\": 0, \"b\": 0}", "vocab.json: /b"},
      {"vocab.json", "[1]", "vocab.json"},
      {"vocab.json", "{\"a\": 0", "vocab.json"},
      {"tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer"})", "LlamaTokenizer"},
      {"tokenizer_config.json", R"({"add_bos_token": true, "bos_token": "<s>"})", "/add_bos_token"},
      {"tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "<s>"}}})",
       "/added_tokens_decoder/x"},
      {"tokenizer_config.json", R"({"added_tokens_decoder": {"5": {"content": "<s>"}}})",
       "/added_tokens_decoder/5"},
      {"added_tokens.json", R"({"<s>": 99999999})", "added_tokens.json"},
  }));
  FileDirectory directory;
  write_vocabulary(directory);
  directory.write(damage.file, damage.text);
  CAPTURE(damage.file, damage.text);
  const std::string message =
      message_of<TokenizerError>([&] { Tokenizer::load(directory.path()); });
  CAPTURE(message);
  CHECK(holds(message, damage.message));
}

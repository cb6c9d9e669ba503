#include "tokenizer/formats/gguf_tokenizer.hpp"

#include "json/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/tokenizer/nasty_texts.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/tokenizer.hpp"

using namespace kedit;
using namespace kedit::testing;
using tokenizer::has_gguf_tokenizer;
using tokenizer::tokenizer_config_of_gguf;
using tokenizer::tokenizer_json_of_gguf;

namespace {

const Json& golden() {
  static const Json document = read_json(golden_file("gguf_tokenizer_golden.json"));
  return document;
}

// A base of the golden with the patch over its keys; null takes a key away.
Json metadata_of(const std::string& base, const Json& patch) {
  Json metadata = golden().at("bases").at(base);
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null()) {
      metadata.erase(key);
    } else {
      metadata[key] = value;
    }
  }
  return metadata;
}

JsonView view_of(const Json& metadata) { return {metadata, "model.gguf"}; }

std::shared_ptr<const Tokenizer> tokenizer_of(const Json& metadata) {
  return Tokenizer::from_document(tokenizer_json_of_gguf(view_of(metadata)), "model.gguf");
}

}  // namespace

TEST_CASE("a GGUF file's tokenizer gives the reference library's ids") {
  for (const Json& expected : golden().at("cases")) {
    CAPTURE(expected.at("name"));
    const auto loaded =
        tokenizer_of(metadata_of(expected.at("base").get<std::string>(), expected.at("patch")));
    const Json& texts = golden().at("texts");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto ids = loaded->ids(texts[i].get<std::string>());
      CAPTURE(texts[i]);
      CHECK(joined(ids) == expected.at("ids")[i]);
      if (i % 8 == 0) CHECK(loaded->decode(ids) == expected.at("decoded")[i / 8]);
    }
  }
}

TEST_CASE("the documents of a GGUF file's tokenizer are those of a directory") {
  for (const Json& expected : golden().at("cases")) {
    CAPTURE(expected.at("name"));
    const Json metadata = metadata_of(expected.at("base").get<std::string>(), expected.at("patch"));
    FileDirectory directory;
    directory.write("tokenizer.json", to_text(tokenizer_json_of_gguf(view_of(metadata))));
    directory.write("tokenizer_config.json", to_text(tokenizer_config_of_gguf(view_of(metadata))));
    const auto loaded = Tokenizer::load(directory.path());
    const Json& texts = golden().at("texts");
    for (std::size_t i = 0; i < texts.size(); i += 3) {
      CHECK(joined(loaded->ids(texts[i].get<std::string>())) == expected.at("ids")[i]);
    }
  }
}

TEST_CASE("a GGUF file's tokenizer: roles, special tokens and padding") {
  const Json metadata = metadata_of(
      "byte_level", {{"tokenizer.ggml.pre", "smollm"}, {"tokenizer.ggml.unknown_token_id", 0}});
  const auto loaded = tokenizer_of(metadata);
  CHECK(loaded->is_special(*loaded->id("<|im_end|>")));
  CHECK_FALSE(loaded->is_special(*loaded->id("<tool>")));
  CHECK(loaded->vocab_size() ==
        static_cast<std::int64_t>(metadata.at("tokenizer.ggml.tokens").size()));
  CHECK(loaded->token(loaded->vocab_size() - 1) == "[PAD0]");
  const Json config = tokenizer_config_of_gguf(view_of(metadata));
  CHECK(config.at("bos_token") == "<|endoftext|>");
  CHECK(config.at("eos_token") == "<|im_end|>");
  CHECK(config.at("pad_token") == "<|im_end|>");
  CHECK_FALSE(config.contains("unk_token"));  // an ordinary token is none
  CHECK(config.at("add_bos_token") == false);
  CHECK(config.at("model_max_length") == 64);
  CHECK_FALSE(config.contains("chat_template"));
}

TEST_CASE("a GGUF file's chat template is that of its tokenizer_config.json") {
  const Json metadata = metadata_of(
      "byte_level", {{"tokenizer.ggml.pre", "smollm"},
                     {"tokenizer.chat_template",
                      "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}"}});
  FileDirectory directory;
  directory.write("tokenizer_config.json", to_text(tokenizer_config_of_gguf(view_of(metadata))));
  const auto chat = tokenizer::ChatTemplate::load(directory.path());
  REQUIRE(chat);
  CHECK(chat->render({{{"role", "user"}, {"content", "Hi"}}}) == "<|endoftext|>Hi");
}

TEST_CASE("GGUF metadata without a tokenizer say so") {
  CHECK_FALSE(has_gguf_tokenizer(view_of(Json::object())));
  const Json none = {{"tokenizer.ggml.model", "no_vocab"}};
  CHECK_FALSE(has_gguf_tokenizer(view_of(none)));
  CHECK(has_gguf_tokenizer(view_of(golden().at("bases").at("scores"))));
}

TEST_CASE("a GGUF file's tokenizer: damage is refused by key") {
  struct Refusal {
    std::string base, patch, message;
  };
  const std::string pre = R"({"tokenizer.ggml.pre": "gpt-2", )";
  const auto refusal = GENERATE_COPY(values<Refusal>({
      {"scores", R"({"tokenizer.ggml.model": "t5"})",
       "reading model.gguf: /tokenizer.ggml.model: expected gpt2 or llama, found t5"},
      {"byte_level", "{}", "/tokenizer.ggml.pre: expected a value, found none"},
      {"byte_level", R"({"tokenizer.ggml.pre": "tekken"})",
       "deepseek-r1-qwen, found tekken, which this version does not support"},
      {"byte_level", pre + R"("tokenizer.ggml.merges": null})", "/tokenizer.ggml.merges: expected"},
      {"byte_level", pre + R"("tokenizer.ggml.merges": ["h e", "th"]})",
       "/tokenizer.ggml.merges/1: expected two tokens"},
      {"byte_level", pre + R"("tokenizer.ggml.merges": ["X Q"]})",
       "/tokenizer.ggml.merges/0: expected tokens whose join is a token of the vocabulary"},
      {"byte_level", pre + R"("tokenizer.ggml.merges": [1]})",
       "/tokenizer.ggml.merges/0: expected a string"},
      {"byte_level", pre + R"("tokenizer.ggml.tokens": []})", "expected 1 to 2097152 tokens"},
      {"byte_level",
       pre + R"("tokenizer.ggml.tokens": ["a", "a"], "tokenizer.ggml.token_type": null})",
       "/tokenizer.ggml.tokens/1: expected a token that differs"},
      {"byte_level",
       pre + R"("tokenizer.ggml.tokens": ["a", 5], "tokenizer.ggml.token_type": null})",
       "/tokenizer.ggml.tokens/1: expected a string"},
      {"byte_level", pre + R"("tokenizer.ggml.token_type": [1, 1]})",
       "/tokenizer.ggml.token_type: expected 301 values, one for each token, found 2"},
      {"byte_level", pre + R"("tokenizer.ggml.eos_token_id": 301})",
       "/tokenizer.ggml.eos_token_id: expected the id of a token, 0 to 300, found 301"},
      {"byte_level", pre + R"("tokenizer.ggml.padding_token_id": -1})",
       "/tokenizer.ggml.padding_token_id: expected the id of a token"},
      {"byte_level",
       pre + R"("tokenizer.ggml.add_bos_token": true, "tokenizer.ggml.bos_token_id": null})",
       "/tokenizer.ggml.bos_token_id: expected a value, found none"},
      {"byte_level", pre + R"("tokenizer.ggml.add_sep_token": true})",
       "/tokenizer.ggml.add_sep_token: expected false"},
      {"scores", R"({"tokenizer.ggml.scores": null})", "/tokenizer.ggml.scores: expected a value"},
      {"scores", R"({"tokenizer.ggml.scores": [1.0]})", "one for each token, found 1"},
      {"scores", R"({"tokenizer.ggml.token_type": null, "tokenizer.ggml.bos_token_id": null})",
       "/tokenizer.ggml.bos_token_id: expected"},
  }));
  const Json metadata = metadata_of(refusal.base, parse_json(refusal.patch, "patch"));
  const auto message = message_of<TokenizerError>([&] { return tokenizer_of(metadata); });
  CAPTURE(refusal.patch, message);
  CHECK(holds(message, refusal.message));
}

TEST_CASE("a GGUF file's tokenizer: types that do not fit are refused by key") {
  Json metadata = metadata_of("scores", Json::object());
  const auto refusal = [&] {
    return message_of<TokenizerError>([&] { return tokenizer_of(metadata); });
  };
  metadata["tokenizer.ggml.token_type"][9] = 7;
  CHECK(holds(refusal(), "/tokenizer.ggml.token_type/9: expected a type of tokens from 1 to 6"));
  metadata["tokenizer.ggml.token_type"][9] = 1;
  CHECK(holds(refusal(), "/tokenizer.ggml.token_type: expected the 256 bytes"));
  metadata["tokenizer.ggml.token_type"][9] = 6;
  CHECK(refusal().empty());
  metadata["tokenizer.ggml.scores"][300] = "x";
  CHECK(holds(refusal(), "/tokenizer.ggml.scores/300: expected a finite number"));
}

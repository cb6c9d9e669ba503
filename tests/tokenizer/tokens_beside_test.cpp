#include "json/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <filesystem>

using namespace kedit;
using namespace kedit::testing;

namespace {

std::vector<std::int64_t> special_ids(const Tokenizer& tokenizer) {
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_special(id)) ids.push_back(id);
  }
  return ids;
}

// The golden's tokenizer with the patch over its keys.
std::string patched(const Json& base, const Json& patch) {
  Json document = base;
  for (const auto& [key, value] : patch.items()) document[key] = value;
  return to_text(document);
}

}  // namespace

TEST_CASE("files beside a tokenizer.json change it as the reference library's AutoTokenizer does") {
  const Json golden = read_json(golden_file("tokens_beside_golden.json"));
  for (const Json& expected : golden.at("cases")) {
    CAPTURE(expected.at("name"));
    FileDirectory directory;
    directory.write("tokenizer.json", patched(golden.at("base"), expected.at("patch")));
    for (const auto& [name, content] : expected.at("files").items()) {
      directory.write(name, to_text(content));
    }
    const auto tokenizer = Tokenizer::load(directory.path());
    for (std::size_t i = 0; i < golden.at("texts").size(); ++i) {
      const auto text = golden.at("texts")[i].get<std::string>();
      CAPTURE(text);
      CHECK(Json(tokenizer->ids(text)) == expected.at("ids")[i]);
    }
    CHECK(Json(special_ids(*tokenizer)) == expected.at("special"));
  }
}

TEST_CASE("a tokenizer.json alone is read as it stands") {
  const Json golden = read_json(golden_file("tokens_beside_golden.json"));
  FileDirectory directory;
  Json base = golden.at("base");
  base["pre_tokenizer"]["add_prefix_space"] = true;
  directory.write("tokenizer.json", to_text(base));
  CHECK(Tokenizer::load(directory.path())->ids("a").size() == 2);
}

TEST_CASE("settings beside a tokenizer.json that cannot be followed are refused by name") {
  const Json golden = read_json(golden_file("tokens_beside_golden.json"));
  struct Refusal {
    std::string config, message;
  };
  const auto refusal = GENERATE(values<Refusal>({
      {R"({"split_special_tokens": true})", "/split_special_tokens: expected false"},
      {R"({"added_tokens_decoder": {"x": {"content": "a"}}})", "an id as the key"},
      {R"({"added_tokens_decoder": {"1": {}}})", "/added_tokens_decoder/1/content"},
      {R"({"eos_token": 5})", "/eos_token: expected a string"},
      {R"({"add_prefix_space": 1})", "/add_prefix_space: expected true or false"},
      {R"({"tokenizer_class": "LlamaTokenizer", "bos_token": null})", "expected a bos_token"},
  }));
  FileDirectory directory;
  directory.write("tokenizer.json", to_text(golden.at("base")));
  directory.write("tokenizer_config.json", refusal.config);
  const auto message =
      message_of<TokenizerError>([&] { return Tokenizer::load(directory.path()); });
  CAPTURE(refusal.config, message);
  CHECK(holds(message, refusal.message));
}

TEST_CASE("a chat template sees the tokens that the files beside it name") {
  FileDirectory directory;
  directory.write("tokenizer_config.json", R"({"tokenizer_class": "PreTrainedTokenizerFast",
      "additional_special_tokens": ["<x>"], "extra_special_tokens": {"image_token": "<img>"},
      "eos_token": null})");
  directory.write("chat_template.jinja",
                  "{{ image_token }}{{ additional_special_tokens[0] }}{{ eos_token is defined }}");
  CHECK(tokenizer::ChatTemplate::load(directory.path())->render(Json::array()) == "<img><x>False");
}

TEST_CASE("named chat templates in files without a default one are refused") {
  FileDirectory directory;
  directory.write("tokenizer_config.json", R"({"chat_template": "x"})");
  std::filesystem::create_directory(directory.path() / "additional_chat_templates");
  directory.write("additional_chat_templates/tool_use.jinja", "t");
  const auto load = [&] { return tokenizer::ChatTemplate::load(directory.path()); };
  CHECK(holds(message_of<TokenizerError>(load), "expected chat_template.jinja beside"));
  directory.write("chat_template.jinja", "own");
  CHECK(load()->render(Json::array()) == "own");
}

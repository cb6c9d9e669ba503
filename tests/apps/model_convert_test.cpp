#include "json/json.hpp"
#include "tests/apps/program.hpp"
#include "tests/model/gguf/gguf_writer.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <filesystem>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

Json answer(Words words) {
  words.push_back("--json");
  const Outcome outcome = run_kedit(words);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

Json convert(const fs::path& in, const fs::path& out, const Words& more = {}) {
  Words words{"model", "convert", in.string(), out.string()};
  words.insert(words.end(), more.begin(), more.end());
  return answer(words);
}

Json info_of(const fs::path& model) { return answer({"model", "info", "--model", model.string()}); }

Json tokens_of(const fs::path& model) {
  return answer({"model", "tokenize", "--model", model.string(), "--text", "The capital of 12"});
}

// The smallest llama with the vocabulary of tests/golden/gguf_tokenizer_golden.py, digits alone.
fs::path write_gguf(const fs::path& file) {
  using testing::GgufWriter;
  const Json keys =
      read_json(golden("tokenizer") / "gguf_tokenizer_golden.json").at("bases").at("byte_level");
  const auto tokens = keys.at("tokenizer.ggml.tokens").get<std::vector<std::string>>();
  GgufWriter out = testing::small_llama();
  out.drop("token_embd.weight");
  out.zeros("token_embd.weight", {4, tokens.size()});
  out.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "smollm");
  out.texts("tokenizer.ggml.tokens", tokens);
  out.texts("tokenizer.ggml.merges",
            keys.at("tokenizer.ggml.merges").get<std::vector<std::string>>());
  std::string types = GgufWriter::bytes(std::uint32_t{5}) + GgufWriter::bytes(tokens.size());
  for (const Json& type : keys.at("tokenizer.ggml.token_type")) {
    types += GgufWriter::bytes(type.get<std::int32_t>());
  }
  out.raw("tokenizer.ggml.token_type", 9, types);
  for (const char* key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"}) {
    out.number(key, keys.at(key).get<std::uint32_t>());
  }
  out.text("tokenizer.chat_template", "{{ bos_token }}{{ messages[0]['content'] }}");
  write_text(file, out.file());
  return file;
}

std::size_t entries_of(const fs::path& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("kedit model convert: a converted model has the same fingerprint and parameters") {
  const std::string name =
      GENERATE("gpt2", "gpt_neox", "opt-projected", "llama-llama3", "mistral", "qwen2-window",
               "gemma2", "gemma3_text", "phi3-longrope", "olmo2", "qwen2_5_vl");
  CAPTURE(name);
  const ScratchFolder scratch;
  const fs::path out = scratch / "out";
  const Json result = convert(golden("models") / name, out);
  const Json before = info_of(golden("models") / name);
  const Json after = info_of(out);
  CHECK(result.at("out") == out.string());
  CHECK(result.at("parameters") == before.at("parameters"));
  CHECK(result.at("family") == before.at("family"));
  CHECK(result.at("dtype") == before.at("stored_dtype"));
  CHECK(after.at("fingerprint") == before.at("fingerprint"));
  CHECK(entries_of(out) == result.at("files").size());
}

TEST_CASE("kedit model convert: tokenizer, template and generation settings come along") {
  const ScratchFolder scratch;
  const fs::path in = write_tiny_model(scratch / "in");
  write_text(in / "chat_template.jinja", "{{ messages[0]['content'] }}");
  write_text(in / "generation_config.json", R"({"eos_token_id": 3, "temperature": 0.6})");
  const Json files = convert(in, scratch / "out").at("files");
  for (const char* name : {"tokenizer.json", "chat_template.jinja", "generation_config.json"}) {
    CHECK(std::count(files.begin(), files.end(), Json(name)) == 1);
    CHECK(read_text(scratch / "out" / name) == read_text(in / name));
  }
  CHECK(tokens_of(scratch / "out") == tokens_of(in));
}

TEST_CASE("kedit model convert: a GGUF file becomes a directory of the same numbers and ids") {
  const ScratchFolder scratch;
  const fs::path in = write_gguf(scratch / "model.gguf");
  const fs::path out = scratch / "out";
  const Json result = convert(in, out);
  CHECK(result.at("dtype") == "float32");
  CHECK(result.at("files") == Json({"config.json", "generation_config.json", "model.safetensors",
                                    "tokenizer.json", "tokenizer_config.json"}));
  CHECK(info_of(out).at("fingerprint") == info_of(in).at("fingerprint"));
  CHECK(tokens_of(out) == tokens_of(in));
  const auto chat = [](const fs::path& model) {
    return answer({"model", "tokenize", "--chat", "--model", model.string(), "--text", "Hi"});
  };
  CHECK(chat(out) == chat(in));
  CHECK(chat(out).at("text") == "<|endoftext|>Hi");
  const Json config = read_json(out / "config.json");
  CHECK(config.at("bos_token_id") == 296);
  CHECK(config.at("eos_token_id") == 298);
  CHECK(config.at("pad_token_id") == nullptr);
}

TEST_CASE("kedit model convert: --dtype chooses the type of the weights") {
  const ScratchFolder scratch;
  const std::string dtype = GENERATE("float16", "bfloat16");
  const fs::path in = write_tiny_model(scratch / "in");
  CHECK(convert(in, scratch / "out", {"--dtype", dtype}).at("dtype") == dtype);
  CHECK(info_of(scratch / "out").at("stored_dtype") == dtype);
  const Json config = read_json(scratch / "out/config.json");
  CHECK(config.at("torch_dtype") == dtype);
  // and the way back loses nothing more
  convert(scratch / "out", scratch / "back", {"--dtype", "float32"});
  convert(scratch / "back", scratch / "again", {"--dtype", dtype});
  CHECK(info_of(scratch / "again").at("fingerprint") == info_of(scratch / "out").at("fingerprint"));
}

TEST_CASE("kedit model convert: a place that cannot be written is named and nothing is left") {
  const ScratchFolder scratch;
  const fs::path in = write_tiny_model(scratch / "in");
  const auto converting = [&](const std::string& out, const RunOptions& options = {}) {
    const Outcome outcome = run_kedit({"model", "convert", in.string(), out}, options);
    CHECK(outcome.out.empty());
    CHECK(outcome.code == 1);
    return outcome.err;
  };
  CHECK(is_one_sentence(converting(in), {"writing", in, "expected no such directory"}));
  CHECK(is_one_sentence(converting(scratch / "absent/out"), {"No such file or directory"}));
  RunOptions little;
  little.file_size_limit = 4096;
  CHECK(is_one_sentence(converting(scratch / "out", little), {"writing", "model.safetensors"}));
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("kedit model convert: a model that cannot be read is no reason to write") {
  const ScratchFolder scratch;
  const Outcome outcome =
      run_kedit({"model", "convert", (scratch / "absent").string(), (scratch / "out").string()});
  CHECK(outcome.code == 3);
  CHECK(is_one_sentence(outcome.err, {"absent"}));
  CHECK(entries_of(scratch.path()) == 0);
}

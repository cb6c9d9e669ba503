#include "json/json.hpp"
#include "tests/apps/program.hpp"
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

#include "json/json.hpp"
#include "model/model.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"
#include "training/trainer.hpp"

#include <filesystem>
#include <functional>
#include <limits>
#include <sys/stat.h>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

Outcome info(const fs::path& model) {
  return run_kedit({"model", "info", "--json", "--model", model.string()});
}

void check_refused(const Outcome& outcome, const std::vector<std::string>& parts) {
  INFO(outcome.err);
  CHECK(outcome.code == 3);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, parts));
}

void change_config(const fs::path& model, const std::string& key, const Json& value) {
  Json config = parse_json(read_text(model / "config.json"), "config.json");
  config[key] = value;
  write_text(model / "config.json", config.dump());
}

}  // namespace

TEST_CASE("kedit model info: a missing model directory or a file in its place is refused by name") {
  const ScratchFolder scratch;
  check_refused(info(scratch / "absent"), {"absent"});
  write_text(scratch / "file", "x");
  check_refused(info(scratch / "file"), {"file"});
  fs::create_directory(scratch / "empty");
  check_refused(info(scratch / "empty"), {"empty", "config.json"});
}

TEST_CASE("kedit model info: a truncated safetensors file is refused by name") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  const fs::path weights = model / "model.safetensors";
  const auto whole = fs::file_size(weights);
  for (const std::uintmax_t size : {whole - 1, whole / 2, std::uintmax_t{100}, std::uintmax_t{8},
                                    std::uintmax_t{3}, std::uintmax_t{0}}) {
    fs::resize_file(weights, size);
    check_refused(info(model), {"model.safetensors"});
  }
}

TEST_CASE("kedit model info: a safetensors header longer than the file is refused") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  std::string bytes = read_text(model / "model.safetensors");
  bytes.replace(0, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f");
  write_text(model / "model.safetensors", bytes);
  check_refused(info(model), {"model.safetensors"});
}

TEST_CASE("kedit model info: a tensor of the wrong shape is refused with both shapes") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  change_config(model, "intermediate_size", 48);
  check_refused(info(model), {"mlp", "48", "32"});
}

TEST_CASE("kedit model info: a quantised model or an unknown family is refused by name") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  change_config(model, "quantization_config", {{"bits", 4}});
  check_refused(info(model), {"config.json", "quantization_config"});
  fs::remove_all(model);
  write_tiny_model(model);
  change_config(model, "model_type", "hyperformer");
  check_refused(info(model), {"config.json", "hyperformer"});
}

TEST_CASE("kedit model info: a malformed config.json is refused by name") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  write_text(model / "config.json", "{\"model_type\": \"qwen2\",");
  check_refused(info(model), {"config.json"});
}

TEST_CASE("kedit model: text commands without a tokenizer are refused") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  fs::remove(model / "tokenizer.json");
  for (const char* command : {"generate", "score"}) {
    std::vector<std::string> call{"model",        command,    "--json", "--model",
                                  model.string(), "--prompt", "x"};
    if (std::string(command) == "score") call.insert(call.end(), {"--target", "y"});
    check_refused(run_kedit(call), {"tokenizer"});
  }
  check_refused(run_kedit({"model", "tokenize", "--model", model.string(), "--text", "x"}),
                {"tokenizer"});
}

TEST_CASE("kedit model: non-finite weights are refused by tensor unless allowed") {
  const ScratchFolder scratch;
  const fs::path model = scratch / "model";
  write_tiny_model(model);
  const auto base = Model::load(model);
  DecoderWeights weights = base->weights();
  weights.layers[1].up.weight = weights.layers[1].up.weight.clone();
  weights.layers[1].up.weight[0][0] = std::numeric_limits<float>::quiet_NaN();
  write_checkpoint(scratch / "broken", base->architecture(), weights);
  check_refused(info(scratch / "broken"), {"model.layers.1.mlp.up_proj.weight"});
  const Outcome allowed = run_kedit({"model", "logits", "--ids", "1", "--json", "--allow-nonfinite",
                                     "--model", (scratch / "broken").string()});
  CHECK(allowed.code == 0);
  CHECK(allowed.out.find("null") != std::string::npos);
  CHECK(is_one_sentence(allowed.err, {"warning", "not finite"}));
}

TEST_CASE("kedit model info: a damaged checkpoint ends with exit code 3 and one sentence") {
  const ScratchFolder scratch;
  const fs::path weights = "model.safetensors", index = "model.safetensors.index.json";
  const auto refused = [&](const std::string& golden_name,
                           const std::function<void(const fs::path&)>& damage,
                           const std::vector<std::string>& parts) {
    const fs::path model = scratch / "model";
    fs::remove_all(model);
    fs::copy(golden("models/" + golden_name), model);
    damage(model);
    check_refused(info(model), parts);
  };
  refused("llama", [&](const fs::path& d) { fs::remove(d / weights); }, {"found neither"});
  refused("llama", [&](const fs::path& d) { fs::rename(d / weights, d / "pytorch_model.bin"); },
          {"pickled", "convert them to safetensors"});
  refused("llama",
          [&](const fs::path& d) {
            fs::remove(d / weights);
            REQUIRE(::mkfifo((d / weights).c_str(), 0600) == 0);
          },
          {"model.safetensors", "found a pipe"});
  refused("llama",
          [&](const fs::path& d) {
            fs::remove(d / weights);
            fs::create_symlink(weights, d / weights);
          },
          {"model.safetensors", "symbolic links"});
  refused("mistral", [&](const fs::path& d) { fs::remove(d / "model-00002-of-00003.safetensors"); },
          {"model-00002-of-00003.safetensors"});
  refused("mistral",
          [&](const fs::path& d) {
            Json json = read_json(d / index);
            json["weight_map"]["model.norm.weight"] = "../model.safetensors";
            write_text(d / index, json.dump());
          },
          {"weight_map", "bare file names"});
  refused("llama", [&](const fs::path& d) { change_config(d, "num_local_experts", 8); },
          {"num_local_experts", "mixtures of experts"});
  refused("gemma2", [&](const fs::path& d) { change_config(d, "vocab_size", 2147483648LL); },
          {"model.embed_tokens.weight", "2147483648"});
}

TEST_CASE("kedit model info: every family is described from its directory") {
  for (const char* name : {"gptj", "gpt_neox", "opt", "mistral", "qwen3", "gemma", "gemma2",
                           "gemma3_text", "phi3", "olmo2"}) {
    INFO(name);
    const Outcome outcome = info(golden(std::string("models/") + name));
    CHECK(outcome.code == 0);
    CHECK(outcome.err.empty());
    const Json json = parse_json(outcome.out, "standard output");
    CHECK(json["family"] == name);
  }
}

TEST_CASE("kedit model info: unused weights give one warning beside the result") {
  const ScratchFolder scratch;
  const fs::path model = scratch / "model";
  fs::copy(golden("models/llama"), model);
  change_config(model, "num_hidden_layers", 2);  // of three
  const Outcome outcome = info(model);
  CHECK(outcome.code == 0);
  CHECK(parse_json(outcome.out, "standard output")["layers"] == 2);
  CHECK(is_one_sentence(outcome.err, {"warning", "model.layers.2.input_layernorm.weight"}));
}

TEST_CASE("kedit model info: an unknown device ends with exit code 5") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  const Outcome outcome =
      run_kedit({"model", "info", "--json", "--device", "cuda:99", "--model", model.string()});
  CHECK(outcome.code == 5);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, {"cuda:99"}));
}

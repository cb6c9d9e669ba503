#include "json/json.hpp"
#include "model/model.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"
#include "training/trainer.hpp"

#include <filesystem>
#include <limits>

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

TEST_CASE("a model directory that is not there, or no directory, is named") {
  const ScratchFolder scratch;
  check_refused(info(scratch / "absent"), {"absent"});
  write_text(scratch / "file", "x");
  check_refused(info(scratch / "file"), {"file"});
  fs::create_directory(scratch / "empty");
  check_refused(info(scratch / "empty"), {"empty", "config.json"});
}

TEST_CASE("a truncated safetensors file is refused by name") {
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

TEST_CASE("a header that promises more than the file holds is refused") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  std::string bytes = read_text(model / "model.safetensors");
  bytes.replace(0, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f");
  write_text(model / "model.safetensors", bytes);
  check_refused(info(model), {"model.safetensors"});
}

TEST_CASE("a tensor of the wrong shape is named with both shapes") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  change_config(model, "intermediate_size", 48);
  check_refused(info(model), {"mlp", "48", "32"});
}

TEST_CASE("mathematics that is not supported is refused by name") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  change_config(model, "quantization_config", {{"bits", 4}});
  check_refused(info(model), {"config.json", "quantization_config"});
  fs::remove_all(model);
  write_tiny_model(model);
  change_config(model, "model_type", "hyperformer");
  check_refused(info(model), {"config.json", "hyperformer"});
}

TEST_CASE("a config.json that is no JSON is refused with the place") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  write_text(model / "config.json", "{\"model_type\": \"qwen2\",");
  check_refused(info(model), {"config.json"});
}

TEST_CASE("text commands without a tokenizer say so") {
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

TEST_CASE("weights that are not finite are refused by tensor, unless allowed") {
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

TEST_CASE("a device that is not there exits with 5") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  const Outcome outcome =
      run_kedit({"model", "info", "--json", "--device", "cuda:99", "--model", model.string()});
  CHECK(outcome.code == 5);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, {"cuda:99"}));
}

// Golden checkpoints as llama.cpp's own converter writes them (tests/golden/gguf_golden.py): every
// convention undone, the same model as the Hugging Face directory that they were made from.
#include "model/device.hpp"
#include "model/model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <ATen/ATen.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

using namespace kedit;
using namespace kedit::testing;

namespace {

std::filesystem::path golden_gguf(const std::string& name) {
  return std::filesystem::path(KEDIT_SOURCE_DIR) / "tests/golden/gguf" / (name + ".gguf");
}

const std::vector<std::string>& names() {
  static const std::vector<std::string> all = {
      "llama-biases", "llama-llama3",    "llama-yarn",  "qwen2",         "qwen3",
      "gemma",        "gemma2",          "gemma3_text", "phi3-longrope", "gpt2",
      "gpt_neox",     "gpt_neox-serial", "olmo2"};
  return all;
}

// llama.cpp has no key for Gemma 3's pattern of windows, and its converter writes none for the
// rotary base of Gemma and GPT-NeoX: these checkpoints have other ones than it takes for granted.
bool is_not_said_whole(const std::string& name) {
  return name.rfind("gemma", 0) == 0 || name.rfind("gpt_neox", 0) == 0;
}

// 1 + weight, rounded, less 1: the last bits of Gemma's norms are gone.
bool adds_one(const std::string& name) { return name.rfind("gemma", 0) == 0; }

}  // namespace

TEST_CASE("gguf: the reference library's logits of every architecture") {
  for (const std::string& name : names()) {
    if (is_not_said_whole(name)) continue;
    INFO(name);
    const auto model = Model::load(golden_gguf(name));
    const at::Tensor logits =
        forward(model->architecture(), model->weights(), input_of(golden(name, "ids"))).logits;
    CHECK(max_difference(logits, golden(name, "logits")) < 1e-4);
    CHECK(model->source().format == "gguf");
    CHECK(model->source().quantisation == "F32");
    CHECK_FALSE(model->has_tokenizer());
  }
}

TEST_CASE("gguf: every weight is the one of the checkpoint that the file was made from") {
  for (const std::string& name : names()) {
    const auto model = Model::load(golden_gguf(name));
    const auto original = Model::load(golden_model(name));
    CHECK(model->weight_names() == original->weight_names());
    for (const std::string& weight : original->weight_names()) {
      INFO(name << " " << weight);
      const double off = max_difference(model->weight(weight), original->weight(weight));
      CHECK(off <= (adds_one(name) && weight.find("norm") != weight.npos ? 1.2e-7 : 0.0));
    }
  }
}

TEST_CASE("gguf: a file of float32 numbers has the fingerprint of its checkpoint") {
  for (const char* name : {"llama-biases", "llama-yarn", "qwen2", "qwen3"}) {
    INFO(name);
    CHECK(Model::load(golden_gguf(name))->fingerprint() ==
          Model::load(golden_model(name))->fingerprint());
  }
}

TEST_CASE("gguf: the stretched rotation of Llama 3 is recovered from its frequency factors") {
  const auto expected = Model::load(golden_model("llama-llama3"))->architecture().rope_scaling;
  const auto found = Model::load(golden_gguf("llama-llama3"))->architecture().rope_scaling;
  CHECK(expected.kind == RopeKind::llama3);
  // Its original positions are none of the published ones: the factors themselves are kept.
  CHECK(found.kind == RopeKind::longrope);
  CHECK(found.short_factors == found.long_factors);
  CHECK(found.attention_factor == 1.0);
}

TEST_CASE("gguf: another type of computation changes neither fingerprint nor stored type") {
  LoadOptions options;
  options.dtype = "bfloat16";
  const auto wide = Model::load(golden_gguf("qwen2"));
  const auto narrow = Model::load(golden_gguf("qwen2"), options);
  CHECK(narrow->dtype() == "bfloat16");
  CHECK(narrow->stored_dtype() == "float32");
  CHECK(narrow->fingerprint() == wide->fingerprint());
  const std::string name = wide->weight_names().at(2);
  CHECK(at::equal(narrow->weight(name), wide->weight(name).to(at::kBFloat16)));
}

TEST_CASE("gguf: what reading all weights found is remembered") {
  const TemporaryDirectory place;
  std::filesystem::copy_file(golden_gguf("olmo2"), place / "m.gguf");
  std::filesystem::last_write_time(
      place / "m.gguf", std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  LoadOptions options;
  options.cache = place / "cache";
  const auto first = Model::load(place / "m.gguf", options);
  const std::string fingerprint = first->fingerprint();
  CHECK_FALSE(first->remembered());
  const auto second = Model::load(place / "m.gguf", options);
  CHECK(second->fingerprint() == fingerprint);
  CHECK(second->remembered());
}

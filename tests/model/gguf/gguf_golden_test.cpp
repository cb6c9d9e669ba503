// Golden checkpoints as llama.cpp's own converter writes them (tests/golden/gguf_golden.py): every
// convention undone, the same model as the Hugging Face directory that they were made from.
#include "model/gguf/configuration.hpp"
#include "model/model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/model/gguf/gguf_writer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <ATen/ATen.h>

#include <chrono>
#include <filesystem>
#include <fstream>
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

namespace {

// The rotation of a model whose heads have 16 elements and whose file has these divisors of its
// eight frequencies.
RopeScaling scaling_of(const std::vector<float>& factors) {
  GgufWriter file = small_llama();
  file.number("llama.attention.key_length", 16).number("llama.attention.value_length", 16);
  file.real("llama.rope.freq_base", 500000.0F);
  file.tensor("rope_freqs.weight", {factors.size()}, 0,
              std::string(reinterpret_cast<const char*>(factors.data()), factors.size() * 4));
  const TemporaryDirectory place;
  std::ofstream(place / "m.gguf", std::ios::binary) << file.file();
  return gguf::read_architecture(gguf::GgufFile::open(place / "m.gguf")).rope_scaling;
}

}  // namespace

TEST_CASE("gguf: Llama 3's published parameters are recovered from its frequency factors") {
  // What transformers 4.57.1 makes of llama3, factor 32, 1, 4, 8192 positions, base 500,000.
  const RopeScaling found = scaling_of({1, 1, 1, 1, 3.29226255F, 32, 32, 32});
  CHECK(found.kind == RopeKind::llama3);
  CHECK(found.factor == 32.0);
  CHECK(found.low_frequency_factor == 1.0);
  CHECK(found.high_frequency_factor == 4.0);
  CHECK(found.original_positions == 8192);
}

TEST_CASE("gguf: frequency factors that no published parameters give are kept as they are") {
  const RopeScaling found = scaling_of({1, 1, 1, 1, 3.5F, 32, 32, 32});
  CHECK(found.kind == RopeKind::longrope);
  CHECK(found.short_factors == std::vector<double>{1, 1, 1, 1, 3.5, 32, 32, 32});
  CHECK(found.long_factors == found.short_factors);
  CHECK(found.attention_factor == 1.0);
  CHECK(Model::load(golden_model("llama-llama3"))->architecture().rope_scaling.kind ==
        RopeKind::llama3);
  CHECK(Model::load(golden_gguf("llama-llama3"))->architecture().rope_scaling.kind ==
        RopeKind::longrope);
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

// Writes a checkpoint of random float32 weights in a published model's shape, with a tokenizer that
// any model of its size can use: for measuring where no weights can be had.
//
//   random_checkpoint gpt2-xl|gpt-j|llama-8b|tiny DIRECTORY TOKENIZER_JSON
#include "json/json.hpp"
#include "model/decoder/weight_slots.hpp"
#include "model/model.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

namespace {

using namespace kedit;

Json gpt2(std::int64_t hidden, std::int64_t layers, std::int64_t heads, std::int64_t vocabulary) {
  return {{"model_type", "gpt2"},
          {"n_embd", hidden},
          {"n_layer", layers},
          {"n_head", heads},
          {"vocab_size", vocabulary},
          {"n_positions", 1024},
          {"architectures", {"GPT2LMHeadModel"}}};
}

Json config_of(const std::string& shape) {
  if (shape == "tiny") return gpt2(64, 2, 4, 1280);
  if (shape == "gpt2-xl") return gpt2(1600, 48, 25, 50257);
  if (shape == "gpt-j") {
    return {{"model_type", "gptj"},
            {"n_embd", 4096},
            {"n_layer", 28},
            {"n_head", 16},
            {"vocab_size", 50400},
            {"n_positions", 2048},
            {"rotary_dim", 64},
            {"tie_word_embeddings", false},
            {"architectures", {"GPTJForCausalLM"}}};
  }
  if (shape == "llama-8b") {
    return {{"model_type", "llama"},        {"hidden_size", 4096},
            {"intermediate_size", 14336},   {"num_hidden_layers", 32},
            {"num_attention_heads", 32},    {"num_key_value_heads", 8},
            {"vocab_size", 128256},         {"max_position_embeddings", 8192},
            {"tie_word_embeddings", false}, {"architectures", {"LlamaForCausalLM"}}};
  }
  throw ModelError(fmt::format("random checkpoint: unknown shape {}", shape));
}

// Stretches of one pool of normal numbers, from another place each time: as good as fresh ones
// here, and made at the speed of a copy.
class RandomNumbers {
 public:
  at::Tensor make(const std::vector<std::int64_t>& shape, double mean, double deviation) {
    at::Tensor made = at::empty(shape, at::kFloat);
    at::Tensor flat = made.view(-1);
    for (std::int64_t at = 0; at < flat.numel(); at += kStretch) {
      const std::int64_t count = std::min(kStretch, flat.numel() - at);
      place_ = (place_ * 6364136223846793005U + 1442695040888963407U);
      const auto from = static_cast<std::int64_t>((place_ >> 33U) % (kPool - kStretch));
      flat.slice(0, at, at + count).copy_(pool_.slice(0, from, from + count));
    }
    return made.mul_(deviation).add_(mean);
  }

 private:
  static constexpr std::int64_t kPool = std::int64_t{1} << 23, kStretch = std::int64_t{1} << 20;
  at::Tensor pool_ = at::randn({kPool});
  std::uint64_t place_ = 1;
};

void write(const std::string& shape, const std::filesystem::path& directory,
           const std::filesystem::path& tokenizer) {
  at::manual_seed(1);
  std::filesystem::create_directories(directory);
  write_file_atomically(directory / "config.json", to_text(config_of(shape)));
  const Architecture architecture = read_architecture(directory);
  DecoderWeights weights;
  RandomNumbers random;
  for (const decoder::WeightSlot& slot : decoder::weight_slots(architecture, weights)) {
    const bool is_vector = slot.shape.size() == 1;
    const bool is_scale = is_vector && slot.name.ends_with("weight");
    *slot.tensor = random.make(slot.shape, is_scale ? 1.0 : 0.0, 0.02);
  }
  if (architecture.tied_head) weights.head = weights.token_embedding;
  write_checkpoint(directory, architecture, weights);
  std::filesystem::copy_file(tokenizer, directory / "tokenizer.json",
                             std::filesystem::copy_options::overwrite_existing);
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    fmt::print(stderr,
               "usage: random_checkpoint gpt2-xl|gpt-j|llama-8b|tiny DIRECTORY TOKENIZER\n");
    return 2;
  }
  try {
    write(words[1], words[2], words[3]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

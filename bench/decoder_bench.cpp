// The decoder of the lab's shape: tokens a second of training (forward and backward, 12 rows of 160
// tokens), milliseconds of one decoding step behind 160 cached tokens, and seconds to load a
// checkpoint of about 1 GB from the page cache.
//
//   kedit_bench_decoder [THREADS] [DIRECTORY FOR THE LARGE CHECKPOINT]
#include "model/model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace kedit;

Architecture architecture_of(std::int64_t hidden, std::int64_t intermediate, std::int64_t layers,
                             std::int64_t vocab) {
  const Json config = {{"model_type", "qwen2"},
                       {"hidden_size", hidden},
                       {"intermediate_size", intermediate},
                       {"num_hidden_layers", layers},
                       {"num_attention_heads", 4},
                       {"vocab_size", vocab},
                       {"tie_word_embeddings", true}};
  return architecture_from_config(config, "the benchmark");
}

// Zero tensors of the right shapes are asked for by name; random values are put in.
DecoderWeights random_weights(const Architecture& a, bool trainable) {
  const auto shapes = [&](const std::string& name) -> std::vector<std::int64_t> {
    const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
    if (has("embed_tokens")) return {a.vocab, a.hidden};
    if (has("gate_proj.weight") || has("up_proj.weight")) return {a.intermediate, a.hidden};
    if (has("down_proj.weight")) return {a.hidden, a.intermediate};
    if (has("_proj.weight")) return {a.hidden, a.hidden};
    return {a.hidden};
  };
  return resolve_weights(
      a,
      [&](const std::string& name) {
        return (at::randn(shapes(name)) * 0.05).requires_grad_(trainable);
      },
      "the benchmark");
}

double best_seconds(int repeats, const std::function<void()>& work) {
  double best = 1e30;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

void measure_training(const Architecture& a) {
  const DecoderWeights weights = random_weights(a, true);
  ForwardInput input;
  input.ids = at::randint(0, a.vocab, {12, 160}, at::kLong);
  const double seconds = best_seconds(10, [&] {
    const at::Tensor logits = forward(a, weights, input).logits.view({-1, a.vocab});
    at::nll_loss(at::log_softmax(logits, -1), input.ids.view({-1})).backward();
  });
  fmt::print("training step, 12 rows of 160 tokens: {:.0f} ms, {:.0f} tokens/s\n", seconds * 1e3,
             1920 / seconds);
}

void measure_decoding(const Architecture& a) {
  const c10::InferenceMode no_gradients;
  const DecoderWeights weights = random_weights(a, false);
  ForwardInput prompt, token;
  prompt.ids = at::randint(0, a.vocab, {1, 160}, at::kLong);
  token.ids = prompt.ids.slice(1, 0, 1);
  KvCache filled;
  forward(a, weights, prompt, &filled);
  const double seconds = best_seconds(50, [&] {
    KvCache cache = filled;
    forward(a, weights, token, &cache);
  });
  fmt::print("decoding step behind 160 tokens: {:.2f} ms\n", seconds * 1e3);
}

void measure_loading(const std::filesystem::path& directory) {
  const Architecture a = architecture_of(2048, 8192, 4, 4096);
  write_checkpoint(directory, a, random_weights(a, false));
  std::int64_t bytes = 0;
  const double seconds = best_seconds(5, [&] { bytes = Model::load(directory)->bytes(); });
  fmt::print("loading {:.2f} GB from the page cache: {:.3f} s\n", static_cast<double>(bytes) * 1e-9,
             seconds);
  std::filesystem::remove_all(directory);
}

}  // namespace

int main(int count, char** words) {
  at::set_num_threads(count > 1 ? std::max(1, std::atoi(words[1])) : 1);
  const Architecture lab = architecture_of(128, 384, 4, 1280);
  measure_training(lab);
  measure_decoding(lab);
  const std::filesystem::path directory =
      count > 2 ? words[2]
                : (std::filesystem::temp_directory_path() / "kedit-decoder-bench").string();
  measure_loading(directory);
  return EXIT_SUCCESS;
}

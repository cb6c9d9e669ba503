#pragma once

#include "edits/progress.hpp"
#include "model/model.hpp"
#include "training/document.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kedit {

/// Shape of a decoder trained from scratch (Qwen2 layout: RMS norm, rotary, q/k/v bias, gated
/// SiLU).
struct DecoderShape {
  std::int64_t layers = 4;
  std::int64_t hidden = 128;
  std::int64_t heads = 4;
  std::int64_t intermediate = 384;
  std::int64_t vocab = 1280;
  std::int64_t max_positions = 512;
  double rope_theta = 1000.0;
};

/// Causal-LM training from scratch. Defaults: the lab's recipe.
struct TrainOptions {
  std::int64_t steps = 6500;
  std::int64_t rows = 12;  ///< rows per step
  std::int64_t row_tokens = 160;
  double learning_rate = 3e-3;  ///< AdamW
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-8;
  double weight_decay = 0.3;  ///< on the layers' matrices only
  double clip_norm = 1.0;
  std::int64_t warmup_steps = 60;
  double decay_share = 0.6;             ///< last share of steps: linear to final_rate
  double final_rate = 0.02;             ///< of learning_rate
  std::int64_t checkpoint_every = 200;  ///< steps between resumable states
  int threads = 1;
};

/// Where documents come from: the next one at `progress` of training, and a state that can be
/// saved.
struct DocumentSource {
  std::function<Document(double progress)> next;
  std::function<std::string()> state;
  std::function<void(const std::string&)> restore;
};

struct LossPoint {
  std::int64_t step = 0;
  double loss = 0.0;  ///< weighted mean over the batch
  double learning_rate = 0.0;
};

struct TrainResult {
  DecoderWeights weights;
  std::vector<LossPoint> curve;
  double seconds = 0.0;  ///< of this call
  std::int64_t tokens = 0;
};

Architecture qwen2_architecture(const DecoderShape& shape);

/// Initial values of the lab recipe: N(0, 0.1) embedding, copying values (W_o = 0.3 W_v^T), half of
/// layer 0's heads looking one token back. Deterministic in `seed`.
DecoderWeights initial_weights(const Architecture& architecture, std::uint64_t seed);

/// Trains; saves a resumable state into `work` every `checkpoint_every` steps and when a stop is
/// requested (then throws `Interrupted`); goes on from a state found there if its recipe text is
/// the same, else throws `TrainError`. Same seed and thread count: same bytes, also when resumed.
TrainResult train_decoder(const Architecture& architecture, const Tokenizer& tokenizer,
                          DocumentSource documents, const TrainOptions& options,
                          const std::string& recipe, const std::filesystem::path& work,
                          const RunContext& run);

class TrainError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace kedit

#include "training/trainer.hpp"

#include "training/adamw.hpp"
#include "training/batch.hpp"
#include "training/loss.hpp"
#include "training/parameters.hpp"
#include "training/schedule.hpp"
#include "training/train_state.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace kedit {
namespace {

namespace fs = std::filesystem;

void check_options(const TrainOptions& o) {
  const bool sizes = o.steps > 0 && o.rows > 0 && o.row_tokens > 1 && o.threads > 0 &&
                     o.checkpoint_every > 0 && o.warmup_steps >= 0;
  const bool rates = o.learning_rate > 0.0 && o.clip_norm > 0.0 && o.weight_decay >= 0.0 &&
                     o.decay_share >= 0.0 && o.decay_share <= 1.0 && o.final_rate >= 0.0;
  if (!sizes || !rates) {
    throw TrainError(
        "training: options: expected positive steps, rows, row tokens, threads, learning rate and "
        "clip norm, and a decay share in [0, 1]");
  }
}

// One run over the steps; its members are what a state file holds.
class Training {
 public:
  Training(const Architecture& architecture, const Tokenizer& tokenizer, DocumentSource documents,
           const TrainOptions& options, std::uint64_t seed)
      : architecture_(architecture),
        options_(options),
        parameters_(architecture, initial_weights(architecture, seed)),
        optimizer_(parameters_.values(), parameters_.decayed(),
                   {options.beta1, options.beta2, options.epsilon, options.weight_decay}),
        packer_(tokenizer, std::move(documents), options.rows, options.row_tokens) {}

  std::int64_t step() const { return step_; }
  std::int64_t parameters() const { return parameters_.values().numel(); }
  const std::vector<LossPoint>& curve() const { return curve_; }
  DecoderWeights weights() const { return parameters_.snapshot(); }

  void advance() {
    const auto done = static_cast<double>(step_) / static_cast<double>(options_.steps);
    const TrainBatch batch = packer_.next(done);
    const double learning_rate = learning_rate_at(options_, step_);
    const double loss = compute_gradients(batch);
    const double norm = clip_gradient_norm(parameters_.gradients(), options_.clip_norm);
    if (!std::isfinite(loss) || !std::isfinite(norm)) {
      throw TrainError(
          fmt::format("training: step {}: expected a finite loss and gradient, found loss {} and "
                      "norm {}; try a "
                      "lower learning rate",
                      step_, loss, norm));
    }
    optimizer_.step(parameters_.gradients(), learning_rate);
    curve_.push_back({step_, loss, learning_rate});
    ++step_;
  }

  TrainState state() const {
    return {step_,
            parameters_.values(),
            optimizer_.first_moment(),
            optimizer_.second_moment(),
            packer_.state(),
            curve_};
  }

  void restore(const TrainState& state) {
    const c10::NoGradGuard no_grad;
    step_ = state.step;
    parameters_.values().copy_(state.values);
    optimizer_.restore(state.step, state.first_moment, state.second_moment);
    packer_.restore(state.stream);
    curve_ = state.curve;
  }

 private:
  // Leaves the gradients in the parameter buffer; returns the loss.
  double compute_gradients(const TrainBatch& batch) {
    parameters_.gradients().zero_();
    const c10::AutoGradMode with_grad(true);
    ForwardInput input;
    input.ids = batch.ids;
    const at::Tensor logits =
        forward(architecture_, parameters_.weights(), input).logits.view({-1, architecture_.vocab});
    const WeightedLoss loss = weighted_cross_entropy(logits, batch.targets, batch.weights);
    logits.backward(loss.gradient);
    return loss.value;
  }

  const Architecture& architecture_;
  const TrainOptions& options_;
  ParameterBuffer parameters_;
  AdamW optimizer_;
  DocumentPacker packer_;
  std::int64_t step_ = 0;
  std::vector<LossPoint> curve_;
};

double recent_loss(const std::vector<LossPoint>& curve) {
  const std::size_t count = std::min<std::size_t>(curve.size(), 20);
  double sum = 0.0;
  for (std::size_t i = curve.size() - count; i < curve.size(); ++i) sum += curve[i].loss;
  return count == 0 ? 0.0 : sum / static_cast<double>(count);
}

void report(const RunContext& run, const Training& training, const TrainOptions& options,
            std::int64_t steps_here, double seconds) {
  const double rate =
      static_cast<double>(steps_here * options.rows * options.row_tokens) / std::max(seconds, 1e-9);
  run.report({"training", training.step(), options.steps,
              fmt::format("loss {:.3f}, {:.0f} tokens/s", recent_loss(training.curve()), rate)});
}

[[noreturn]] void stop(const Training& training, const TrainOptions& options,
                       const fs::path& work) {
  throw Interrupted(fmt::format(
      "training: stopped at step {} of {}; the state is saved in {}, the same command goes on",
      training.step(), options.steps, train_state_file(work).string()));
}

}  // namespace

TrainResult train_decoder(const Architecture& architecture, const Tokenizer& tokenizer,
                          DocumentSource documents, const TrainOptions& options,
                          const std::string& recipe, const fs::path& work, const RunContext& run) {
  check_options(options);
  at::set_num_threads(options.threads);
  const Stopwatch watch;
  Training training(architecture, tokenizer, std::move(documents), options, run.seed);
  if (const auto state = load_train_state(work, recipe, training.parameters())) {
    training.restore(*state);
  }
  const std::int64_t first = training.step();
  while (training.step() < options.steps) {
    if (run.should_stop()) {
      save_train_state(work, training.state(), recipe);
      stop(training, options, work);
    }
    training.advance();
    report(run, training, options, training.step() - first, watch.seconds());
    if (training.step() % options.checkpoint_every == 0 || training.step() == options.steps) {
      save_train_state(work, training.state(), recipe);
    }
  }
  TrainResult result;
  result.weights = training.weights();
  result.curve = training.curve();
  result.seconds = watch.seconds();
  result.tokens = options.steps * options.rows * options.row_tokens;
  return result;
}

}  // namespace kedit

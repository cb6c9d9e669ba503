#pragma once

#include "editors/locate/value_optimiser.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <string>
#include <vector>

namespace kedit::test {

/// The value optimisation as its paper's program writes it down: whole texts, every layer in every
/// step, logits everywhere. Slow and plain; what `optimise_value` is compared with.
struct PlainOptimiser {
  const EditedModel& model;
  std::int64_t layer;
  locate::ValueOptions options;
  Site site = Site::mlp_value;

  std::vector<std::vector<std::int64_t>> rows;  // rewriting rows, then the KL row
  std::vector<std::int64_t> lookup;
  std::vector<std::int64_t> target;

  void tokenize(const EditRequest& request, const std::vector<std::string>& templates) {
    const Tokenizer& tokenizer = model.tokenizer();
    target = tokenizer.ids(" " + request.target_new, false);
    const std::string written =
        tokenizer.decode({target.begin(), target.end() - 1});  // all but the last token
    for (const std::string& context : templates) {
      std::string text = context;
      text.replace(text.rfind("{}"), 2, request.prompt + written);
      add_row(text, request.subject);
    }
    add_row("{} is a", request.subject);
  }

  locate::ValueResult run() const {
    const at::Tensor ids = padded();
    at::Tensor delta;
    at::Tensor reference;
    locate::ValueResult result;
    std::vector<double> first, second;
    for (std::int64_t it = 0; it < options.num_grad_steps; ++it) {
      at::Tensor initial;
      if (!delta.defined()) {
        delta = at::zeros({model.architecture().hidden}).requires_grad_(true);
        first.assign(static_cast<std::size_t>(delta.numel()), 0.0);
        second = first;
      }
      const at::Tensor log_probs = forward(ids, delta, it == 0 ? &initial : nullptr);
      if (it == 0) result.initial = initial;
      const at::Tensor essence =
          log_probs[static_cast<std::int64_t>(rows.size()) - 1][lookup.back()];
      if (it == 0) reference = essence.detach();
      const double initial_norm = result.initial.norm().item<double>();
      const at::Tensor nll = mean_nll(log_probs);
      const at::Tensor kl = options.kl_factor * (essence.exp() * (essence - reference)).sum();
      const at::Tensor decay = options.weight_decay * delta.norm() / (initial_norm * initial_norm);
      const at::Tensor loss = nll + kl + decay;
      result.steps.push_back(
          {loss.item<double>(), nll.item<double>(), kl.item<double>(), decay.item<double>(), 0.0});
      if (loss.item<double>() < options.stop_loss || it + 1 == options.num_grad_steps) break;
      delta.mutable_grad() = at::Tensor();
      loss.backward();
      adam(delta, first, second, it + 1);
      const c10::NoGradGuard update;
      const double norm = delta.norm().item<double>();
      const double limit = options.clamp_norm_factor * initial_norm;
      if (norm > limit) delta.mul_(limit / norm);
    }
    result.delta = delta.detach();
    return result;
  }

 private:
  void add_row(std::string text, const std::string& subject) {
    const std::size_t slot = text.find("{}");
    lookup.push_back(
        static_cast<std::int64_t>(model.tokenizer().ids(text.substr(0, slot) + subject).size()) -
        1);
    text.replace(slot, 2, subject);
    rows.push_back(model.tokenizer().ids(text));
  }

  at::Tensor padded() const {
    std::size_t longest = 0;
    for (const auto& row : rows) longest = std::max(longest, row.size());
    at::Tensor ids = at::full(
        {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(longest)}, 7, at::kLong);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (std::size_t i = 0; i < rows[r].size(); ++i) {
        ids[static_cast<std::int64_t>(r)][static_cast<std::int64_t>(i)] = rows[r][i];
      }
    }
    return ids;
  }

  at::Tensor forward(const at::Tensor& ids, const at::Tensor& delta, at::Tensor* initial) const {
    std::vector<std::int64_t> numbers;
    for (std::size_t r = 0; r < rows.size(); ++r) numbers.push_back(static_cast<std::int64_t>(r));
    Taps taps;
    if (initial != nullptr) {
      taps.add(layer, site, [&](const at::Tensor& activation) {
        *initial = activation[0][lookup[0]].detach().clone();
        return activation;
      });
    }
    taps.add(layer, site, add_at(numbers, lookup, delta));
    ForwardInput input;
    input.ids = ids;
    return model.forward(input, nullptr, &taps).logits.log_softmax(-1);
  }

  at::Tensor mean_nll(const at::Tensor& log_probs) const {
    at::Tensor sum = at::zeros({});
    for (std::size_t r = 0; r + 1 < rows.size(); ++r) {
      const auto first_label = static_cast<std::int64_t>(rows[r].size() - target.size());
      for (std::size_t i = 0; i < target.size(); ++i) {
        sum = sum - log_probs[static_cast<std::int64_t>(r)]
                             [first_label + static_cast<std::int64_t>(i)][target[i]];
      }
    }
    return sum / static_cast<double>(target.size() * (rows.size() - 1));
  }

  // Element by element, in double precision.
  void adam(at::Tensor& delta, std::vector<double>& first, std::vector<double>& second,
            std::int64_t update) const {
    const c10::NoGradGuard no_grad;
    const at::Tensor gradient = delta.grad().contiguous();
    auto* values = delta.data_ptr<float>();
    const auto n = static_cast<double>(update);
    for (std::size_t i = 0; i < first.size(); ++i) {
      const double g = static_cast<double>(gradient.data_ptr<float>()[i]);
      first[i] = 0.9 * first[i] + 0.1 * g;
      second[i] = 0.999 * second[i] + 0.001 * g * g;
      const double m = first[i] / (1.0 - std::pow(0.9, n));
      const double v = second[i] / (1.0 - std::pow(0.999, n));
      values[i] -= static_cast<float>(options.learning_rate * m / (std::sqrt(v) + 1e-8));
    }
  }
};

}  // namespace kedit::test

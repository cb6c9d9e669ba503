#include "editors/locate/value_optimiser.hpp"

#include "editors/editor.hpp"
#include "editors/locate/adam.hpp"
#include "editors/locate/injected_pass.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>

namespace kedit::locate {
namespace {

/// The loss terms of each problem as tensors [E], so that autograd sees their sum.
struct Loss {
  at::Tensor nll, kl, decay, total;
};

/// KL(P || Q) of the rows of two log-probability matrices [E, vocab].
at::Tensor kl_divergence(const at::Tensor& log_p, const at::Tensor& log_q) {
  return (log_p.exp() * (log_p - log_q)).sum(1);
}

void check_not_blind(const EditedModel& model, const ValueProblem& problem,
                     const ValueOptions& options, const RunContext& run) {
  if (!problem.blind(model.architecture().layers)) return;
  const std::string text = fmt::format(
      "optimising the value: layer {} is the last one and the subject ends before the answer, so "
      "no "
      "change there can reach the answer; choose a lower layer",
      problem.layer);
  if (!options.allow_blind) throw EditError(text);
  run.warning(text);
}

void check_finite(const ValueStep& step, const ValueProblem& problem, std::size_t number) {
  if (std::isfinite(step.loss)) return;
  throw UnhealthyEdit(fmt::format(
      "optimising the value of {}: expected a finite loss, found {} at step {}; lower v_lr",
      problem.name, step.loss, number));
}

/// Learning rate of each problem, [E, 1].
at::Tensor learning_rates(const ValueOptions& options, const at::Tensor& initial_norms,
                          std::int64_t width) {
  if (!options.scale_learning_rate) {
    return at::full_like(initial_norms, options.learning_rate);
  }
  return initial_norms * (options.learning_rate / std::sqrt(static_cast<double>(width)));
}

/// One batch of problems on its way: what is kept for each that still runs.
class ValueBatch {
 public:
  ValueBatch(const EditedModel& model, std::span<const ValueProblem> problems,
             const ValueOptions& options)
      : problems_(problems),
        options_(options),
        pass_(model, problems),
        initial_norms_(pass_.initial_values().norm(2, 1, /*keepdim=*/true)),
        rates_(learning_rates(options, initial_norms_, pass_.initial_values().size(1))),
        adam_(rates_),
        deltas_(at::zeros_like(pass_.initial_values())),
        running_(problems.size()),
        results_(problems.size()) {
    std::iota(running_.begin(), running_.end(), std::size_t{0});
    const at::Tensor initial = pass_.initial_values().cpu();
    const at::Tensor rates = rates_.cpu();
    for (std::size_t e = 0; e < problems.size(); ++e) {
      results_[e].initial = initial[static_cast<std::int64_t>(e)].clone();
      results_[e].learning_rate = rates[static_cast<std::int64_t>(e)].item<double>();
    }
    clamped_ = at::zeros_like(initial_norms_, at::kBool);
    best_loss_.assign(problems.size(), std::numeric_limits<double>::infinity());
  }

  /// One forward pass of those that run; false when none is left. `last`: no update follows.
  bool step(bool last) {
    deltas_ = deltas_.detach().requires_grad_(true);
    const InjectedPass::LogProbs now = pass_.log_probs(deltas_);
    if (!essence_before_.defined()) essence_before_ = now.essence.detach();
    const Loss loss = loss_of(now);
    record(loss, now);
    std::vector<std::int64_t> going;
    for (std::size_t i = 0; i < running_.size(); ++i) {
      const ValueStep& step = results_[running_[i]].steps.back();
      if (!last && step.loss >= options_.stop_loss) going.push_back(static_cast<std::int64_t>(i));
    }
    if (going.empty()) {
      finish_all();
      return false;
    }
    loss.total.sum().backward();
    const at::Tensor gradient = deltas_.grad();
    const c10::NoGradGuard update;
    deltas_ = deltas_.detach();
    if (going.size() < running_.size()) return go_on_with(going, gradient);
    update_deltas(gradient);
    return true;
  }

  double mean_loss() const {
    double sum = 0;
    for (const std::size_t e : running_) sum += results_[e].steps.back().loss;
    return sum / static_cast<double>(running_.size());
  }
  std::size_t running() const { return running_.size(); }
  std::vector<ValueResult> results() && { return std::move(results_); }

 private:
  Loss loss_of(const InjectedPass::LogProbs& now) const {
    Loss loss;
    loss.nll = now.nll;
    loss.kl = kl_divergence(now.essence, essence_before_) * options_.kl_factor;
    // The reference's normalisation: the norm in front is not squared, the one below is.
    loss.decay = deltas_.norm(2, 1) * (options_.weight_decay / initial_norms_.squeeze(1).square());
    loss.total = loss.nll + loss.kl + loss.decay;
    return loss;
  }

  // All figures of a step come from the device at once.
  void record(const Loss& loss, const InjectedPass::LogProbs& now) {
    const at::Tensor figures =
        at::stack({loss.total, loss.nll, loss.kl, loss.decay, now.target_logprob})
            .detach()
            .to(at::kCPU, at::kDouble)
            .contiguous();
    const auto* rows = figures.const_data_ptr<double>();
    const std::size_t count = running_.size();
    for (std::size_t i = 0; i < count; ++i) {
      ValueResult& result = results_[running_[i]];
      const ValueStep step{rows[i], rows[count + i], rows[2 * count + i], rows[3 * count + i],
                           rows[4 * count + i]};
      check_finite(step, problems_[running_[i]], result.steps.size());
      result.steps.push_back(step);
      if (!options_.best_iterate || step.loss >= best_loss_[running_[i]]) continue;
      best_loss_[running_[i]] = step.loss;
      result.delta = deltas_[static_cast<std::int64_t>(i)].detach().cpu().clone();
    }
  }

  void finish(std::size_t place, const at::Tensor& deltas, const at::Tensor& clamped) {
    ValueResult& result = results_[running_[place]];
    const auto row = static_cast<std::int64_t>(place);
    if (!result.delta.defined()) result.delta = deltas[row].clone();
    result.clamp_active = clamped[row].item<bool>();
  }

  void finish_all() {
    const at::Tensor deltas = deltas_.detach().cpu();
    const at::Tensor clamped = clamped_.cpu();
    for (std::size_t i = 0; i < running_.size(); ++i) finish(i, deltas, clamped);
  }

  // Lets the finished problems leave, and updates the others.
  bool go_on_with(const std::vector<std::int64_t>& going, const at::Tensor& gradient) {
    const at::Tensor deltas = deltas_.cpu();
    const at::Tensor clamped = clamped_.cpu();
    std::vector<std::size_t> left;
    std::size_t next = 0;
    for (std::size_t i = 0; i < running_.size(); ++i) {
      if (next < going.size() && going[next] == static_cast<std::int64_t>(i)) {
        left.push_back(running_[i]);
        ++next;
      } else {
        finish(i, deltas, clamped);
      }
    }
    running_ = std::move(left);
    const at::Tensor rows = at::tensor(going, at::kLong).to(deltas_.device());
    for (at::Tensor* kept : {&deltas_, &initial_norms_, &clamped_, &essence_before_}) {
      *kept = kept->index_select(0, rows);
    }
    adam_.keep_rows(rows);
    pass_.keep(going);
    update_deltas(gradient.index_select(0, rows));
    return true;
  }

  // Adam, then the projection onto the ball of radius clamp_norm_factor * |v0|.
  void update_deltas(const at::Tensor& gradient) {
    adam_.step(deltas_, gradient);
    const at::Tensor norms = deltas_.norm(2, 1, /*keepdim=*/true);
    const at::Tensor limits = initial_norms_ * options_.clamp_norm_factor;
    clamped_ = norms > limits;
    deltas_.mul_(at::where(clamped_, limits / norms, at::ones_like(norms)));
  }

  std::span<const ValueProblem> problems_;
  const ValueOptions& options_;
  InjectedPass pass_;
  at::Tensor initial_norms_;  // [E, 1]
  at::Tensor rates_;          // [all, 1]
  Adam adam_;
  at::Tensor deltas_;                 // [E, d] float32
  at::Tensor essence_before_;         // [E, vocab]
  at::Tensor clamped_;                // [E, 1] bool: the last update was rescaled
  std::vector<std::size_t> running_;  // [E] places in problems_
  std::vector<double> best_loss_;
  std::vector<ValueResult> results_;
};

std::vector<ValueResult> run_batch(const EditedModel& model, std::span<const ValueProblem> problems,
                                   const ValueOptions& options, std::int64_t done_before,
                                   std::int64_t all, const RunContext& run) {
  const c10::AutoGradMode with_grad(true);
  ValueBatch batch(model, problems, options);
  for (std::int64_t it = 0; it < options.num_grad_steps; ++it) {
    if (run.should_stop()) throw Interrupted("optimising the value was interrupted");
    const bool goes_on = batch.step(it + 1 == options.num_grad_steps);
    if (all == 1) {
      run.report(
          {"value", it + 1, options.num_grad_steps, fmt::format("loss {:.3f}", batch.mean_loss())});
    } else {
      const auto left = goes_on ? static_cast<std::int64_t>(batch.running()) : 0;
      run.report({"values", done_before + std::ssize(problems) - left, all,
                  fmt::format("step {}, mean loss {:.3f}", it + 1, batch.mean_loss())});
    }
    if (!goes_on) break;
  }
  return std::move(batch).results();
}

/// Tokens of a batch from which on a CPU's products gain no more, and leave its caches.
constexpr std::int64_t kEnoughTokens = 1024;

/// Places of the problems by tail length, cut into batches whose step fits the memory: rows of a
/// batch are padded to its longest tail.
std::vector<std::vector<std::size_t>> batches_of(const EditedModel& model,
                                                 const std::vector<ValueProblem>& problems,
                                                 const ValueOptions& options) {
  const bool on_cpu = model.weights().token_embedding.device().is_cpu();
  const std::int64_t memory_bytes = value_memory(options, model);
  const std::int64_t most_tokens = on_cpu && options.memory_bytes == 0
                                       ? kEnoughTokens
                                       : std::numeric_limits<std::int64_t>::max();
  std::vector<std::size_t> order(problems.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return problems[a].tail_length() < problems[b].tail_length();
  });
  const auto element = static_cast<std::int64_t>(model.weights().token_embedding.element_size());
  std::vector<std::vector<std::size_t>> batches;
  std::int64_t used = 0, tokens = 0;
  for (const std::size_t place : order) {
    const ValueProblem& problem = problems[place];
    const std::int64_t more = value_step_bytes(model.architecture(), problem, element);
    const std::int64_t its_tokens = problem.row_count() * problem.tail_length();
    if (batches.empty() || used + more > memory_bytes || tokens + its_tokens > most_tokens) {
      batches.emplace_back();
      used = tokens = 0;
    }
    batches.back().push_back(place);
    used += more;
    tokens += its_tokens;
  }
  return batches;
}

}  // namespace

std::int64_t value_memory(const ValueOptions& options, const EditedModel& model) {
  if (options.memory_bytes > 0) return options.memory_bytes;
  const bool on_gpu = model.weights().token_embedding.device().is_cuda();
  return std::int64_t{on_gpu ? 4 : 1} << 30;
}

std::int64_t value_step_bytes(const Architecture& architecture, const ValueProblem& problem,
                              std::int64_t element_bytes) {
  const Architecture& a = architecture;
  std::int64_t labels = 1;
  for (const FactRows& fact : problem.facts) {
    labels += std::ssize(fact.rows) * std::ssize(fact.target);
  }
  // Of a block, for each token: norms, queries, keys, values, their rotations, what attention
  // mixes, residuals; the MLP's inner activations before and after their function (measured: within
  // a quarter). For each row: keys and values of its whole text, joined.
  const std::int64_t above = a.layers - 1 - problem.layer;
  const std::int64_t token_bytes = above * (28 * a.hidden + 8 * a.intermediate) * element_bytes;
  const std::int64_t column_bytes = above * 2 * a.kv_heads * a.head_dim * element_bytes;
  std::int64_t columns = 0;
  for (const FactRows& fact : problem.facts) {
    for (const LocatedText& row : fact.rows) columns += std::ssize(row.ids);
  }
  const std::int64_t logit_bytes = a.vocab * (element_bytes + 3 * std::int64_t{sizeof(float)});
  return problem.row_count() * problem.tail_length() * token_bytes + columns * column_bytes +
         labels * logit_bytes;
}

std::vector<ValueResult> optimise_values(const EditedModel& model,
                                         const std::vector<ValueProblem>& problems,
                                         const ValueOptions& options, const RunContext& run) {
  for (const ValueProblem& problem : problems) check_not_blind(model, problem, options, run);
  std::vector<ValueResult> results(problems.size());
  std::int64_t done = 0;
  for (const auto& places : batches_of(model, problems, options)) {
    std::vector<ValueProblem> batch;
    for (const std::size_t place : places) batch.push_back(problems[place]);
    auto found = run_batch(model, batch, options, done, std::ssize(problems), run);
    for (std::size_t i = 0; i < places.size(); ++i) results[places[i]] = std::move(found[i]);
    done += std::ssize(places);
  }
  return results;
}

ValueResult optimise_value(const EditedModel& model, const ValueProblem& problem,
                           const ValueOptions& options, const RunContext& run) {
  return optimise_values(model, {problem}, options, run).front();
}

}  // namespace kedit::locate

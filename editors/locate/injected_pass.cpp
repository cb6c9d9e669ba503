#include "editors/locate/injected_pass.hpp"

#include "editors/locate/keys.hpp"
#include "model/decoder/layers.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>

namespace kedit::locate {
namespace {

// All rows, problem by problem: those of its facts, then its KL row where no other row holds it.
std::vector<LocatedText> rows_of(std::span<const ValueProblem> problems) {
  std::vector<LocatedText> rows;
  for (const ValueProblem& problem : problems) {
    for (const FactRows& fact : problem.facts) {
      rows.insert(rows.end(), fact.rows.begin(), fact.rows.end());
    }
    if (problem.essence_in_row() < 0) rows.push_back(problem.essence);
  }
  return rows;
}

// [R, width] int64: begin[row] + 0, 1, ..., width - 1.
at::Tensor windows(const std::vector<std::int64_t>& begin, std::int64_t width,
                   const at::Device& device) {
  const at::Tensor first = at::tensor(begin, at::kLong).unsqueeze(1);
  return (first + at::arange(width, at::kLong)).to(device);
}

// x [R, seq, width] at columns [R, n], which are clamped into the row.
at::Tensor columns_of(const at::Tensor& x, const at::Tensor& columns) {
  const at::Tensor inside = columns.clamp(0, x.size(1) - 1).unsqueeze(2);
  return x.gather(1, inside.expand({-1, -1, x.size(2)}));
}

void keep_rows(at::Tensor& tensor, const at::Tensor& rows) {
  if (tensor.defined()) tensor = tensor.index_select(0, rows);
}

}  // namespace

struct InjectedPass::Boundary {
  at::Tensor hidden;               // [R, seq, d] output of the injected block
  at::Tensor mlp_value, residual;  // [R, seq, d], only where the family norms outputs
  at::Tensor initial;              // [R, d] at the fact tokens of all rows
};

InjectedPass::InjectedPass(const EditedModel& model, std::span<const ValueProblem> problems)
    : model_(model), problems_(problems), layer_(problems.front().layer) {
  const c10::NoGradGuard no_grad;
  active_ = row_numbers(problems.size());
  for (std::size_t e = 0; e < problems.size(); ++e) {
    const auto rows = static_cast<std::size_t>(problems[e].row_count());
    owner_.insert(owner_.end(), rows, static_cast<std::int64_t>(e));
  }
  const std::vector<LocatedText> rows = rows_of(problems);
  const at::Tensor ids = padded_batch(model, rows);
  text_length_ = ids.size(1);
  const Boundary boundary = run_lower_layers(ids, rows);
  cut_tails(boundary, rows);
  run_prefixes(boundary.hidden, rows);
  place_labels();
}

InjectedPass::Boundary InjectedPass::run_lower_layers(const at::Tensor& ids,
                                                      const std::vector<LocatedText>& rows) {
  const auto kept = [](at::Tensor* out) {
    return [out](const at::Tensor& activation) { return *out = activation; };
  };
  Boundary boundary;
  Taps taps;
  taps.add(layer_, problems_.front().site,
           read_at(row_numbers(rows.size()), positions_of(rows), &boundary.initial))
      .stop_after(layer_);
  if (norms_output()) {
    taps.add(layer_, Site::mlp_value, kept(&boundary.mlp_value))
        .add(layer_, Site::resid_mid, kept(&boundary.residual));
  }
  ForwardInput input;
  input.ids = ids;
  input.want_logits = false;
  boundary.hidden = model_.forward(input, nullptr, &taps).hidden;
  return boundary;
}

// Every tail begins with its row's fact token, so delta goes into column 0 of all of them.
void InjectedPass::cut_tails(const Boundary& boundary, const std::vector<LocatedText>& rows) {
  std::int64_t longest = 0;
  for (const ValueProblem& problem : problems_) longest = std::max(longest, problem.tail_length());
  const at::Tensor columns = windows(positions_of(rows), longest, boundary.hidden.device());
  tail_ = columns_of(boundary.hidden, columns);
  if (norms_output()) {
    mlp_value_ = columns_of(boundary.mlp_value, columns);
    residual_ = columns_of(boundary.residual, columns);
  }
  positions_ = columns.clamp_max(text_length_ - 1);
  std::vector<std::int64_t> first_rows;
  for (std::int64_t row = 0; row < std::ssize(owner_); ++row) {
    const auto place = static_cast<std::size_t>(row);
    if (row == 0 || owner_[place] != owner_[place - 1]) first_rows.push_back(row);
  }
  initial_values_ =
      boundary.initial.index_select(0, at::tensor(first_rows, at::kLong).to(columns.device()))
          .to(at::kFloat);
}

// Keys and values of the tokens before the fact tokens in the layers above, right-aligned: column
// P - 1 stands directly before every tail.
void InjectedPass::run_prefixes(const at::Tensor& boundary, const std::vector<LocatedText>& rows) {
  std::vector<std::int64_t> begin = positions_of(rows);
  const std::int64_t longest = *std::max_element(begin.begin(), begin.end());
  if (longest == 0 || layer_ + 1 == model_.architecture().layers) return;
  for (std::int64_t& first : begin) first -= longest;
  const at::Tensor columns = windows(begin, longest, boundary.device());
  ForwardInput input;
  input.start_layer = layer_ + 1;
  input.start_hidden = columns_of(boundary, columns);
  input.positions = columns.clamp_min(0);
  input.key_mask = columns >= 0;
  input.text_length = text_length_;
  input.want_logits = false;
  model_.forward(input, &prefix_);
  // Padding behind a tail comes after all that is scored, so that it needs no mask.
  key_mask_ = at::cat({input.key_mask, at::ones_like(positions_, at::kBool)}, 1);
}

void InjectedPass::place_labels() {
  const std::int64_t width = tail_.size(1);
  std::vector<std::int64_t> wanted, labels, essences;
  std::vector<std::vector<float>> weights(active_.size()), first(active_.size());
  std::int64_t row = 0;
  for (std::size_t e = 0; e < active_.size(); ++e) {
    const ValueProblem& problem = problems_[static_cast<std::size_t>(active_[e])];
    const std::int64_t first_of_problem = row;
    for (const FactRows& fact : problem.facts) {
      const auto terms = problem.facts.size() * fact.rows.size() * fact.target.size();
      for (std::size_t r = 0; r < fact.rows.size(); ++r, ++row) {
        const std::int64_t column = fact.first_label(r) - fact.rows[r].position;
        const bool is_first = r == 0 && &fact == &problem.facts.front();
        for (std::size_t i = 0; i < fact.target.size(); ++i) {
          weights[e].resize(labels.size(), 0.0F);
          first[e].resize(labels.size(), 0.0F);
          wanted.push_back(row * width + column + static_cast<std::int64_t>(i));
          labels.push_back(fact.target[i]);
          weights[e].push_back(1.0F / static_cast<float>(terms));
          first[e].push_back(is_first ? 1.0F : 0.0F);
        }
      }
    }
    const std::int64_t within = problem.essence_in_row();
    essences.push_back((within < 0 ? row++ : first_of_problem + within) * width);
  }
  wanted.insert(wanted.end(), essences.begin(), essences.end());
  const auto device = tail_.device();
  const auto matrix = [&](std::vector<std::vector<float>>& rows) {
    std::vector<at::Tensor> tensors;
    for (auto& one : rows) {
      one.resize(labels.size(), 0.0F);
      tensors.push_back(at::tensor(one, at::kFloat));
    }
    return at::stack(tensors).to(device);
  };
  logit_positions_ = at::tensor(wanted, at::kLong).to(device);
  labels_ = at::tensor(labels, at::kLong).unsqueeze(1).to(device);
  nll_weights_ = matrix(weights);
  first_row_ = matrix(first);
  const at::Tensor owners = at::tensor(owner_, at::kLong).to(device);
  spread_ = at::one_hot(owners, static_cast<std::int64_t>(active_.size())).to(at::kFloat);
}

void InjectedPass::keep(const std::vector<std::int64_t>& problems) {
  const c10::NoGradGuard no_grad;
  std::vector<std::int64_t> rows, owner, active;
  for (const std::int64_t kept : problems) {
    for (std::int64_t row = 0; row < std::ssize(owner_); ++row) {
      if (owner_[static_cast<std::size_t>(row)] != kept) continue;
      rows.push_back(row);
      owner.push_back(std::ssize(active));
    }
    active.push_back(active_[static_cast<std::size_t>(kept)]);
  }
  owner_ = std::move(owner);
  active_ = std::move(active);
  const at::Tensor chosen = at::tensor(rows, at::kLong).to(tail_.device());
  for (at::Tensor* tensor : {&tail_, &mlp_value_, &residual_, &positions_, &key_mask_}) {
    keep_rows(*tensor, chosen);
  }
  keep_rows(initial_values_, at::tensor(problems, at::kLong).to(tail_.device()));
  if (key_mask_.defined()) prefix_ = prefix_.select_rows(chosen);
  place_labels();
}

const Norm& InjectedPass::output_norm() const {
  return model_.weights().layers[static_cast<std::size_t>(layer_)].mlp_output_norm;
}

// A change of the block's output joins after all norms.
bool InjectedPass::norms_output() const {
  return problems_.front().site == Site::mlp_value && output_norm().weight.defined();
}

// The output of the injected block for the tails, with each problem's delta at its fact tokens.
at::Tensor InjectedPass::block_output(const at::Tensor& deltas) const {
  const at::Tensor change =
      at::constant_pad_nd(spread_.matmul(deltas).unsqueeze(1), {0, 0, 0, tail_.size(1) - 1});
  const auto added = [&](const at::Tensor& to) { return (to + change).to(to.scalar_type()); };
  // Most families: the block's output is what came before plus the MLP's output.
  if (!norms_output()) return added(tail_);
  const Architecture& a = model_.architecture();
  return decoder::join_residual(a, output_norm(), residual_,
                                decoder::branch_output(a, output_norm(), added(mlp_value_)));
}

InjectedPass::LogProbs InjectedPass::log_probs(const at::Tensor& deltas) const {
  ForwardInput input;
  input.start_layer = layer_ + 1;
  input.start_hidden = block_output(deltas);
  input.positions = positions_;
  input.key_mask = key_mask_;
  input.text_length = text_length_;
  input.logit_positions = logit_positions_;
  KvCache cache = prefix_;
  const at::Tensor logits =
      model_.forward(input, key_mask_.defined() ? &cache : nullptr).logits.to(at::kFloat);

  const std::int64_t scored = labels_.size(0);
  const at::Tensor at_labels = logits.narrow(0, 0, scored);
  const at::Tensor token_logprob = at_labels.gather(1, labels_).squeeze(1) - at_labels.logsumexp(1);
  return {-nll_weights_.mv(token_logprob), first_row_.mv(token_logprob.detach()),
          logits.narrow(0, scored, logits.size(0) - scored).log_softmax(-1)};
}

}  // namespace kedit::locate

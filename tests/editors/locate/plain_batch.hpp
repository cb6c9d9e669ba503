#pragma once

#include "editors/locate/keys.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/editors/locate/plain_value_optimiser.hpp"

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <vector>

namespace kedit::test {

/// MEMIT's and AlphaEdit's algorithm as their papers write it down, in float64 where they compute
/// by hand: every text by itself through the whole model, every layer with a dense system. Slow and
/// plain; what the editors are compared with.
struct PlainBatch {
  EditedModel model;
  std::vector<EditRequest> requests;
  std::vector<std::string> templates;
  std::vector<std::int64_t> layers;
  locate::ValueOptions value;

  /// keys: K [m, n], residuals: R [d, n] -> the change [d, m] of a layer.
  using Solve = std::function<at::Tensor(std::int64_t layer, const at::Tensor& keys,
                                         const at::Tensor& residuals)>;

  /// The change [d, m] of each layer, in order; `model` has them mounted afterwards.
  std::vector<at::Tensor> run(const Solve& solve) {
    const at::Tensor z = wanted();
    std::vector<at::Tensor> changes;
    for (std::size_t a = 0; a < layers.size(); ++a) {
      const at::Tensor residuals =
          (z - read(layers.back(), Site::resid_post, {templates.front()})) /
          static_cast<double>(layers.size() - a);
      changes.push_back(solve(layers[a], keys(layers[a]), residuals));
      mount(layers[a], changes.back());
    }
    return changes;
  }

  /// [m, n] float64: half the bare prompt's key, half the mean of the others'.
  at::Tensor keys(std::int64_t layer) const {
    const at::Tensor bare = read(layer, Site::mlp_key, {templates.front()});
    const std::vector<std::string> others(templates.begin() + 1, templates.end());
    return 0.5 * bare + 0.5 * read(layer, Site::mlp_key, others);
  }

 private:
  at::Tensor wanted() const {
    std::vector<at::Tensor> columns;
    for (const EditRequest& request : requests) {
      PlainOptimiser plain{model, layers.back(), value, Site::resid_post, {}, {}, {}};
      plain.tokenize(request, templates);
      const locate::ValueResult found = plain.run();
      columns.push_back((found.initial + found.delta).to(at::kDouble));
    }
    return at::stack(columns, 1);
  }

  // [width, n]: mean over the contexts.
  at::Tensor read(std::int64_t layer, Site site, const std::vector<std::string>& contexts) const {
    std::vector<at::Tensor> columns;
    for (const EditRequest& request : requests) {
      at::Tensor sum;
      for (const std::string& context : contexts) {
        const at::Tensor one = read_one(layer, site, request, context);
        sum = sum.defined() ? sum + one : one;
      }
      columns.push_back(sum / static_cast<double>(contexts.size()));
    }
    return at::stack(columns, 1);
  }

  at::Tensor read_one(std::int64_t layer, Site site, const EditRequest& request,
                      std::string text) const {
    text.replace(text.rfind("{}"), 2, request.prompt);
    const std::size_t slot = text.rfind("{}");
    const auto last = std::ssize(model.tokenizer().ids(text.substr(0, slot) + request.subject)) - 1;
    text.replace(slot, 2, request.subject);
    at::Tensor found;
    Taps taps;
    taps.add(layer, site, read_at({0}, {last}, &found));
    ForwardInput input;
    input.ids = locate::padded_batch(model, {{model.tokenizer().ids(text), last}});
    model.forward(input, nullptr, &taps);
    return found.select(0, 0).to(at::kDouble);
  }

  void mount(std::int64_t layer, const at::Tensor& change) {
    const Architecture& a = model.architecture();
    const at::Tensor stored = a.orientation == Orientation::in_out ? change.t() : change;
    EditDelta delta;
    delta.editor = "plain";
    delta.base_fingerprint = model.base().fingerprint();
    delta.updates.push_back(
        {weight_name(a.names.down, layer), Dense{stored.to(at::kFloat).contiguous()}});
    model.mount("layer " + std::to_string(layer), delta);
  }
};

/// The change of a layer [d, m] in float64, whichever way the checkpoint stores it.
inline at::Tensor change_of(const EditedModel& model, const WeightUpdate& update) {
  const auto& factors = std::get<LowRank>(update.update);
  const at::Tensor stored = factors.left.to(at::kDouble).matmul(factors.right.to(at::kDouble));
  return model.architecture().orientation == Orientation::in_out ? stored.t() : stored;
}

}  // namespace kedit::test

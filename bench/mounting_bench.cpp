// Mounting 10,000 rank-one edits of one weight at once, beside a plain copy of that weight in the
// same run. Of a hundred of them the result is compared with mounting one by one before a time
// counts.
//
//   kedit_bench_mounting [THREADS] [EDITS]      default: 1, 10000
#include "model/decoder/weight_slots.hpp"
#include "model/edited_model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace kedit;
using Edits = std::vector<std::pair<EditId, EditDelta>>;

std::shared_ptr<const Model> a_model() {
  const Json config = {{"model_type", "llama"},      {"hidden_size", 768},
                       {"intermediate_size", 3072},  {"num_hidden_layers", 1},
                       {"num_attention_heads", 12},  {"vocab_size", 64},
                       {"tie_word_embeddings", true}};
  const Architecture architecture = architecture_from_config(config, "the benchmark");
  DecoderWeights weights;
  for (const decoder::WeightSlot& slot : decoder::weight_slots(architecture, weights)) {
    *slot.tensor = at::randn(slot.shape) * 0.02;
  }
  weights.head = weights.token_embedding;
  return Model::from_weights(architecture, weights, nullptr);
}

Edits rank_one_edits(const Model& model, const std::string& name, int count) {
  const at::Tensor weight = model.weight(name);
  Edits edits;
  for (int i = 0; i < count; ++i) {
    EditDelta delta;
    delta.editor = "benchmark";
    delta.base_fingerprint = model.fingerprint();
    delta.updates.push_back({name, LowRank{at::randn({weight.size(0), 1}) * 1e-3,
                                           at::randn({1, weight.size(1)}) * 1e-3}});
    edits.emplace_back(std::to_string(i), std::move(delta));
  }
  return edits;
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

bool same_as_one_by_one(const std::shared_ptr<const Model>& base, const std::string& name,
                        const Edits& edits) {
  EditedModel at_once(base), one_by_one(base);
  const Edits some(edits.begin(), edits.begin() + std::min<std::ptrdiff_t>(100, std::ssize(edits)));
  at_once.mount(some);
  for (const auto& [id, delta] : some) one_by_one.mount(id, delta);
  return at::equal(at_once.weight(name), one_by_one.weight(name));
}

}  // namespace

int main(int count, char** words) {
  at::set_num_threads(count > 1 ? std::max(1, std::atoi(words[1])) : 1);
  const int wanted = count > 2 ? std::max(1, std::atoi(words[2])) : 10000;
  const auto base = a_model();
  const std::string name = weight_name(base->architecture().names.down, 0);
  const Edits edits = rank_one_edits(*base, name, wanted);
  if (!same_as_one_by_one(base, name, edits)) {
    fmt::print(stderr, "the weight is not that of mounting one by one: no time counts\n");
    return EXIT_FAILURE;
  }
  const at::Tensor weight = base->weight(name);
  at::Tensor copy = at::empty_like(weight);
  const double copying = best_seconds(7, [&] { copy.copy_(weight); });
  std::int64_t terms = 0;
  const double mounting = best_seconds(3, [&] {
    EditedModel model(base);
    terms = model.mount(edits).terms;
  });
  fmt::print(
      "[{}, {}] float32, {} threads: {} rank-one edits at once, {} terms: {:.3f} s, {:.2f} us an "
      "edit; a copy of the weight: {:.3f} ms; {:.2f} copies an edit\n",
      weight.size(0), weight.size(1), at::get_num_threads(), wanted, terms, mounting,
      1e6 * mounting / wanted, 1e3 * copying, mounting / wanted / copying);
  return EXIT_SUCCESS;
}

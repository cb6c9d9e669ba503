#include "editors/locate/subject_sweep.hpp"

#include "editors/locate/keys.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace kedit::locate {
namespace {

constexpr std::int64_t kChunkTokens = 2048;  // padded: large enough for full-speed products

}  // namespace

SubjectSweep::SubjectSweep(const EditedModel& model, std::vector<LocatedText> texts,
                           std::int64_t memory_bytes)
    : texts_(std::move(texts)) {
  std::vector<std::int64_t> order = row_numbers(texts_.size());
  const auto length = [&](std::int64_t place) {
    return std::ssize(texts_[static_cast<std::size_t>(place)].ids);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return length(a) < length(b); });
  std::int64_t tokens = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    Chunk chunk;
    std::vector<LocatedText> rows;
    while (begin < order.size() &&
           (rows.empty() || (std::ssize(rows) + 1) * length(order[begin]) <= kChunkTokens)) {
      rows.push_back(texts_[static_cast<std::size_t>(order[begin])]);
      chunk.places.push_back(order[begin++]);
    }
    chunk.ids = padded_batch(model, rows);
    tokens += chunk.ids.numel();
    chunks_.push_back(std::move(chunk));
  }
  const auto element = static_cast<std::int64_t>(model.weights().token_embedding.element_size());
  keeps_inputs_ = tokens * model.architecture().hidden * element <= memory_bytes;
}

at::Tensor SubjectSweep::read_chunk(const EditedModel& model, Chunk& chunk, std::int64_t changed,
                                    std::int64_t layer, Site site) {
  std::vector<std::int64_t> positions;
  for (const std::int64_t place : chunk.places) {
    positions.push_back(texts_[static_cast<std::size_t>(place)].position);
  }
  at::Tensor found;
  Taps taps;
  taps.add(layer, site, read_at(row_numbers(positions.size()), positions, &found))
      .stop_after(layer);
  at::Tensor input_of_changed;
  if (keeps_inputs_) {
    taps.add(changed, Site::resid_pre,
             [&](const at::Tensor& activation) { return input_of_changed = activation; });
  }
  ForwardInput input;
  input.ids = chunk.ids;
  input.want_logits = false;
  if (chunk.input.defined()) {
    input.start_layer = layer_;
    input.start_hidden = chunk.input;
  }
  model.forward(input, nullptr, &taps);
  chunk.input = input_of_changed;
  return found.to(at::kFloat);
}

at::Tensor SubjectSweep::read(const EditedModel& model, std::int64_t changed, std::int64_t layer,
                              Site site) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  std::vector<std::int64_t> places;
  for (Chunk& chunk : chunks_) {
    parts.push_back(read_chunk(model, chunk, changed, layer, site));
    places.insert(places.end(), chunk.places.begin(), chunk.places.end());
  }
  layer_ = changed;
  const at::Tensor sorted = at::cat(parts);
  return at::empty_like(sorted).index_copy_(0, at::tensor(places, at::kLong).to(sorted.device()),
                                            sorted);
}

}  // namespace kedit::locate

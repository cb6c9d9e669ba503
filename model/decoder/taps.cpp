#include "model/decoder/decoder.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <utility>

namespace kedit {
namespace {

// Index tensors for (row, position) pairs, checked against the activation they are used on.
std::pair<at::Tensor, at::Tensor> place_indices(const std::vector<std::int64_t>& rows,
                                                const std::vector<std::int64_t>& positions,
                                                const at::Tensor& activation) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool inside = rows[i] >= 0 && rows[i] < activation.size(0) && positions[i] >= 0 &&
                        positions[i] < activation.size(1);
    if (!inside) {
      throw ModelError(
          fmt::format("running a tap: expected a place inside [{} rows, {} positions], found row "
                      "{}, position {}",
                      activation.size(0), activation.size(1), rows[i], positions[i]));
    }
  }
  const auto device = activation.device();
  return {at::tensor(rows, at::kLong).to(device), at::tensor(positions, at::kLong).to(device)};
}

void check_pairs(const std::vector<std::int64_t>& rows,
                 const std::vector<std::int64_t>& positions) {
  if (rows.size() != positions.size()) {
    throw ModelError(
        fmt::format("making a tap: expected one position per row, found {} rows and {}",
                    rows.size(), positions.size()));
  }
}

}  // namespace

Taps& Taps::add(std::int64_t layer, Site site, TapFunction function) {
  taps_.push_back({layer, site, std::move(function)});
  return *this;
}

at::Tensor Taps::apply(std::int64_t layer, Site site, at::Tensor activation) const {
  for (const auto& entry : taps_) {
    if (entry.layer == layer && entry.site == site) activation = entry.function(activation);
  }
  return activation;
}

TapFunction read_at(std::vector<std::int64_t> rows, std::vector<std::int64_t> positions,
                    at::Tensor* out) {
  check_pairs(rows, positions);
  return [rows = std::move(rows), positions = std::move(positions),
          out](const at::Tensor& activation) {
    const auto [row, position] = place_indices(rows, positions, activation);
    *out = activation.index({row, position});
    return activation;
  };
}

TapFunction add_at(std::vector<std::int64_t> rows, std::vector<std::int64_t> positions,
                   at::Tensor delta) {
  check_pairs(rows, positions);
  return [rows = std::move(rows), positions = std::move(positions),
          delta = std::move(delta)](const at::Tensor& activation) {
    const auto [row, position] = place_indices(rows, positions, activation);
    const at::Tensor added =
        delta.to(activation.scalar_type())
            .expand({static_cast<std::int64_t>(rows.size()), activation.size(2)});
    return activation.index_put({row, position}, added, /*accumulate=*/true);
  };
}

}  // namespace kedit

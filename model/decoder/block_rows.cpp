#include "model/decoder/block_rows.hpp"

#include "kernels/block_rows.hpp"
#include "model/decoder/in_threads.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstring>

namespace kedit::decoder {
namespace {

constexpr std::int64_t kTaskValues = 16 * 1024;  // values that are worth a thread's waking up

// Parts of `count` pieces of `width` values each.
std::int64_t grain_of(std::int64_t width) {
  return std::max<std::int64_t>(1, kTaskValues / std::max<std::int64_t>(1, width));
}

bool is_float_on_cpu(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.device().is_cpu();
}

bool is_row_input(const at::Tensor& tensor) {
  return is_float_on_cpu(tensor) && tensor.is_contiguous();
}

// [seq, rotated] or [batch, 1, seq, rotated]: the step from one row of a batch to the next.
std::int64_t batch_step(const at::Tensor& table) {
  return table.dim() == 4 && table.size(0) > 1 ? table.stride(0) : 0;
}

}  // namespace

at::Tensor rms_norm_rows(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                         bool adds_one) {
  const bool applies = !at::GradMode::is_enabled() && is_row_input(x) && is_row_input(weight) &&
                       weight.dim() == 1 && x.dim() >= 1 && x.size(-1) == weight.size(0) &&
                       x.numel() > 0;
  if (!applies) return {};
  at::Tensor y = at::empty(x.sizes(), x.options());
  const std::int64_t width = x.size(-1);
  const kernels::RmsNorm norm = {weight.const_data_ptr<float>(), width, static_cast<float>(epsilon),
                                 adds_one ? 1.0F : 0.0F};
  const float* from = x.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  in_threads(x.numel() / width, grain_of(width), [&](std::int64_t first, std::int64_t last) {
    kernels::rms_norm_rows(norm, from + first * width, last - first, to + first * width);
  });
  return y;
}

at::Tensor silu_products(const at::Tensor& gate, const at::Tensor& up) {
  const bool applies = !at::GradMode::is_enabled() && is_row_input(gate) && is_row_input(up) &&
                       gate.sizes() == up.sizes();
  if (!applies) return {};
  at::Tensor y = at::empty(gate.sizes(), gate.options());
  const float* gates = gate.const_data_ptr<float>();
  const float* ups = up.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  in_threads(gate.numel(), kTaskValues, [&](std::int64_t first, std::int64_t last) {
    kernels::silu_products(gates + first, ups + first, last - first, to + first);
  });
  return y;
}

bool rotate_rows(const Architecture& architecture, const RotaryTables& tables,
                 const at::Tensor& x) {
  const bool applies = !at::GradMode::is_enabled() && is_float_on_cpu(x) &&
                       is_float_on_cpu(tables.cosine) && is_float_on_cpu(tables.sine) &&
                       tables.cosine.is_contiguous() && tables.sine.is_contiguous() &&
                       x.dim() == 4 && x.stride(3) == 1 && x.stride(2) == x.size(3);
  if (!applies) return false;
  const kernels::Rotation rotation = {x.size(2), x.size(3), architecture.rotated(),
                                      architecture.rotary_interleaved};
  const std::int64_t seq = x.size(1), step = batch_step(tables.cosine);
  const float* cosine = tables.cosine.const_data_ptr<float>();
  const float* sine = tables.sine.const_data_ptr<float>();
  auto* heads = x.mutable_data_ptr<float>();
  in_threads(x.size(0) * seq, grain_of(x.size(2) * x.size(3)),
             [&](std::int64_t first, std::int64_t last) {
               for (std::int64_t i = first; i < last; ++i) {
                 const std::int64_t row = i / seq, position = i % seq;
                 const std::int64_t angle = row * step + position * rotation.rotated;
                 kernels::rotate_heads(rotation, cosine + angle, sine + angle,
                                       heads + row * x.stride(0) + position * x.stride(1));
               }
             });
  return true;
}

bool copy_columns(const at::Tensor& buffer, std::int64_t column, const at::Tensor& fresh) {
  const bool applies = !at::GradMode::is_enabled() && is_float_on_cpu(buffer) &&
                       is_float_on_cpu(fresh) && buffer.stride(3) == 1 && fresh.stride(3) == 1;
  if (!applies) return false;
  const std::int64_t heads = fresh.size(1), count = fresh.size(2), width = fresh.size(3);
  const float* from = fresh.const_data_ptr<float>();
  auto* to = buffer.mutable_data_ptr<float>();
  const auto bytes = static_cast<std::size_t>(width) * sizeof(float);
  in_threads(
      fresh.size(0) * heads, grain_of(count * width), [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
          const std::int64_t row = i / heads, head = i % heads;
          const float* source = from + row * fresh.stride(0) + head * fresh.stride(1);
          float* target =
              to + row * buffer.stride(0) + head * buffer.stride(1) + column * buffer.stride(2);
          for (std::int64_t c = 0; c < count; ++c) {
            std::memcpy(target + c * buffer.stride(2), source + c * fresh.stride(2), bytes);
          }
        }
      });
  return true;
}

}  // namespace kedit::decoder

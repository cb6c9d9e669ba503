#include "edits/delta.hpp"
#include "kernels/low_rank_update.hpp"
#include "tests/properties/property.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <cstring>
#include <vector>

using namespace kedit;

namespace {

at::Tensor any_matrix(std::int64_t rows, std::int64_t cols) {
  const auto count = static_cast<std::size_t>(rows * cols);
  const auto values = *rc::gen::container<std::vector<int>>(count, rc::gen::inRange(-4096, 4097));
  return at::tensor(values).reshape({rows, cols}).to(at::kFloat) / 512.0;
}

std::int64_t any_size() { return *rc::gen::inRange<std::int64_t>(1, 9); }

WeightUpdate any_update() {
  const std::int64_t rows = any_size(), cols = any_size();
  const auto name = *rc::gen::nonEmpty(rc::gen::string<std::string>());
  if (*rc::gen::arbitrary<bool>()) return {name, Dense{any_matrix(rows, cols)}};
  const std::int64_t rank = any_size();
  return {name, LowRank{any_matrix(rows, rank), any_matrix(rank, cols)}};
}

std::vector<at::Tensor> tensors_of(const WeightUpdate& update) {
  if (const auto* dense = std::get_if<Dense>(&update.update)) return {dense->change};
  const auto& low_rank = std::get<LowRank>(update.update);
  return {low_rank.left, low_rank.right};
}

at::Tensor updated(const at::Tensor& base, const kernels::UpdateTerm& term) {
  at::Tensor out = at::empty_like(base);
  kernels::low_rank_update(base.const_data_ptr(), out.mutable_data_ptr(),
                           kernels::WeightType::float32, base.size(0), base.size(1), {term});
  return out;
}

}  // namespace

TEST_CASE("decode_update: what was encoded comes back, and encodes to the same bytes") {
  check_property("encode, decode, encode", [] {
    const WeightUpdate update = any_update();
    const std::vector<std::uint8_t> bytes = encode_update(update);
    const WeightUpdate again = decode_update(bytes);
    RC_ASSERT(encode_update(again) == bytes);
    const auto before = tensors_of(update), after = tensors_of(again);
    RC_ASSERT(before.size() == after.size());
    for (std::size_t i = 0; i < before.size(); ++i) RC_ASSERT(at::equal(before[i], after[i]));
  });
}

TEST_CASE("decode_update: a damaged blob is decoded or refused, never worse") {
  check_property("one byte changed or the end cut off", [] {
    std::vector<std::uint8_t> bytes = encode_update(any_update());
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    if (*rc::gen::arbitrary<bool>()) {
      bytes.resize(at);
      RC_ASSERT_THROWS_AS(decode_update(bytes), DeltaError);
      return;
    }
    bytes[at] = *rc::gen::arbitrary<std::uint8_t>();
    try {
      RC_ASSERT(encode_update(decode_update(bytes)) == bytes);
    } catch (const DeltaError&) {
    }
  });
}

TEST_CASE("low_rank_update: factors change a weight as the dense matrix of their product does") {
  check_property("low rank equals dense", [] {
    const std::int64_t rows = any_size(), cols = any_size(), rank = any_size();
    const at::Tensor base = any_matrix(rows, cols);
    const at::Tensor left = any_matrix(rows, rank), right = any_matrix(rank, cols);
    const at::Tensor product = at::mm(left, right).contiguous();
    const at::Tensor low = updated(
        base, {{left.const_data_ptr<float>(), right.const_data_ptr<float>(), rank}, nullptr});
    const at::Tensor dense = updated(base, {{}, product.const_data_ptr<float>()});
    RC_ASSERT((low - dense).abs().max().item<double>() < 1e-3);
    const at::Tensor expected =
        base.to(at::kDouble) + at::mm(left.to(at::kDouble), right.to(at::kDouble));
    RC_ASSERT((low.to(at::kDouble) - expected).abs().max().item<double>() < 1e-3);
  });
}

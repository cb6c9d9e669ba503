#include "model/rebuild.hpp"

#include "kernels/cuda_library.hpp"
#include "kernels/low_rank_update.hpp"
#include "model/model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <fmt/format.h>

#include <array>

namespace kedit {
namespace {

kernels::WeightType weight_type(const std::string& name, c10::ScalarType dtype) {
  switch (dtype) {
    case c10::ScalarType::Float:
      return kernels::WeightType::float32;
    case c10::ScalarType::BFloat16:
      return kernels::WeightType::bfloat16;
    case c10::ScalarType::Half:
      return kernels::WeightType::float16;
    default:
      throw ModelError(
          fmt::format("mounting an edit: weight {}: expected float32, bfloat16 or float16, "
                      "found {}",
                      name, at::toString(dtype)));
  }
}

kernels::UpdateTerm as_term(const WeightUpdate& update) {
  kernels::UpdateTerm term;
  if (const auto* dense = std::get_if<Dense>(&update.update)) {
    term.dense = dense->change.const_data_ptr<float>();
    return term;
  }
  const auto& low_rank = std::get<LowRank>(update.update);
  term.low_rank = {low_rank.left.const_data_ptr<float>(), low_rank.right.const_data_ptr<float>(),
                   update.rank()};
  return term;
}

std::int64_t rows_of(const at::Tensor& weight) { return weight.dim() == 1 ? 1 : weight.size(0); }
std::int64_t cols_of(const at::Tensor& weight) { return weight.size(weight.dim() - 1); }

at::Tensor build_on_cpu(const at::Tensor& base, const WeightBuilder::Updates& updates,
                        kernels::WeightType type) {
  std::vector<kernels::UpdateTerm> terms;
  for (const WeightUpdate* update : updates) terms.push_back(as_term(*update));
  const at::Tensor from = base.cpu().contiguous();
  at::Tensor out = at::empty_like(from);
  kernels::low_rank_update(from.const_data_ptr(), out.mutable_data_ptr(), type, rows_of(from),
                           cols_of(from), terms, at::get_num_threads());
  return out.to(base.device());
}

// kedit's kernels are queued on the default stream, which LibTorch uses unless told otherwise.
bool is_default_stream(c10::Device device) {
  return c10::impl::getDeviceGuardImpl(device.type())->getStream(device).id() == 0;
}

}  // namespace

std::string missing_kernels(c10::Device device) {
  if (!device.is_cuda()) return {};
  const kernels::CudaLibrary& library = kernels::cuda_library();
  if (library.table == nullptr) return library.obstacle;
  std::array<char, 512> why{};
  if (library.table->device_count(why.data(), why.size()) == 0) return why.data();
  return is_default_stream(device) ? "" : "LibTorch works on another stream than the default one";
}

at::Tensor WeightBuilder::build(const std::string& name, const at::Tensor& base,
                                const Updates& updates) {
  const kernels::WeightType type = weight_type(name, base.scalar_type());
  if (!base.is_cuda()) return build_on_cpu(base, updates, type);
  if (missing_kernels(base.device()).empty()) {
    return build_with_kernels(base, upload(name, updates, base.device()), static_cast<int>(type));
  }
  return build_with_engine(name, base, updates);
}

// How many of the segments hold the first of these updates, and of how many updates.
std::size_t WeightBuilder::kept(const Segments& segments, const Updates& updates,
                                std::size_t* taken) {
  std::size_t segment = 0;
  *taken = 0;
  for (; segment < segments.size(); ++segment) {
    std::size_t at = *taken;
    for (const at::Tensor& tensor : segments[segment].from) {
      if (at == updates.size()) return segment;
      const auto* dense = std::get_if<Dense>(&updates[at]->update);
      const at::Tensor& own =
          dense != nullptr ? dense->change : std::get<LowRank>(updates[at]->update).left;
      if (!own.is_same(tensor)) return segment;
      ++at;
    }
    *taken = at;
  }
  return segment;
}

const WeightBuilder::Segments& WeightBuilder::upload(const std::string& name,
                                                     const Updates& updates, c10::Device device) {
  Segments& segments = uploaded_[name];
  std::size_t at = 0;
  segments.resize(kept(segments, updates, &at));
  while (at < updates.size()) {
    Segment segment;
    if (const auto* dense = std::get_if<Dense>(&updates[at]->update)) {
      segment.from = {dense->change};
      segment.dense = dense->change.to(device);
      segments.push_back(std::move(segment));
      ++at;
      continue;
    }
    std::vector<at::Tensor> rights;
    for (; at < updates.size(); ++at) {
      const auto* low_rank = std::get_if<LowRank>(&updates[at]->update);
      if (low_rank == nullptr) break;
      segment.from.push_back(low_rank->left);
      rights.push_back(low_rank->right);
    }
    segment.left = at::cat(segment.from, 1).to(device);
    segment.right = at::cat(rights, 0).to(device);
    segments.push_back(std::move(segment));
  }
  return segments;
}

at::Tensor WeightBuilder::build_with_kernels(const at::Tensor& base, const Segments& segments,
                                             int type) {
  std::vector<KeditCudaTerm> terms;
  for (const Segment& segment : segments) {
    if (segment.dense.defined()) {
      terms.push_back({nullptr, nullptr, 0, segment.dense.const_data_ptr<float>()});
    } else {
      terms.push_back({segment.left.const_data_ptr<float>(), segment.right.const_data_ptr<float>(),
                       segment.right.size(0), nullptr});
    }
  }
  const at::Tensor from = base.contiguous();
  at::Tensor out = at::empty_like(from);
  KeditCudaUpdate update{};
  update.base = from.const_data_ptr();
  update.out = out.mutable_data_ptr();
  update.type = type;
  update.rows = rows_of(from);
  update.cols = cols_of(from);
  update.terms = terms.data();
  update.term_count = std::ssize(terms);
  update.device = base.device().index();
  const std::int64_t bytes = kernels::cuda_library().table->update_workspace(&update);
  // LibTorch gives this memory away again only to work that is queued after this update.
  at::Tensor workspace = at::empty({bytes}, from.options().dtype(at::kByte));
  update.workspace = workspace.mutable_data_ptr();
  kernels::cuda_low_rank_update(update);
  return out;
}

at::Tensor WeightBuilder::build_with_engine(const std::string& name, const at::Tensor& base,
                                            const Updates& updates) {
  const auto wide = base.options().dtype(at::kFloat);
  at::Tensor sums = at::zeros({rows_of(base), cols_of(base)}, wide);
  for (const Segment& segment : upload(name, updates, base.device())) {
    if (segment.dense.defined()) {
      sums.add_(segment.dense);
      continue;
    }
    for (std::int64_t k = 0; k < segment.right.size(0); ++k) {
      sums.addr_(segment.left.select(1, k), segment.right.select(0, k));
    }
  }
  return (base.to(at::kFloat) + sums.view_as(base)).to(base.scalar_type());
}

}  // namespace kedit

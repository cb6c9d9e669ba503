#include "editors/locate/moment_sums.hpp"

#include "edits/hash.hpp"
#include "edits/progress.hpp"
#include "kernels/cuda_library.hpp"
#include "kernels/second_moment.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "model/rebuild.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

namespace kedit::locate {
namespace {

namespace fs = std::filesystem;

// The rows that are text, one below the other: [keys, m] float32.
at::Tensor text_rows(const at::Tensor& keys, const std::vector<std::int64_t>& lengths) {
  std::vector<at::Tensor> rows;
  for (std::size_t row = 0; row < lengths.size(); ++row) {
    rows.push_back(keys.select(0, static_cast<std::int64_t>(row)).narrow(0, 0, lengths[row]));
  }
  const at::Tensor all = rows.size() == 1 ? rows.front() : at::cat(rows);
  return all.to(at::kFloat).contiguous();
}

std::string tensor_name(std::int64_t layer) { return fmt::format("layer{}", layer); }

}  // namespace

MomentSums::MomentSums(const std::vector<std::int64_t>& layers, std::int64_t width) {
  for (const std::int64_t layer : layers) sums_[layer] = at::zeros({width, width}, at::kDouble);
}

void MomentSums::add(std::int64_t layer, const at::Tensor& keys,
                     const std::vector<std::int64_t>& lengths) {
  const Stopwatch watch;
  const at::Tensor rows = text_rows(keys, lengths);
  at::Tensor& sum = sums_.at(layer);
  if (rows.is_cpu()) {
    kernels::accumulate_second_moment(rows.data_ptr<float>(), rows.size(0), rows.size(1),
                                      sum.data_ptr<double>(), at::get_num_threads());
  } else {
    if (sum.device() != rows.device()) sum = sum.to(rows.device());
    if (missing_kernels(rows.device()).empty()) {
      kernels::cuda_second_moment(rows.const_data_ptr<float>(), rows.size(0), rows.size(1),
                                  sum.data_ptr<double>(), rows.device().index(), nullptr);
    } else {
      sum.add_(rows.t().mm(rows));
    }
  }
  seconds_ += watch.seconds();
}

std::vector<at::Tensor> MomentSums::tensors() const {
  std::vector<at::Tensor> tensors;
  for (const auto& [layer, sum] : sums_) tensors.push_back(sum);
  return tensors;
}

at::Tensor MomentSums::moment(std::int64_t layer, std::int64_t count, at::ScalarType type) const {
  at::Tensor sum = sums_.at(layer).to(at::kCPU).contiguous();
  kernels::mirror_upper_triangle(sum.data_ptr<double>(), sum.size(0));
  return (sum / static_cast<double>(count)).to(type);
}

UnfinishedSums::UnfinishedSums(const fs::path& folder, Json identity)
    : identity_(std::move(identity)) {
  if (folder.empty()) return;
  const std::string hash = sha256_hex(canonical_text(identity_)).substr(0, 16);
  file_ = folder / fmt::format("unfinished-{}.safetensors", hash);
}

std::int64_t UnfinishedSums::restore(MomentSums* sums) const try {
  std::error_code unreachable;
  if (file_.empty() || !fs::exists(file_, unreachable)) return 0;
  const auto tensors = checkpoint::SafetensorsFile::open(file_);
  const auto identity = tensors.metadata().find("collection");
  const bool same = identity != tensors.metadata().end() &&
                    identity->second == canonical_text(identity_) && tensors.contains("batches");
  if (!same) return 0;
  std::map<std::int64_t, at::Tensor> kept;
  for (const auto& [layer, sum] : sums->sums_) {
    if (!tensors.contains(tensor_name(layer))) return 0;
    kept[layer] = tensors.tensor(tensor_name(layer)).clone();
    if (kept[layer].sizes() != sum.sizes() || kept[layer].scalar_type() != at::kDouble) return 0;
  }
  sums->sums_ = std::move(kept);
  return tensors.tensor("batches").item<std::int64_t>();
} catch (const ModelError&) {
  return 0;  // damaged: begun anew
}

void UnfinishedSums::save(const MomentSums& sums, std::int64_t batches) const {
  if (file_.empty()) return;
  fs::create_directories(file_.parent_path());
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& [layer, sum] : sums.sums_) {
    tensors.emplace_back(tensor_name(layer), sum.to(at::kCPU));
  }
  tensors.emplace_back("batches", at::tensor(std::vector<std::int64_t>{batches}, at::kLong));
  checkpoint::write_safetensors(file_, tensors, {{"collection", canonical_text(identity_)}});
}

void UnfinishedSums::remove() const {
  std::error_code ignored;
  if (!file_.empty()) fs::remove(file_, ignored);
}

}  // namespace kedit::locate

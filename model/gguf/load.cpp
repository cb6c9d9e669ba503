#include "model/gguf/load.hpp"

#include "model/checkpoint/largest_first.hpp"
#include "model/checkpoint/load_checks.hpp"
#include "model/decoder/weight_slots.hpp"
#include "model/device.hpp"
#include "model/gguf/configuration.hpp"
#include "model/gguf/tensor_names.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace kedit::gguf {
namespace {

/// A tensor of the model and where the file has it.
struct Source {
  std::string name;  ///< Checkpoint name.
  std::vector<std::int64_t> shape;
  StoredForm form;
  const GgufFile::Tensor* stored;
};

std::vector<std::int64_t> stored_shape(const Source& source) {
  std::vector<std::int64_t> shape = source.shape;
  if (source.form.transposed && shape.size() == 2) std::swap(shape[0], shape[1]);
  return shape;
}

void check_shape(const Source& source, const GgufFile& file) {
  const auto expected = stored_shape(source);
  if (source.stored->info->shape == expected) return;
  throw ModelError(fmt::format("reading {}: tensor {}: expected shape [{}], found [{}]",
                               file.file_of(*source.stored).string(), source.form.name,
                               fmt::join(expected, ", "),
                               fmt::join(source.stored->info->shape, ", ")));
}

// In the order of `named_tensors`, all of them there and of the right shape.
std::vector<Source> find_sources(const GgufFile& file, const Architecture& architecture) {
  const auto forms = stored_forms(architecture, architecture_name(file));
  DecoderWeights weights;
  std::vector<Source> sources;
  for (const auto& slot : decoder::weight_slots(architecture, weights)) {
    const StoredForm& form = forms.at(slot.name);
    sources.push_back({slot.name, slot.shape, form, &file.tensor(form.name)});
    check_shape(sources.back(), file);
  }
  return sources;
}

// [rows, width] of a matrix, [elements, 1] of a vector: what `RowOrder` orders.
std::pair<std::int64_t, std::int64_t> rows_and_width(const TensorInfo& info) {
  const std::int64_t width = info.shape.size() > 1 ? info.shape.back() : 1;
  return {info.elements() / width, width};
}

void copy_in_order(const RowOrder& order, const float* from, std::int64_t rows, std::int64_t width,
                   float* to) {
  for (std::int64_t row = 0; row < rows; ++row) {
    std::copy_n(from + row * width, width, to + order.checkpoint_row(row) * width);
  }
}

// Rows of a matrix go straight to their place; blocks of a vector lie across its elements.
void dequantise_in_order(const Source& source, float* values) {
  const TensorInfo& info = *source.stored->info;
  const auto [rows, width] = rows_and_width(info);
  const kernels::BlockLayout layout = kernels::block_layout(info.type);
  if (source.form.rows.kind == RowOrder::Kind::same) {
    return kernels::dequantise(source.stored->data, info.type, rows * width, values);
  }
  if (width == 1) {
    std::vector<float> stored(static_cast<std::size_t>(rows));
    kernels::dequantise(source.stored->data, info.type, rows, stored.data());
    return copy_in_order(source.form.rows, stored.data(), rows, 1, values);
  }
  const std::int64_t bytes = width / layout.elements * layout.bytes;
  for (std::int64_t row = 0; row < rows; ++row) {
    kernels::dequantise(source.stored->data + row * bytes, info.type, width,
                        values + source.form.rows.checkpoint_row(row) * width);
  }
}

/// The tensor as the checkpoint has it, float32 on the CPU.
at::Tensor read(const Source& source) {
  at::Tensor tensor = at::empty(stored_shape(source), at::kFloat);
  dequantise_in_order(source, tensor.mutable_data_ptr<float>());
  if (source.form.plus_one) tensor.sub_(1.0F);
  if (source.form.transposed && tensor.dim() == 2) tensor = tensor.t().contiguous();
  return tensor;
}

std::vector<at::Tensor> read_all(const std::vector<Source>& sources, c10::Device device,
                                 c10::ScalarType dtype) {
  std::vector<at::Tensor> tensors(sources.size());
  std::vector<std::int64_t> sizes;
  for (const Source& source : sources) sizes.push_back(source.stored->info->elements());
  checkpoint::visit_largest_first(sizes, at::get_num_threads(), [&](std::size_t i) {
    tensors[i] = read(sources[i]).to(device, dtype);
  });
  return tensors;
}

// What the fingerprint is of: the tensors themselves where they are float32 on the CPU, else read
// again when somebody asks.
checkpoint::StoredWeights::Tensors as_stored(const std::shared_ptr<const GgufFile>& file,
                                             const std::vector<Source>& sources,
                                             const std::vector<at::Tensor>& tensors) {
  checkpoint::StoredWeights::Tensors stored;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (tensors[i].is_cpu() && tensors[i].scalar_type() == at::kFloat) {
      stored.emplace_back(sources[i].name, tensors[i]);
      continue;
    }
    stored.push_back({sources[i].name, at::kFloat, sources[i].shape,
                      [file, source = sources[i]] { return read(source); }});
  }
  return stored;
}

void warn_of_unused(const GgufFile& file, const std::vector<Source>& sources,
                    const LoadOptions& options) {
  if (!options.warn) return;
  std::unordered_set<std::string> used = {"rope_freqs.weight", "rope_factors_long.weight",
                                          "rope_factors_short.weight"};
  for (const Source& source : sources) used.insert(source.form.name);
  std::vector<std::string> unused;
  for (const GgufFile::Tensor& tensor : file.tensors()) {
    if (used.count(tensor.info->name) == 0) unused.push_back(tensor.info->name);
  }
  checkpoint::warn_of_unused(unused, file.path().string(), "model as its keys describe it",
                             options);
}

}  // namespace

checkpoint::LoadedWeights load_weights(std::shared_ptr<const GgufFile> file,
                                       const Architecture& architecture,
                                       const LoadOptions& options) {
  const c10::Device device = parse_device(options.device);
  const c10::ScalarType dtype = parse_dtype(options.dtype).value_or(at::kFloat);
  const std::vector<Source> sources = find_sources(*file, architecture);
  warn_of_unused(*file, sources, options);
  const std::vector<at::Tensor> tensors = read_all(sources, device, dtype);
  std::map<std::string, at::Tensor> by_name;
  for (std::size_t i = 0; i < sources.size(); ++i) by_name[sources[i].name] = tensors[i];

  checkpoint::LoadedWeights loaded;
  loaded.stored = std::make_unique<checkpoint::StoredWeights>(
      as_stored(file, sources, tensors),
      checkpoint::memory_of(file->path(), file->mappings(), options), options.verify);
  checkpoint::check_content(*loaded.stored, file->path(), options, [&](std::size_t i) {
    return std::pair(file->file_of(*sources[i].stored).string(), sources[i].form.name);
  });
  loaded.weights = resolve_weights(
      architecture, [&](const std::string& name) { return by_name[name]; }, file->path().string());
  return loaded;
}

std::string quantisation(const GgufFile& file) {
  std::map<kernels::BlockType, std::int64_t> elements;
  for (const GgufFile::Tensor& tensor : file.tensors()) {
    elements[tensor.info->type] += tensor.info->elements();
  }
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return std::string(kernels::block_layout(most->first).name);
}

std::map<std::string, std::int64_t> tensor_types(const GgufFile& file) {
  std::map<std::string, std::int64_t> types;
  for (const GgufFile::Tensor& tensor : file.tensors()) {
    ++types[std::string(kernels::block_layout(tensor.info->type).name)];
  }
  return types;
}

}  // namespace kedit::gguf

#include "training/train_state.hpp"

#include "model/checkpoint/safetensors.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace kedit {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw TrainError(
      fmt::format("resuming training: {}: {}; remove the file to begin anew", file.string(), what));
}

template <typename T>
at::Tensor tensor_of(const std::vector<T>& values, at::ScalarType type) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, type);
  std::copy(values.begin(), values.end(), tensor.data_ptr<T>());
  return tensor;
}

template <typename T>
std::vector<T> vector_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  const T* data = flat.const_data_ptr<T>();
  return {data, data + flat.numel()};
}

at::Tensor curve_tensor(const std::vector<LossPoint>& curve) {  // [points, 3] float64
  std::vector<double> values;
  values.reserve(curve.size() * 3);
  for (const LossPoint& point : curve) {
    values.insert(values.end(), {static_cast<double>(point.step), point.loss, point.learning_rate});
  }
  return tensor_of(values, at::kDouble).view({-1, 3});
}

std::vector<LossPoint> curve_of(const at::Tensor& tensor) {
  const auto values = vector_of<double>(tensor);
  std::vector<LossPoint> curve;
  for (std::size_t i = 0; i + 2 < values.size(); i += 3) {
    curve.push_back({static_cast<std::int64_t>(values[i]), values[i + 1], values[i + 2]});
  }
  return curve;
}

at::Tensor read_tensor(const checkpoint::SafetensorsFile& file, const std::string& name,
                       at::ScalarType type, std::int64_t count) {
  if (!file.contains(name)) fail(file.path(), fmt::format("expected tensor {}, found none", name));
  at::Tensor tensor = file.tensor(name);
  if (tensor.scalar_type() != type || (count >= 0 && tensor.numel() != count)) {
    fail(file.path(),
         fmt::format("tensor {}: expected {} values of type {}, found {} of type {}", name, count,
                     at::toString(type), tensor.numel(), at::toString(tensor.scalar_type())));
  }
  return tensor.clone();
}

std::string read_field(const checkpoint::SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) {
    fail(file.path(), fmt::format("expected metadata field {}, found none", key));
  }
  return found->second;
}

std::int64_t read_step(const checkpoint::SafetensorsFile& file) {
  const std::string text = read_field(file, "step");
  const bool digits = !text.empty() && text.size() < 16 &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits) fail(file.path(), fmt::format("step: expected a number, found \"{}\"", text));
  return std::stoll(text);
}

checkpoint::SafetensorsFile open_state(const fs::path& file) {
  try {
    return checkpoint::SafetensorsFile::open(file);
  } catch (const ModelError& error) {
    fail(file, error.what());
  }
}

}  // namespace

fs::path train_state_file(const fs::path& work) { return work / "state.safetensors"; }

void save_train_state(const fs::path& work, const TrainState& state, const std::string& recipe) {
  fs::create_directories(work);
  checkpoint::write_safetensors(train_state_file(work),
                                {{"values", state.values},
                                 {"first_moment", state.first_moment},
                                 {"second_moment", state.second_moment},
                                 {"pending_ids", tensor_of(state.stream.ids, at::kLong)},
                                 {"pending_weights", tensor_of(state.stream.weights, at::kFloat)},
                                 {"curve", curve_tensor(state.curve)}},
                                {{"format", "pt"},
                                 {"recipe", recipe},
                                 {"step", std::to_string(state.step)},
                                 {"documents", state.stream.documents}});
}

std::optional<TrainState> load_train_state(const fs::path& work, const std::string& recipe,
                                           std::int64_t parameters) {
  const fs::path path = train_state_file(work);
  if (!fs::exists(path)) return std::nullopt;
  const checkpoint::SafetensorsFile file = open_state(path);
  if (read_field(file, "recipe") != recipe) {
    fail(path, "expected a state of the same recipe, found one of another recipe");
  }
  TrainState state;
  state.step = read_step(file);
  state.values = read_tensor(file, "values", at::kFloat, parameters);
  state.first_moment = read_tensor(file, "first_moment", at::kFloat, parameters);
  state.second_moment = read_tensor(file, "second_moment", at::kFloat, parameters);
  const at::Tensor ids = read_tensor(file, "pending_ids", at::kLong, -1);
  state.stream.ids = vector_of<std::int64_t>(ids);
  state.stream.weights =
      vector_of<float>(read_tensor(file, "pending_weights", at::kFloat, ids.numel()));
  state.stream.documents = read_field(file, "documents");
  state.curve = curve_of(read_tensor(file, "curve", at::kDouble, state.step * 3));
  return state;
}

}  // namespace kedit

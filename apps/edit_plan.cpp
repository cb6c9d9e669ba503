#include "apps/edit_plan.hpp"

#include "model/edited_model.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <fstream>

namespace kedit::cli {
namespace {

/// A field of /proc/self/status in bytes; 0 where there is none.
std::int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind(field + ":", 0) != 0) continue;
    return std::stoll(line.substr(field.size() + 1)) * 1024;  // "VmHWM:   1234 kB"
  }
  return 0;
}

void reset_high_water_mark() { std::ofstream("/proc/self/clear_refs") << "5"; }

template <class Work>
double seconds_of(const Work& work) {
  work();  // the first one pays for memory
  const Stopwatch watch;
  int runs = 0;
  do {
    work();
    ++runs;
  } while (watch.seconds() < 0.1);
  return watch.seconds() / runs;
}

/// Multiplications and additions a second in the model's own layers, a few dozen tokens at a time.
double model_speed(const EditedModel& model) {
  constexpr std::int64_t rows = 8, seq = 8;
  const c10::NoGradGuard no_grad;
  const std::int64_t layers = std::min<std::int64_t>(2, model.architecture().layers);
  Taps taps;
  taps.stop_after(layers - 1);
  ForwardInput input;
  input.ids = at::zeros({rows, seq}, at::kLong).to(model.weights().token_embedding.device());
  input.want_logits = false;
  double weights = 0;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const LayerWeights& w = model.weights().layers[static_cast<std::size_t>(layer)];
    for (const Linear* linear : {&w.query, &w.key, &w.value, &w.qkv, &w.attention_output, &w.gate,
                                 &w.up, &w.down, &w.gate_up}) {
      if (linear->weight.defined()) weights += static_cast<double>(linear->weight.numel());
    }
  }
  // What comes back is awaited, so that work on a device is counted too.
  const double seconds =
      seconds_of([&] { model.forward(input, nullptr, &taps).hidden.sum().item<float>(); });
  return 2.0 * static_cast<double>(rows * seq) * weights / seconds;
}

double double_speed(const at::Device& device) {
  constexpr std::int64_t side = 384;
  const at::Tensor a = at::ones({side, side}, at::TensorOptions(at::kDouble).device(device));
  const double seconds = seconds_of([&] { a.mm(a).sum().item<double>(); });
  return 2.0 * side * side * side / seconds;
}

}  // namespace

std::int64_t RunCost::peak_bytes() const {
  std::int64_t peak = 0;
  for (const Phase& phase : phases) peak = std::max(peak, phase.peak_bytes);
  return peak;
}

double RunCost::seconds() const {
  double sum = 0;
  for (const Phase& phase : phases) sum += phase.seconds;
  return sum;
}

Json RunCost::to_json() const {
  Json json = {{"phases", Json::array()}, {"peak_bytes", peak_bytes()}, {"seconds", seconds()}};
  for (const Phase& phase : phases) {
    json["phases"].push_back(
        {{"name", phase.name}, {"seconds", phase.seconds}, {"peak_bytes", phase.peak_bytes}});
  }
  return json;
}

void PhaseMeter::enter(const std::string& name) {
  if (name == running_) return;
  leave();
  running_ = name;
}

void PhaseMeter::leave() {
  const double passed = watch_.lap();
  if (!running_.empty()) {
    auto found = std::find_if(cost_.phases.begin(), cost_.phases.end(),
                              [&](const Phase& phase) { return phase.name == running_; });
    if (found == cost_.phases.end()) {
      found = cost_.phases.insert(found, Phase{running_, 0.0, 0});
    }
    found->seconds += passed;
    found->peak_bytes = std::max(found->peak_bytes, status_bytes("VmHWM"));
  }
  reset_high_water_mark();
  running_.clear();
}

RunCost predict(const Editor& editor, const EditedModel& model,
                const std::vector<EditRequest>& requests) {
  const std::vector<PhaseCost> costs = editor.cost(model, requests);
  RunCost predicted;
  if (costs.empty()) return predicted;
  const double speed = model_speed(model);
  const double slow = double_speed(model.weights().token_embedding.device());
  const std::int64_t resident = std::max(status_bytes("VmRSS"), model.base().bytes());
  for (const PhaseCost& cost : costs) {
    predicted.phases.push_back(
        {cost.name, cost.flops / speed + cost.double_flops / slow, resident + cost.peak_bytes});
  }
  return predicted;
}

}  // namespace kedit::cli

#pragma once

#include "json/json.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "model/model.hpp"

#include <ATen/ATen.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

/// Golden checkpoints (tests/golden/model_golden.py) and what the reference library computes.
namespace kedit::testing {

inline std::filesystem::path golden_model(const std::string& family) {
  // Elsewhere than it was built, the test binary is told where the golden files are.
  const char* const moved = std::getenv("KEDIT_TEST_SOURCE");
  return std::filesystem::path(moved == nullptr ? KEDIT_SOURCE_DIR : moved) /
         "tests/golden/models" / family;
}

/// Every golden checkpoint: FAMILY or FAMILY-VARIANT.
inline const std::vector<std::string>& golden_models() {
  static const std::vector<std::string> names = {"gpt2",
                                                 "gptj",
                                                 "gpt_neox",
                                                 "gpt_neox-serial",
                                                 "opt",
                                                 "opt-post_norm",
                                                 "llama",
                                                 "llama-biases",
                                                 "llama-llama3",
                                                 "llama-yarn",
                                                 "mistral",
                                                 "mistral-full",
                                                 "qwen2",
                                                 "qwen2-window",
                                                 "qwen2-yarn",
                                                 "qwen3",
                                                 "qwen3-biases",
                                                 "gemma",
                                                 "gemma2",
                                                 "gemma3_text",
                                                 "phi3",
                                                 "phi3-longrope",
                                                 "olmo2",
                                                 "gpt2-by_layer",
                                                 "gpt2-unscaled",
                                                 "opt-projected",
                                                 "opt-projected-no_final_norm",
                                                 "gemma3",
                                                 "qwen2_5_vl"};
  return names;
}

inline at::Tensor golden(const std::string& family, const std::string& name) {
  return checkpoint::SafetensorsFile::open(golden_model(family) / "expected.safetensors")
      .tensor(name);
}

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return HUGE_VAL;
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

inline ForwardInput input_of(const at::Tensor& ids) {
  ForwardInput input;
  input.ids = ids;
  return input;
}

inline bool same_tensor_bytes(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && at::equal(a, b);
}

/// A copy of a golden checkpoint that a test may damage.
inline void copy_model(const std::string& family, const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  for (const auto& entry : std::filesystem::directory_iterator(golden_model(family))) {
    const auto name = entry.path().filename();
    if (name == "expected.safetensors") continue;
    std::filesystem::copy(entry.path(), to / name,
                          std::filesystem::copy_options::overwrite_existing |
                              std::filesystem::copy_options::recursive);
  }
}

inline std::vector<std::pair<std::string, at::Tensor>> all_tensors(
    const std::filesystem::path& file) {
  const checkpoint::SafetensorsFile opened = checkpoint::SafetensorsFile::open(file);
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& name : opened.names()) tensors.emplace_back(name, opened.tensor(name).clone());
  return tensors;
}

}  // namespace kedit::testing

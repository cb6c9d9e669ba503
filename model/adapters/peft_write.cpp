#include "json/atomic_directory.hpp"
#include "model/adapters/edits_file.hpp"
#include "model/adapters/module_names.hpp"
#include "model/adapters/peft.hpp"
#include "model/checkpoint/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace kedit::adapters {
namespace {

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kWeights = "adapter_model.safetensors";

Json config_of(const Architecture& architecture, const Lora& lora, const std::string& base) {
  Json modules = Json::array();
  for (const LoraPair& pair : lora.pairs) modules.push_back(module_of(architecture, pair.weight));
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", base},
          {"revision", nullptr},
          {"auto_mapping", nullptr},
          {"inference_mode", true},
          {"r", lora.rank},
          {"lora_alpha", lora.rank},
          {"lora_dropout", 0.0},
          {"bias", "none"},
          {"fan_in_fan_out", architecture.orientation == Orientation::in_out},
          {"target_modules", std::move(modules)},
          {"modules_to_save", nullptr},
          {"layers_to_transform", nullptr},
          {"layers_pattern", nullptr},
          {"rank_pattern", Json::object()},
          {"alpha_pattern", Json::object()},
          {"use_rslora", false},
          {"use_dora", false},
          {"init_lora_weights", true}};
}

void write_weights(const std::filesystem::path& file, const EditedModel& model, const Lora& lora) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const LoraPair& pair : lora.pairs) {
    const std::string module = "base_model.model." + module_of(model.architecture(), pair.weight);
    tensors.emplace_back(module + ".lora_A.weight", pair.a);
    tensors.emplace_back(module + ".lora_B.weight", pair.b);
  }
  checkpoint::write_safetensors(
      file, tensors,
      {{"format", "pt"},
       {"kedit.model", model.base().fingerprint()},
       {"kedit.edits", fmt::format("{}", fmt::join(model.mounted(), ","))}});
}

}  // namespace

std::vector<std::string> write_peft(const EditedModel& model, const Lora& lora,
                                    const std::string& base,
                                    const std::filesystem::path& directory) {
  AtomicDirectory out(directory);
  write_weights(out.path() / kWeights, model, lora);
  write_file_atomically(out.path() / kConfig,
                        to_text(config_of(model.architecture(), lora, base), 2) + "\n");
  write_file_atomically(out.path() / kEditsFile, to_text(edits_document(model), 2) + "\n");
  out.commit();
  return {kConfig, kWeights, kEditsFile};
}

}  // namespace kedit::adapters

#include "editors/setting_keys.hpp"

#include "editors/editor.hpp"
#include "editors/setting_infos.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// "ROME", "R_ROME" and "r-rome" style names compared without case and separators.
std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c == '-' || c == '_' || c == ' ') continue;
    plain += (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return plain;
}

bool names_this_editor(std::string_view editor, const Json& value) {
  return value.is_string() && plain_name(value.get<std::string>()) == plain_name(editor);
}

bool known_to_an_editor(const std::string& key) {
  const auto& editors = known_editors();
  return std::any_of(editors.begin(), editors.end(), [&](const EditorInfo& editor) {
    return contains(setting_keys(editor.name), key);
  });
}

[[noreturn]] void refuse(const std::string& key, const std::vector<std::string>& applicable) {
  std::vector<std::string> known = applicable;
  known.insert(known.end(), reference_setting_keys().begin(), reference_setting_keys().end());
  const auto nearest = nearest_name(key, known);
  throw SettingsError(fmt::format("reading the editor settings: {}: unknown key; {}", key,
                                  nearest ? fmt::format("did you mean {}?", *nearest)
                                          : "see kedit edit --help for the known ones"));
}

}  // namespace

const std::vector<std::string>& reference_setting_keys() {
  static const std::vector<std::string> keys{"L2",
                                             "P_loc",
                                             "alg_name",
                                             "attn_module_tmp",
                                             "batch_size",
                                             "cache_dir",
                                             "case_ids",
                                             "clamp_norm_factor",
                                             "context_template_length_params",
                                             "context_templates",
                                             "device",
                                             "editor",
                                             "enable_prompt_keys",
                                             "enable_random_prefix_keys",
                                             "evaluation_type",
                                             "fact_token",
                                             "fp16",
                                             "kl_factor",
                                             "kl_shift_bug",
                                             "layer_module_tmp",
                                             "layer_selection",
                                             "layers",
                                             "lm_head_module",
                                             "ln_f_module",
                                             "lr",
                                             "max_length",
                                             "merge_same_subject",
                                             "mlp_module_tmp",
                                             "model_class",
                                             "model_name",
                                             "model_parallel",
                                             "mom2_adjustment",
                                             "mom2_dataset",
                                             "mom2_dtype",
                                             "mom2_n_samples",
                                             "mom2_update_weight",
                                             "nll_loss_factor",
                                             "norm_constraint",
                                             "nullspace_threshold",
                                             "num_steps",
                                             "objective_optimization",
                                             "original_implementation",
                                             "rel_feat_layer",
                                             "requests",
                                             "rewrite_module_tmp",
                                             "rewrite_module_tmps",
                                             "second_moment",
                                             "seed",
                                             "shipped_settings",
                                             "stats_dir",
                                             "tokenizer_class",
                                             "tokenizer_name",
                                             "v_loss_layer",
                                             "v_lr",
                                             "v_num_grad_steps",
                                             "v_num_grad_steps1",
                                             "v_num_grad_steps2",
                                             "v_weight_decay",
                                             "vec_loss_factor",
                                             "wd_power_law",
                                             "weight_decay"};
  return keys;
}

std::vector<std::string> ignored_settings(std::string_view editor, const Json& values,
                                          const std::vector<std::string>& applicable) {
  std::vector<std::string> ignored;
  for (const auto& [key, value] : values.items()) {
    if (contains(applicable, key)) continue;
    if (!contains(reference_setting_keys(), key) && !known_to_an_editor(key)) {
      refuse(key, applicable);
    }
    if (key == "shipped_settings" || key == "seed") continue;  // what kedit writes beside them
    const bool is_name = key == "editor" || key == "alg_name";
    if (!is_name || !names_this_editor(editor, value)) ignored.push_back(key);
  }
  return ignored;
}

}  // namespace kedit

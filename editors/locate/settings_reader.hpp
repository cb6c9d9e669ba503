#pragma once

#include "editors/locate/context_templates.hpp"
#include "editors/locate/health.hpp"
#include "editors/locate/moment_source.hpp"
#include "editors/locate/value_optimiser.hpp"
#include "json/json.hpp"
#include "model/decoder/architecture.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::locate {

/// Typed access to an editor's merged settings. Every message names the key; what is wrong is a
/// `JsonError`, which an editor's own reader turns into a `SettingsError`.
///
/// Below it, the readers of the groups of settings that editors of located weights share
/// (editors/settings/settings.json describes them).
class SettingsReader {
 public:
  explicit SettingsReader(const Json& values) : view_(values, "editor settings") {}

  double number(const char* key, double least) const;
  std::int64_t integer(const char* key, std::int64_t least) const;
  bool boolean(const char* key) const { return view_.at(key).boolean(); }
  std::string string(const char* key) const { return view_.at(key).string(); }
  std::vector<std::string> strings(const char* key) const { return view_.at(key).strings(); }
  bool has(const char* key) const { return view_.has(key); }
  JsonView at(const char* key) const { return view_.at(key); }

 private:
  JsonView view_;
};

/// `layers`: a number or a list; ascending. Throws `SettingsError` when there is none.
std::vector<std::int64_t> read_layers(const SettingsReader& reader,
                                      const Architecture& architecture);

/// v_num_grad_steps, v_lr, v_lr_scaled, v_weight_decay, clamp_norm_factor, kl_factor, v_stop_loss,
/// v_best_iterate, v_memory. Under `force` an optimisation that cannot reach the answer is a
/// warning.
ValueOptions read_value_options(const SettingsReader& reader, bool force);

/// mom2_adjustment, mom2_ridge, mom2_dataset, mom2_n_samples, mom2_n_tokens, mom2_dtype,
/// second_moment, stats_dir, stats.
MomentSource read_moment_source(const SettingsReader& reader);

/// context_templates, if they are given; else context_template_length_params and context_start say
/// how they are generated.
std::optional<ContextTemplates> read_context_templates(const SettingsReader& reader);
ContextPlan read_context_plan(const SettingsReader& reader);

/// max_update_ratio, max_probe_drift, probe_prompts.
HealthLimits read_health_limits(const SettingsReader& reader);

}  // namespace kedit::locate

#pragma once

#include "editors/editor.hpp"
#include "editors/locate/closed_form.hpp"
#include "editors/locate/edit_delta_builder.hpp"
#include "editors/locate/locate_settings.hpp"
#include "editors/locate/null_space.hpp"
#include "editors/locate/settings_reader.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::locate {

/// Something that is made for a layer once and then kept. Callers that need the same wait while it
/// is made.
template <class Value>
class PerLayer {
 public:
  const Value& at(std::int64_t layer, const std::function<Value()>& make) const {
    const std::lock_guard lock(mutex_);
    auto found = values_.find(layer);
    if (found == values_.end()) found = values_.emplace(layer, make()).first;
    return found->second;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::int64_t, Value> values_;
};

/// What the editors of located weights do alike: settings in layers, context templates, statistics
/// of keys, prepared once for a model and a seed. What a method does with them is its own file.
class LocatedEditor : public Editor {
 public:
  std::string_view name() const noexcept override { return name_; }
  Json settings_for(const Model& model) const override;

 protected:
  /// Throws `SettingsError` for unknown settings (nearest name) at once; values are checked against
  /// the model at the first edit.
  LocatedEditor(std::string name, EditorSettings settings);

  /// What all edits of one model share.
  struct Prepared {
    std::string fingerprint;
    std::uint64_t seed = 0;
    LocateSettings settings;
    ContextTemplates templates;
    Json kept;  ///< what each delta keeps of the settings
    PerLayer<MomentFactor> factors;
    PerLayer<NullSpace> null_spaces;  // of AlphaEdit
  };
  std::shared_ptr<const Prepared> prepare(const EditedModel& model, const RunContext& run) const;
  /// C's factor of a layer on the model's device.
  const MomentFactor& factor(const Prepared& prepared, const EditedModel& model, std::int64_t layer,
                             const RunContext& run) const;
  /// The settings for a model with nothing prepared: for what is told before an edit.
  LocateSettings resolve(const Model& model) const;
  bool forced() const { return settings_.force; }

  /// Reads and factorises what the edit needs of the statistics: before minutes are spent on
  /// values, so that a file of no use is found at once.
  virtual void prepare_statistics(const Prepared& prepared, const EditedModel& model,
                                  const RunContext& run) const;
  /// The method's own settings are of the right kind and range; throws `JsonError`.
  virtual void check_own_settings(const SettingsReader&) const {}

 private:
  std::string name_;
  EditorSettings settings_;
  std::vector<std::string> ignored_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Prepared> prepared_;
};

}  // namespace kedit::locate

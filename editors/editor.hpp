#pragma once

#include "edits/delta.hpp"
#include "edits/progress.hpp"
#include "edits/request.hpp"
#include "json/json.hpp"
#include "model/edited_model.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// An edit cannot be computed: the subject's position is not found, the loss is not finite. One
/// sentence.
class EditError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// No request can be edited with this editor, these settings and this model. Who goes on after an
/// `EditError` of one request must not go on after this one.
class SetupError : public EditError {
 public:
  using EditError::EditError;
};

/// A setting is unknown or holds a value of the wrong kind or range. The message names the key.
class SettingsError : public SetupError {
 public:
  using SetupError::SetupError;
};

/// The statistics that the settings ask for are not there, or of no use.
class StatisticsError : public SetupError {
 public:
  using SetupError::SetupError;
};

/// The figures of an edit fail the health check (not finite, norm out of bounds, probe drift).
/// Nothing was changed. `force` turns it into a recorded warning.
class UnhealthyEdit : public EditError {
 public:
  using EditError::EditError;
};

/// Settings of an editor: a JSON object under the reference programs' names. "shipped_settings"
/// names published settings that come with kedit ("gpt2-xl") to begin with; without it those that
/// fit the model, if any.
struct EditorSettings {
  Json values = Json::object();
  std::filesystem::path directory;  ///< Relative files in the settings are found here.
  bool force = false;               ///< Commit in spite of a failed health check, and record it.

  static EditorSettings read(const std::filesystem::path& file);  ///< JSON, or YAML of flat keys.
  /// A file (relative ones are found in `directory`), or the name of settings shipped for `editor`.
  /// Throws `SettingsError` naming those that there are when `name` is neither.
  static EditorSettings find(std::string_view editor, const std::string& name,
                             const std::filesystem::path& directory = {});
  /// The values with relative files (`second_moment`, `mom2_dataset`, `stats_dir`) taken from
  /// `directory`. What `mom2_dataset` names is a file when there is one, else a corpus by name,
  /// which stays.
  Json anchored() const;
  /// "key=value"; the value is JSON if it parses, else a string.
  void set(const std::string& assignment);
};

/// What a part of an edit is going to take, counted before it runs.
struct PhaseCost {
  std::string name;             ///< as `RunContext::phase` will call it
  double flops = 0;             ///< in the type of the model
  double double_flops = 0;      ///< of dense solves in float64
  std::int64_t peak_bytes = 0;  ///< beside the model's weights
};
/// Both after each other under the first one's name.
PhaseCost operator+(const PhaseCost& first, const PhaseCost& second);

/// One editing method. `edit` computes what would change and changes nothing.
///
/// Threads: an editor is immutable once made, and its const functions may be called from several
/// threads at once, each with a model of its own or with one that nobody mounts on meanwhile. What
/// an editor prepares for a model and keeps (templates, factors) it guards itself; the callers that
/// need the same wait while it is made. The sinks of a `RunContext` are called on the calling
/// thread. Deltas, requests and settings are values and may be handed from thread to thread;
/// tensors in them are not written to.
class Editor {
 public:
  virtual ~Editor() = default;
  virtual std::string_view name() const noexcept = 0;
  /// One delta per request (sequential editors compute each on `model` with the earlier ones
  /// mounted in a private overlay) or one for the whole batch, as the method defines it.
  virtual std::vector<EditDelta> edit(const EditedModel& model,
                                      const std::vector<EditRequest>& requests,
                                      const RunContext& run) const = 0;
  /// One delta per request, each as if it were the only one, on `model` itself. Editors that can
  /// share work between them do; the deltas are those of `edit` one by one, up to rounding.
  virtual std::vector<EditDelta> edit_each(const EditedModel& model,
                                           const std::vector<EditRequest>& requests,
                                           const RunContext& run) const;
  /// What `edit` would take for these requests, by phase in the order in which they run; empty for
  /// an editor that computes nothing worth telling. Computes nothing itself.
  virtual std::vector<PhaseCost> cost(const EditedModel&, const std::vector<EditRequest>&) const {
    return {};
  }
  /// The settings that edits of `model` use (defaults, then what ships with the model, then the
  /// user's): what reports state and the store keeps, there with what the first
  /// edit generates. Checks all that can be checked without computing anything, statistics too;
  /// throws `SetupError`.
  virtual Json settings_for(const Model& model) const = 0;
};

/// What the help and the README say about an editor.
struct EditorInfo {
  std::string name;
  std::string paper;
  std::string evidence;  ///< "reference code and paper", "reconstruction", ...
  std::string summary;
  bool changes_weights = true;
  bool solves_batches = false;  ///< Many requests in one solve; else one after the other.
};

/// One setting, for `kedit explain`, the help and the README.
struct SettingInfo {
  std::string key, unit;
  std::string origin;  ///< where the default comes from
  std::string effect;
  Json fallback;  ///< the default; null: none
};

const std::vector<EditorInfo>& known_editors();
/// Null for an unknown name.
const EditorInfo* find_editor(std::string_view name);

/// Explicit table by name; throws `EditError` with the nearest name for an unknown one, and for
/// unknown settings with the nearest key.
std::unique_ptr<Editor> make_editor(std::string_view name, const EditorSettings& settings = {});

}  // namespace kedit

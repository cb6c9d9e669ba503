#pragma once

#include "editors/editor.hpp"
#include "edits/progress.hpp"
#include "eval/answering/answerers.hpp"
#include "eval/answering/free_text.hpp"
#include "eval/answering/neighbours.hpp"
#include "eval/runner/config.hpp"
#include "model/edited_model.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kedit::runner {

/// Cases whose edits are active together, with the distinct edits of all of them.
struct CaseGroup {
  std::int64_t number = 0;
  std::vector<const Case*> cases;
  std::vector<EditRequest> pool;
  /// Cases that stay unedited (P-rem) belong to the group itself.
  std::vector<std::shared_ptr<const Case>> owned{};
};

/// What a report says about a system under test.
struct SystemInfo {
  std::string label;
  std::string kind;      ///< "editor" or "control"
  std::string name;      ///< of the editor or control
  std::string summary;   ///< One sentence.
  std::string evidence;  ///< Of an editor's formulas; empty for controls.
  std::string settings;  ///< Those in effect, canonical JSON; empty for controls.
};
Json to_json(const SystemInfo& info);
/// Of an editor on a model: settings with what ships with the model. Throws `SetupError` where it
/// could not edit this model.
SystemInfo editor_system_info(const EditorChoice& choice, const Model& model);

/// Something that answers questions after edits. `enter` makes the edits of a group active, `leave`
/// takes every trace of them away; between the two, cases of the group are answered.
class System {
 public:
  virtual ~System() = default;
  virtual SystemInfo info() const = 0;
  /// Label of the system that makes the same edits in the same order, and whose last answer to a
  /// group names all of them; empty: none.
  virtual std::string edits_of() const { return ""; }
  /// `earlier`: what this system stored for the last answered case of the group before the run was
  /// cut off, or the system of `edits_of` for the last case of all; the edits are then used again
  /// instead of being made again.
  virtual void enter(const CaseGroup& group, const CaseOutputs* earlier, const RunContext& run) = 0;
  /// Called right before each case is answered: schedule `immediate` makes its edits here.
  virtual void before(const Case&, const RunContext&) {}
  virtual CaseOutputs answer(const Case& one) = 0;
  /// The same of cases that are asked together, in their order.
  virtual std::vector<CaseOutputs> answer_all(const std::vector<const Case*>& cases);
  /// `before` changes nothing, so that cases may be asked together.
  virtual bool stands_still() const { return true; }
  virtual void leave() = 0;
};

/// What all systems of a run share. The objects must outlive the systems.
struct SystemParts {
  const LanguageModel* base = nullptr;  ///< The model that a run starts from, for controls.
  std::vector<Fact> base_facts{};       ///< Of edits that stay mounted throughout: always shown.
  PromptForm prompts;
  answering::AskPlan plan;
  MaskMode mask = MaskMode::report;
  Schedule schedule = Schedule::batch;
  std::shared_ptr<answering::RecallAsker> recall{};          ///< Set where recall is asked.
  std::string edits_of{};                                    ///< See `System::edits_of`.
  std::shared_ptr<answering::NeighbourAsker> specificity{};  ///< Set where R-Specificity is asked.
  std::shared_ptr<const answering::FreeTextAsker> free_text{};  ///< Set where texts are sampled.
};

/// Everything that a run asks a system that runs a model, of cases together.
std::vector<CaseOutputs> ask_together(const SystemParts& parts, const LanguageModel& model,
                                      const std::vector<answering::AskedCase>& cases);

/// "unedited", "oracle" or "copy-last-edit"; throws `EvalError`.
std::unique_ptr<System> make_control(const std::string& name, const SystemParts& parts);

/// An editor of either kind: its deltas go into the store under `run_id` and are mounted above what
/// `start` has mounted; facts that they hold are shown in the prompts. After every group the
/// model's fingerprint must be that of `start` again; otherwise `EvalError`. Edits that cannot be
/// made (EditError) are tried one by one; those that fail are named in the outputs' `failure`.
/// Where no edit can be made (SetupError), the run ends.
std::unique_ptr<System> make_editor_system(const EditorChoice& choice, const SystemParts& parts,
                                           const EditedModel& start, Store& store,
                                           const std::string& run_id);

}  // namespace kedit::runner

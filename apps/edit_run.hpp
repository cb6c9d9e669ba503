#pragma once

#include "apps/edit_report.hpp"
#include "editors/collapse_watch.hpp"
#include "editors/editor.hpp"
#include "store/store.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::cli {

/// What each edit of a command sees of the others.
enum class EditMode {
  independent,  ///< Nothing: each is made on what was mounted at the start.
  sequential,   ///< Those before it.
  batch,        ///< All of a batch are solved at once, by an editor that can.
};
/// The mode of that name, or without one the editor's own: batch where it solves batches, else
/// sequential. Throws `UsageError` for a mode that the editor has not, naming the editors that have
/// it.
EditMode edit_mode(const std::optional<std::string>& mode, const EditorInfo& editor);

/// How edits are made and where they go. What it points to must outlive it.
struct EditRun {
  const Editor& editor;
  Store* store = nullptr;  ///< Null under --dry-run.
  CommitOptions commit{};
  EditMode mode = EditMode::sequential;
  std::size_t batch_size = 0;     ///< Of batches, each on the model with the ones before; 0: all.
  bool force = false;             ///< Commit what fails its health check, and record it.
  bool keep_going = false;        ///< Go on with the next request when one cannot be edited.
  bool stop_on_collapse = false;  ///< Do not commit an edit that ruins the model.
  PromptForm form{};              ///< Of clozes, which are the same in all forms.
  RunContext context{};
};

struct FailedEdit {
  std::string request_id, reason;
};

/// How the model is after edits in a row, and after how many.
struct WatchedStep {
  std::size_t edits = 0;
  CollapseFigures figures;
};

/// What came of the requests, in their order.
struct EditedRequests {
  std::vector<Made> made;
  std::vector<FailedEdit> failed;
  std::vector<WatchedStep> watched;  ///< One a step, where several follow each other.
};

/// Computes, checks, commits and measures the edits; `model` has them mounted afterwards (but for
/// independent ones). All that an editor returns for a request, or for a batch, is committed in one
/// transaction. A request that cannot be edited (EditError) ends the work, or under `keep_going`
/// only itself (a batch: itself as a whole); it is named in `failed`. Edits in a row are watched
/// for a collapse of the model: a warning at the first, or under `stop_on_collapse` the end of the
/// work before the edit that brings it about is committed. Throws what makes every edit impossible
/// (SetupError), StoreError, `Interrupted`; what was committed before stays in `*result`.
void edit_all(const EditRun& run, EditedModel& model, const std::vector<EditRequest>& requests,
              EditedRequests* result);

}  // namespace kedit::cli

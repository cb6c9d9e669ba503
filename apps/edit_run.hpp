#pragma once

#include "apps/edit_report.hpp"
#include "editors/editor.hpp"
#include "store/store.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::cli {

/// What each edit of a command sees of the others.
enum class EditMode {
  independent,  ///< Nothing: each is made on what was mounted at the start.
  sequential,   ///< Those before it.
  batch,        ///< All are solved at once, by an editor that can.
};
/// Throws `UsageError` for a mode that the editor has not, naming the editors that have it.
EditMode edit_mode(std::string_view mode, const EditorInfo& editor);

/// How edits are made and where they go. What it points to must outlive it.
struct EditRun {
  const Editor& editor;
  Store* store = nullptr;  ///< Null under --dry-run.
  CommitOptions commit{};
  EditMode mode = EditMode::sequential;
  bool force = false;       ///< Commit what fails its health check, and record it.
  bool keep_going = false;  ///< Go on with the next request when one cannot be edited.
  PromptForm form{};        ///< Of clozes, which are the same in all forms.
  RunContext context{};
};

struct FailedEdit {
  std::string request_id, reason;
};

/// What came of the requests, in their order.
struct EditedRequests {
  std::vector<Made> made;
  std::vector<FailedEdit> failed;
};

/// Computes, checks, commits and measures the edits; `model` has them mounted afterwards (but for
/// independent ones). All that an editor returns for a request, or for a batch, is committed in one
/// transaction. A request that cannot be edited (EditError) ends the work, or under `keep_going`
/// only itself (a batch: itself as a whole); it is named in `failed`. Throws what makes every edit
/// impossible (SetupError), StoreError, `Interrupted`; what was committed before stays in
/// `*result`.
void edit_all(const EditRun& run, EditedModel& model, const std::vector<EditRequest>& requests,
              EditedRequests* result);

}  // namespace kedit::cli

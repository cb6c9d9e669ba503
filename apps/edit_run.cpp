#include "apps/edit_run.hpp"

#include "apps/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kedit::cli {
namespace {

bool unhealthy(const EditDelta& delta) {
  return delta.figures.health && !delta.figures.health->healthy();
}

/// Commits and mounts what an editor computed; returns the ids (none under --dry-run).
std::vector<std::string> keep(const EditRun& run, EditedModel& model,
                              const std::vector<EditDelta>& deltas) {
  std::vector<std::string> ids;
  if (run.store != nullptr) {
    CommitOptions options = run.commit;
    options.forced = run.force && std::any_of(deltas.begin(), deltas.end(), unhealthy);
    ids = run.store->commit_all(deltas, options);
  }
  std::vector<std::pair<EditId, EditDelta>> mounts;
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    mounts.emplace_back(
        ids.empty() ? fmt::format("dry run {}", model.mounted().size() + i) : ids.at(i), deltas[i]);
  }
  model.mount(std::move(mounts));
  return ids;
}

/// The delta that holds a request: its own, or its batch's.
std::size_t delta_of(const EditRequest& request, const std::vector<EditDelta>& deltas) {
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    for (const EditRequest& done : deltas[i].requests) {
      if (done.id == request.id) return i;
    }
  }
  throw std::logic_error(fmt::format("the editor made no edit of request {}", request.id));
}

/// Computes, commits and measures edits that are solved together; `model` has them mounted
/// afterwards.
std::vector<Made> make_edits(const EditRun& run, EditedModel& model,
                             const std::vector<EditRequest>& requests) {
  const Stopwatch whole;
  std::vector<Made> made;
  for (const EditRequest& request : requests) {
    made.emplace_back().request = request;
    made.back().before = measure(model, run.form, request);
  }
  const std::vector<EditDelta> deltas = run.editor.edit(model, requests, run.context);
  const Stopwatch commit;
  const std::vector<std::string> ids = keep(run, model, deltas);
  const double commit_seconds = run.store == nullptr ? 0.0 : commit.seconds();
  for (Made& one : made) {
    const std::size_t at = delta_of(one.request, deltas);
    one.delta = deltas[at];
    if (!ids.empty()) one.id = ids[at];
    one.commit_seconds = commit_seconds;
    one.after = measure(model, run.form, one.request);
  }
  for (Made& one : made) one.total_seconds = whole.seconds();
  return made;
}

/// Requests that are solved together: one by one, or all.
std::vector<std::vector<EditRequest>> portions(EditMode mode,
                                               const std::vector<EditRequest>& requests) {
  if (mode == EditMode::batch) return {requests};
  std::vector<std::vector<EditRequest>> all;
  for (const EditRequest& request : requests) all.push_back({request});
  return all;
}

// A request that cannot be edited, or that the store refuses because of another edit.
bool spoils_one_request(const std::exception& error) {
  if (dynamic_cast<const SetupError*>(&error) != nullptr) return false;
  if (const auto* refused = dynamic_cast<const StoreError*>(&error)) {
    return refused->kind() == StoreError::Kind::conflict;
  }
  return dynamic_cast<const EditError*>(&error) != nullptr;
}

}  // namespace

EditMode edit_mode(std::string_view mode, const EditorInfo& editor) {
  if (mode == "independent") return EditMode::independent;
  if (mode == "sequential") return EditMode::sequential;
  if (editor.solves_batches) return EditMode::batch;
  std::vector<std::string> able;
  for (const EditorInfo& info : known_editors()) {
    if (info.solves_batches) able.push_back(info.name);
  }
  throw UsageError(fmt::format(
      "--mode: {} makes one edit at a time: expected independent or sequential, found batch; {}",
      editor.name,
      able.empty() ? "no editor solves batches yet"
                   : fmt::format("batches are solved by {}", fmt::join(able, ", "))));
}

void edit_all(const EditRun& run, EditedModel& model, const std::vector<EditRequest>& requests,
              EditedRequests* result) {
  for (const std::vector<EditRequest>& portion : portions(run.mode, requests)) {
    if (run.context.should_stop()) {
      throw Interrupted(fmt::format("editing was interrupted after {} edits{}", result->made.size(),
                                    run.store == nullptr ? "" : ", which are committed"));
    }
    EditedModel scratch = model;
    try {
      std::vector<Made> made = make_edits(run, scratch, portion);
      std::move(made.begin(), made.end(), std::back_inserter(result->made));
    } catch (const std::exception& error) {
      const bool by_editor = dynamic_cast<const EditError*>(&error) != nullptr;
      if (!spoils_one_request(error) || (!run.keep_going && !by_editor)) throw;
      for (const EditRequest& request : portion) {
        result->failed.push_back({request.id, error.what()});
      }
      if (!run.keep_going) return;
      run.context.warning(error.what());
      continue;
    }
    if (run.mode != EditMode::independent) model = std::move(scratch);
  }
}

}  // namespace kedit::cli

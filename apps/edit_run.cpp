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

/// The delta that holds a request: its own, or its batch's; and its place there.
std::pair<std::size_t, std::size_t> place_of(const EditRequest& request,
                                             const std::vector<EditDelta>& deltas) {
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    for (std::size_t place = 0; place < deltas[i].requests.size(); ++place) {
      if (deltas[i].requests[place].id == request.id) return {i, place};
    }
  }
  throw std::logic_error(fmt::format("the editor made no edit of request {}", request.id));
}

/// Edits of one call of the editor, computed and mounted nowhere.
struct Computed {
  std::vector<Measured> before;
  std::vector<EditDelta> deltas;
  double seconds = 0;
};

Computed compute(const EditRun& run, const EditedModel& model,
                 const std::vector<EditRequest>& requests) {
  const Stopwatch watch;
  Computed computed;
  run.context.enter("measure");
  computed.before = measure_all(model, run.form, requests);
  computed.deltas = run.mode == EditMode::independent
                        ? run.editor.edit_each(model, requests, run.context)
                        : run.editor.edit(model, requests, run.context);
  computed.seconds = watch.seconds();
  return computed;
}

/// Commits and mounts what was computed on `model`, and measures it.
std::vector<Made> finish(const EditRun& run, EditedModel& model,
                         const std::vector<EditRequest>& requests, Computed computed) {
  const Stopwatch commit;
  run.context.enter("commit");
  const std::vector<std::string> ids = keep(run, model, computed.deltas);
  const double commit_seconds = run.store == nullptr ? 0.0 : commit.seconds();
  run.context.enter("measure");
  const std::vector<Measured> after = measure_all(model, run.form, requests);
  std::vector<std::shared_ptr<const EditDelta>> shared;
  std::vector<Made> made;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto [at, place] = place_of(requests[i], computed.deltas);
    made.push_back({requests[i], nullptr, place, ids.empty() ? "" : ids[at], computed.before[i],
                    after[i], commit_seconds, 0.0});
    made.back().delta_place = at;
  }
  for (EditDelta& delta : computed.deltas) {
    shared.push_back(std::make_shared<const EditDelta>(std::move(delta)));
  }
  for (Made& one : made) {
    one.delta = shared[one.delta_place];
    one.total_seconds = computed.seconds + commit.seconds();
  }
  return made;
}
// A request that cannot be edited, or that the store refuses because of another edit.
bool spoils_one_request(const std::exception& error) {
  if (dynamic_cast<const SetupError*>(&error) != nullptr) return false;
  if (const auto* refused = dynamic_cast<const StoreError*>(&error)) {
    return refused->kind() == StoreError::Kind::conflict;
  }
  return dynamic_cast<const EditError*>(&error) != nullptr;
}

constexpr std::size_t kIndependentTogether = 32;  // edits whose values are found side by side

/// Requests that one call of the editor is given.
std::vector<std::vector<EditRequest>> portions(const EditRun& run,
                                               const std::vector<EditRequest>& requests) {
  std::size_t size = 1;
  if (run.mode == EditMode::batch) size = run.batch_size == 0 ? requests.size() : run.batch_size;
  if (run.mode == EditMode::independent) size = kIndependentTogether;
  std::vector<std::vector<EditRequest>> all;
  for (std::size_t begin = 0; begin < requests.size(); begin += size) {
    const std::size_t end = std::min(begin + size, requests.size());
    all.emplace_back(requests.begin() + static_cast<std::ptrdiff_t>(begin),
                     requests.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return all;
}

/// Edits in a row, one portion after the other.
class Rounds {
 public:
  Rounds(const EditRun& run, EditedModel& model, EditedRequests* result)
      : run_(run), model_(model), result_(result) {}

  void edit(const std::vector<std::vector<EditRequest>>& portions) {
    if (run_.mode != EditMode::independent && portions.size() > 1) {
      watch_.emplace(model_, run_.context.seed);
    }
    for (const std::vector<EditRequest>& portion : portions) {
      if (run_.context.should_stop()) {
        throw Interrupted(fmt::format("editing was interrupted after {} edits{}",
                                      result_->made.size(),
                                      run_.store == nullptr ? "" : ", which are committed"));
      }
      if (!edit_portion(portion)) return;
    }
  }

 private:
  // False: the work ends here.
  bool edit_portion(const std::vector<EditRequest>& portion) {
    EditedModel scratch = model_;
    try {
      Computed computed = compute(run_, scratch, portion);
      check_collapse(scratch, portion, computed.deltas);
      std::vector<Made> made = finish(run_, scratch, portion, std::move(computed));
      std::move(made.begin(), made.end(), std::back_inserter(result_->made));
    } catch (const std::exception& error) {
      if (!spoils_one_request(error)) throw;
      const bool one_spoils_others = run_.mode == EditMode::independent && portion.size() > 1;
      if (one_spoils_others) return edit_one_by_one(portion);
      const bool by_editor = dynamic_cast<const EditError*>(&error) != nullptr;
      if (!run_.keep_going && !by_editor) throw;
      for (const EditRequest& request : portion) {
        result_->failed.push_back({request.id, error.what()});
      }
      if (!run_.keep_going) return false;
      run_.context.warning(error.what());
      return true;
    }
    if (run_.mode != EditMode::independent) model_ = std::move(scratch);
    return true;
  }

  bool edit_one_by_one(const std::vector<EditRequest>& portion) {
    for (const EditRequest& request : portion) {
      if (!edit_portion({request})) return false;
    }
    return true;
  }

  // Looks at the model as it will be, before anything is committed.
  void check_collapse(const EditedModel& before, const std::vector<EditRequest>& portion,
                      const std::vector<EditDelta>& deltas) {
    if (!watch_) return;
    EditedModel after = before;
    for (std::size_t i = 0; i < deltas.size(); ++i) {
      after.mount(fmt::format("watched {}", i), deltas[i]);
    }
    run_.context.enter("watch");
    const CollapseFigures figures = watch_->look_at(after);
    if (!(figures.ratio() < CollapseWatch::kRatio)) {
      const std::string text = fmt::format(
          "watching the model: after edit {} its perplexity on its own text is {:.4g} ({:.4g} "
          "before all edits), the largest change of a weight {:.3g} of its norm ({})",
          portion.front().id, figures.perplexity, figures.before, figures.norm_growth,
          figures.weight);
      if (run_.stop_on_collapse) throw UnhealthyEdit(text + "; this edit was not committed");
      if (!warned_) run_.context.warning(text + "; --stop-on-collapse stops before such an edit");
      warned_ = true;
    }
    result_->watched.push_back({result_->made.size() + portion.size(), figures});
  }

  const EditRun& run_;
  EditedModel& model_;
  EditedRequests* result_;
  std::optional<CollapseWatch> watch_;
  bool warned_ = false;
};

}  // namespace

EditMode edit_mode(const std::optional<std::string>& mode, const EditorInfo& editor) {
  if (!mode) return editor.solves_batches ? EditMode::batch : EditMode::sequential;
  if (*mode == "independent") return EditMode::independent;
  if (*mode == "sequential") return EditMode::sequential;
  if (editor.solves_batches) return EditMode::batch;
  std::vector<std::string> able;
  for (const EditorInfo& info : known_editors()) {
    if (info.solves_batches) able.push_back(info.name);
  }
  throw UsageError(fmt::format(
      "--mode batch: expected an editor that solves batches ({}), found {}; use sequential or "
      "independent",
      fmt::join(able, ", "), editor.name));
}

void edit_all(const EditRun& run, EditedModel& model, const std::vector<EditRequest>& requests,
              EditedRequests* result) {
  Rounds(run, model, result).edit(portions(run, requests));
}

}  // namespace kedit::cli

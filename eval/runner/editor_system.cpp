#include "eval/answering/facts_in_context.hpp"
#include "eval/runner/system.hpp"
#include "model/generation/generation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace kedit::runner {
namespace {

// Hashing all weights after every group is free for small models and minutes for large ones.
constexpr std::int64_t kSmallModelBytes = std::int64_t{256} << 20;

class EditorSystem final : public System {
 public:
  EditorSystem(const EditorChoice& choice, const SystemParts& parts, const EditedModel& start,
               Store& store, std::string run_id)
      : info_(editor_system_info(choice, start.base())),
        parts_(parts),
        editor_(make_editor(choice.name, {choice.settings, {}, false})),
        start_(start),
        start_fingerprint_(start.fingerprint()),
        edited_(start),
        language_(edited_),
        store_(store),
        run_id_(std::move(run_id)) {}

  SystemInfo info() const override { return info_; }
  std::string edits_of() const override { return parts_.edits_of; }

  void enter(const CaseGroup& group, const CaseOutputs* earlier, const RunContext& run) override {
    failure_.clear();
    edit_ids_.clear();
    asked_for_.clear();
    edit_seconds_ = 0.0;
    group_ = &group;
    if (earlier != nullptr) {
      mount_stored(*earlier);
    } else if (parts_.schedule == Schedule::batch) {
      add_edits(group.pool, run);
    } else if (parts_.schedule == Schedule::end) {
      for (const Case* one : group.cases) add_edits(new_requests(*one), run);
    }
    facts_ = edited_.facts();
  }

  void before(const Case& one, const RunContext& run) override {
    if (parts_.schedule != Schedule::immediate) return;
    add_edits(new_requests(one), run);
    facts_ = edited_.facts();
  }

  bool stands_still() const override { return parts_.schedule != Schedule::immediate; }

  CaseOutputs answer(const Case& one) override { return answer_all({&one}).front(); }

  std::vector<CaseOutputs> answer_all(const std::vector<const Case*>& cases) override {
    std::vector<answering::AskedCase> asked;
    for (const Case* one : cases) asked.push_back({one, facts_for(*one)});
    std::vector<CaseOutputs> answers = ask_together(parts_, language_, asked);
    for (CaseOutputs& outputs : answers) {
      outputs.edit_ids = edit_ids_;
      outputs.failure = failure_;
      outputs.edit_seconds = edit_seconds_;
    }
    return answers;
  }

  void leave() override {
    edited_ = start_;
    facts_.clear();
    if (edited_.base().bytes() > kSmallModelBytes) return;
    if (edited_.fingerprint() == start_fingerprint_) return;
    throw EvalError(fmt::format(
        "taking the edits of {} away: the weights are not those of before again; this is a fault "
        "of the program, please report it",
        info_.label));
  }

 private:
  answering::FactChooser facts_for(const Case& one) const {
    const std::vector<Fact> shown =
        parts_.mask == MaskMode::memory ? answering::without_contradictions(facts_, one) : facts_;
    return [shown, most = parts_.prompts.max_facts](const std::string& question) {
      return answering::choose_facts(shown, question, most);
    };
  }

  // The case's edits that no earlier case of the group has asked for.
  std::vector<EditRequest> new_requests(const Case& one) {
    std::vector<EditRequest> fresh;
    for (const EditRequest& request : one.edits) {
      if (asked_for_.insert(edit_sentence(request)).second) fresh.push_back(request);
    }
    return fresh;
  }

  // Makes edits on the model as it is now, keeps them in the store and mounts them.
  void add_edits(const std::vector<EditRequest>& requests, const RunContext& run) {
    if (requests.empty()) return;
    const Stopwatch watch;
    std::vector<EditDelta> deltas = make_edits(requests, run);
    edit_seconds_ += watch.seconds();
    const std::vector<std::string> ids = store_.commit_for_run(run_id_, deltas);
    std::vector<std::pair<EditId, EditDelta>> edits;
    for (std::size_t i = 0; i < deltas.size(); ++i) {
      edits.emplace_back(ids[i], std::move(deltas[i]));
    }
    edited_.mount(std::move(edits));
    edit_ids_.insert(edit_ids_.end(), ids.begin(), ids.end());
  }

  void mount_stored(const CaseOutputs& earlier) {
    // What the cases up to the stored one asked for is done.
    for (const Case* one : group_->cases) {
      new_requests(*one);
      if (one->id == earlier.case_id) break;
    }
    std::vector<std::pair<EditId, EditDelta>> edits;
    for (const std::string& id : earlier.edit_ids) {
      std::optional<EditDelta> delta = store_.find(id);
      if (!delta) {
        throw EvalError(fmt::format("resuming {}: edit {} of group {} is no longer in the store",
                                    info_.label, id, earlier.group));
      }
      edits.emplace_back(id, std::move(*delta));
    }
    edited_.mount(std::move(edits));
    edit_ids_ = earlier.edit_ids;
    failure_ = earlier.failure;
    edit_seconds_ = earlier.edit_seconds;
  }

  std::vector<EditDelta> make_edits(const std::vector<EditRequest>& pool, const RunContext& run) {
    try {
      return editor_->edit(edited_, pool, run);
    } catch (const SetupError&) {
      throw;
    } catch (const EditError& error) {
      if (pool.size() == 1) {
        note_failure(error.what());
        return {};
      }
    }
    return make_edits_one_by_one(pool, run);
  }

  // One request that cannot be edited must not take the others of its group with it.
  std::vector<EditDelta> make_edits_one_by_one(const std::vector<EditRequest>& pool,
                                               const RunContext& run) {
    EditedModel scratch(start_);
    std::vector<std::pair<EditId, EditDelta>> before;
    for (const std::string& id : edit_ids_) {
      if (auto mounted = store_.find(id)) before.emplace_back(id, std::move(*mounted));
    }
    scratch.mount(std::move(before));
    std::vector<EditDelta> deltas;
    for (const EditRequest& request : pool) {
      try {
        for (EditDelta& delta : editor_->edit(scratch, {request}, run)) {
          scratch.mount(fmt::format("scratch-{}", deltas.size()), delta);
          deltas.push_back(std::move(delta));
        }
      } catch (const SetupError&) {
        throw;
      } catch (const EditError& error) {
        note_failure(error.what());
      }
    }
    return deltas;
  }

  void note_failure(const std::string& what) { failure_ += (failure_.empty() ? "" : "; ") + what; }

  SystemInfo info_;
  SystemParts parts_;
  std::unique_ptr<Editor> editor_;
  EditedModel start_;
  std::string start_fingerprint_;
  EditedModel edited_;
  LocalLanguageModel language_;
  Store& store_;
  std::string run_id_;
  const CaseGroup* group_ = nullptr;
  std::set<std::string> asked_for_;  // edit sentences
  std::vector<Fact> facts_;
  std::vector<std::string> edit_ids_;
  std::string failure_;
  double edit_seconds_ = 0.0;
};

}  // namespace

SystemInfo editor_system_info(const EditorChoice& choice, const Model& model) {
  const std::unique_ptr<Editor> editor = make_editor(choice.name, {choice.settings, {}, false});
  const EditorInfo& known = *find_editor(choice.name);
  return {choice.label,  "editor",       choice.name,
          known.summary, known.evidence, canonical_text(editor->settings_for(model))};
}

std::unique_ptr<System> make_editor_system(const EditorChoice& choice, const SystemParts& parts,
                                           const EditedModel& start, Store& store,
                                           const std::string& run_id) {
  return std::make_unique<EditorSystem>(choice, parts, start, store, run_id);
}

}  // namespace kedit::runner

// The loop of a benchmark run: every answer is stored before the next one is asked for.
#include "eval/runner/header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace kedit::runner {
namespace {

using Stored = std::map<std::pair<std::string, std::int64_t>, std::string>;

Stored stored_results(const Store& store, const std::string& run_id) {
  Stored stored;
  for (ResultRecord& record : store.results(run_id)) {
    stored[{record.system, record.case_id}] = std::move(record.payload);
  }
  return stored;
}

class Progressing {
 public:
  Progressing(const RunContext& run, std::int64_t total) : run_(run), total_(total) {}
  void start_from(std::int64_t done) { done_ = done; }
  void step(const std::string& label) {
    ++done_;
    run_.report({"evaluating", done_, total_, label});
  }

 private:
  const RunContext& run_;
  std::int64_t total_;
  std::int64_t done_ = 0;
};

// Leaves the group whichever way the block ends; the first error is the one that counts.
class GroupGuard {
 public:
  explicit GroupGuard(System& system) : system_(&system) {}
  GroupGuard(const GroupGuard&) = delete;
  GroupGuard& operator=(const GroupGuard&) = delete;
  ~GroupGuard() {
    if (system_ == nullptr) return;
    try {
      system_->leave();
    } catch (...) {  // an exception is on its way already
    }
  }
  void leave() {
    System* system = std::exchange(system_, nullptr);
    system->leave();
  }

 private:
  System* system_;
};

struct GroupWork {
  std::vector<const Case*> pending;
  std::optional<CaseOutputs> earlier;
};

// `edits_of`: a system whose edits serve where the group has none of its own yet; or empty.
GroupWork work_of(const CaseGroup& group, const std::string& label, const std::string& edits_of,
                  const Stored& stored) {
  GroupWork work;
  for (const Case* one : group.cases) {
    const auto found = stored.find({label, one->id});
    if (found == stored.end()) {
      work.pending.push_back(one);
    } else {
      work.earlier = case_outputs_from_json(found->second, *one);
    }
  }
  const auto made = stored.find({edits_of, group.cases.back()->id});
  if (!work.earlier && made != stored.end()) {
    work.earlier = case_outputs_from_json(made->second, *group.cases.back());
  }
  return work;
}

void check_stop(const RunContext& run) {
  if (run.should_stop()) throw Interrupted("the run was interrupted");
}

// Editors report steps of their own; the bar shows cases.
RunContext quiet_context(const RunContext& run) {
  RunContext quiet = run;
  quiet.progress = nullptr;
  return quiet;
}

// What a system says about some cases of a group, asked together, as it is stored.
std::vector<ResultRecord> answers_to(System& system, const CaseGroup& group,
                                     const std::vector<const Case*>& cases, const RunContext& run) {
  for (const Case* one : cases) system.before(*one, quiet_context(run));
  const Stopwatch watch;
  std::vector<CaseOutputs> answers = system.answer_all(cases);
  const double seconds = watch.seconds() / static_cast<double>(cases.size());
  std::vector<ResultRecord> results;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    answers[i].group = group.number;
    answers[i].answer_seconds = seconds;
    results.push_back({system.info().label, cases[i]->id, to_text(to_json(answers[i], *cases[i]))});
  }
  return results;
}

void answer_group(System& system, const CaseGroup& group, const GroupWork& work,
                  const BenchLoop& loop, Store& store, const RunContext& run,
                  Progressing& progress) {
  check_stop(run);
  GroupGuard guard(system);
  system.enter(group, work.earlier ? &*work.earlier : nullptr, quiet_context(run));
  const std::int64_t together = system.stands_still() ? loop.together : 1;
  for (auto next = work.pending.begin(); next != work.pending.end();) {
    check_stop(run);
    const auto end = next + std::min<std::ptrdiff_t>(together, work.pending.end() - next);
    store.put_results(loop.run_id, answers_to(system, group, {next, end}, run));
    for (; next != end; ++next) progress.step(system.info().label);
  }
  guard.leave();
}

void answer_all(const BenchLoop& loop, Store& store, const RunContext& run) {
  Stored stored = stored_results(store, loop.run_id);
  const auto systems = static_cast<std::int64_t>(loop.systems.size());
  Progressing progress(run, count_cases(loop.groups) * systems);
  progress.start_from(std::max<std::int64_t>(static_cast<std::int64_t>(stored.size()) - 1, 0));
  for (const auto& system : loop.systems) {
    const std::string label = system->info().label;
    const std::string edits_of = system->edits_of();
    if (!edits_of.empty()) stored = stored_results(store, loop.run_id);
    for (const CaseGroup& group : loop.groups) {
      const GroupWork work = work_of(group, label, edits_of, stored);
      if (work.pending.empty()) continue;
      answer_group(*system, group, work, loop, store, run, progress);
    }
  }
}

}  // namespace

void run_loop(BenchLoop& loop, Store& store, const RunContext& run) {
  try {
    answer_all(loop, store, run);
  } catch (const Interrupted&) {  // by us between cases, or by an editor in the middle of an edit
    store.set_run_state(loop.run_id, "interrupted");
    throw Interrupted(
        fmt::format("run {} was interrupted; kedit bench resume goes on with it", loop.run_id));
  } catch (const SetupError&) {  // statistics that turned out to be of no use: put them right first
    store.set_run_state(loop.run_id, "interrupted");
    throw;
  }
  store.set_run_state(loop.run_id, "done");
}

}  // namespace kedit::runner

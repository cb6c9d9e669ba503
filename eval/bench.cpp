#include "eval/bench.hpp"

#include "edits/hash.hpp"
#include "eval/case_json.hpp"
#include "eval/contamination.hpp"
#include "eval/facts_in_context.hpp"
#include "eval/model_record.hpp"
#include "eval/score.hpp"
#include "model/generation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <set>
#include <unordered_map>

namespace kedit {
namespace {

std::vector<std::int64_t> selected_cases(const BenchConfig& config, const MquakeDataset& dataset) {
  if (!config.cases.empty()) return parse_case_selection(config.cases, dataset);
  std::vector<std::int64_t> ids;
  for (const MquakeCase& one : dataset.cases) ids.push_back(one.case_id);
  return ids;
}

std::vector<std::vector<std::int64_t>> ids_of(const std::vector<CaseGroup>& groups) {
  std::vector<std::vector<std::int64_t>> ids;
  for (const CaseGroup& group : groups) {
    ids.emplace_back();
    for (const MquakeCase* one : group.cases) ids.back().push_back(one->case_id);
  }
  return ids;
}

std::int64_t count_cases(const std::vector<CaseGroup>& groups) {
  std::int64_t cases = 0;
  for (const CaseGroup& group : groups) cases += static_cast<std::int64_t>(group.cases.size());
  return cases;
}

std::vector<std::int64_t> dirty_cases(const std::vector<CaseGroup>& groups) {
  std::vector<std::int64_t> dirty;
  for (const CaseGroup& group : groups) {
    const EditPool pool = edit_pool(group.cases);
    for (const MquakeCase* one : group.cases) {
      if (contaminated(*one, pool)) dirty.push_back(one->case_id);
    }
  }
  std::sort(dirty.begin(), dirty.end());
  return dirty;
}

// "lab" says more than "model".
std::string model_name(const Model& model) {
  std::filesystem::path directory = model.directory().lexically_normal();
  if (directory.filename().empty()) directory = directory.parent_path();
  if (directory.filename() != "model") return directory.filename().string();
  return directory.parent_path().filename().string();
}

const char* schedule_text(Schedule schedule) {
  switch (schedule) {
    case Schedule::batch:
      return "after all edits of the group";
    case Schedule::end:
      return "edits case by case, asked after all edits of the group";
    case Schedule::immediate:
      return "edits case by case, each case asked right after its own";
  }
  return "";
}

Json model_header(const BenchInputs& inputs) {
  const Model& model = *inputs.model;
  Json header{{"name", model_name(model)},
              {"family", model.architecture().family},
              {"fingerprint", model.fingerprint()},
              {"parameters", model.parameters()},
              {"dtype", model.dtype()}};
  if (inputs.start && !inputs.start->mounted().empty()) {
    header["mounted"] = inputs.start->mounted();
    header["mounted_fingerprint"] = inputs.start->fingerprint();
  }
  return header;
}

Json dataset_header(const MquakeDataset& dataset, std::int64_t cases) {
  return {{"name", dataset.name},
          {"sha256", dataset.sha256},
          {"content_sha256", dataset.content_sha256},
          {"cases_in_file", dataset.cases.size()},
          {"cases", cases}};
}

Json protocol_header(const BenchConfig& config, const std::vector<CaseGroup>& groups) {
  const std::int64_t size = config.grouping.group_size;
  Json match = Json::array();
  for (const MatchRule rule : config.rules) match.push_back(to_string(rule));
  const Json asks = to_json(config)["answerers"];
  return {{"grouping", to_string(config.grouping.grouping)},
          {"group_size", size == 0 ? Json("all") : Json(size)},
          {"groups", groups.size()},
          {"groups_sha256", grouping_hash(ids_of(groups))},
          {"seed", config.grouping.seed},
          {"mask", to_string(config.mask)},
          {"schedule", schedule_text(config.schedule)},
          {"match", match},
          {"answerers", asks},
          {"decoding", "greedy"},
          {"facts_rule", kFactRule},
          {"contaminated", dirty_cases(groups)}};
}

Json bench_header(const BenchConfig& config, const BenchInputs& inputs, const PromptForm& prompts,
                  const std::vector<CaseGroup>& groups) {
  return {{"model", model_header(inputs)},
          {"dataset", dataset_header(inputs.dataset, count_cases(groups))},
          {"protocol", protocol_header(config, groups)},
          {"prompts",
           {{"name", prompts.name},
            {"version", prompts.version},
            {"sha256", prompt_hash(prompts)},
            {"max_facts", prompts.max_facts}}},
          {"metrics", config.metrics},
          {"seed", config.seed}};
}

// A run goes on only on the very model, data and prompts that it began with.
void check_same_header(const RunRecord& record, const Json& header) {
  const Json stored = parse_json(record.header, "run " + record.id);
  for (const char* part : {"model", "dataset", "prompts", "protocol", "shard"}) {
    const Json found = stored.contains(part) ? stored[part] : Json(nullptr);
    const Json wanted = header.contains(part) ? header[part] : Json(nullptr);
    if (canonical_text(found) == canonical_text(wanted)) continue;
    throw EvalError(
        fmt::format("resuming run {} ({}): its {} is not what this run would have; restore what it "
                    "was, or give "
                    "the configuration another name",
                    record.id, record.name, part));
  }
}

void put_cases(Store& store, const std::string& run_id, const std::vector<CaseGroup>& groups) {
  Json cases = Json::array();
  for (const CaseGroup& group : groups) {
    for (const MquakeCase* one : group.cases) cases.push_back(case_to_json(*one));
  }
  store.put_results(run_id, {{kCasesRow, 0, to_text(cases)}});
}

void put_system_infos(Json& header, const BenchConfig& config) {
  Json systems = Json::array();
  for (const EditorChoice& choice : config.editors) {
    for (const EditorInfo& known : known_editors()) {
      if (known.name != choice.name) continue;
      const auto editor = make_editor(choice.name, {choice.settings, {}, false});
      systems.push_back(to_json(SystemInfo{choice.label, "editor", choice.name, known.summary,
                                           known.evidence, editor->settings_text()}));
    }
  }
  for (const std::string& name : config.controls) {
    systems.push_back(to_json(make_control(name, SystemParts{})->info()));
  }
  header["systems"] = std::move(systems);
}

// Begins a run, or takes up the unfinished one of the same configuration. `own` cases are this
// process's share of `groups`.
std::string open_run(const BenchConfig& config, Json header, const std::vector<CaseGroup>& groups,
                     std::int64_t own, Store& store) {
  const std::string text = canonical_text(to_json(config));
  if (const auto unfinished = store.unfinished_run(text)) {
    check_same_header(*unfinished, header);
    store.set_run_state(unfinished->id, "running");
    put_cases(store, unfinished->id, groups);
    return unfinished->id;
  }
  put_system_infos(header, config);
  const auto systems = static_cast<std::int64_t>(config.editors.size() + config.controls.size());
  const std::string id = store.begin_run(config.name, text, to_text(header), own * systems);
  put_cases(store, id, groups);
  return id;
}

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
  std::vector<const MquakeCase*> pending;
  std::optional<CaseOutputs> earlier;
};

GroupWork work_of(const CaseGroup& group, const std::string& label, const Stored& stored) {
  GroupWork work;
  for (const MquakeCase* one : group.cases) {
    const auto found = stored.find({label, one->case_id});
    if (found == stored.end()) {
      work.pending.push_back(one);
    } else {
      work.earlier = case_outputs_from_json(found->second);
    }
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

void answer_group(System& system, const CaseGroup& group, const GroupWork& work,
                  const BenchLoop& loop, Store& store, const RunContext& run,
                  Progressing& progress) {
  const std::string label = system.info().label;
  check_stop(run);
  GroupGuard guard(system);
  system.enter(group, work.earlier ? &*work.earlier : nullptr, quiet_context(run));
  for (const MquakeCase* one : work.pending) {
    check_stop(run);
    system.before(*one, quiet_context(run));
    const auto begin = std::chrono::steady_clock::now();
    CaseOutputs outputs = system.answer(*one);
    outputs.group = group.number;
    outputs.answer_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    store.put_results(loop.run_id, {{label, one->case_id, to_text(to_json(outputs))}});
    progress.step(label);
  }
  guard.leave();
}

void answer_all(const BenchLoop& loop, Store& store, const RunContext& run) {
  const Stored stored = stored_results(store, loop.run_id);
  const auto systems = static_cast<std::int64_t>(loop.systems.size());
  Progressing progress(run, count_cases(loop.groups) * systems);
  progress.start_from(std::max<std::int64_t>(static_cast<std::int64_t>(stored.size()) - 1, 0));
  for (const auto& system : loop.systems) {
    const std::string label = system->info().label;
    for (const CaseGroup& group : loop.groups) {
      const GroupWork work = work_of(group, label, stored);
      if (work.pending.empty()) continue;
      answer_group(*system, group, work, loop, store, run, progress);
    }
  }
}

}  // namespace

Shard shard_from_environment() {
  const auto number = [](const char* name) -> std::optional<std::int64_t> {
    const char* text = std::getenv(name);
    if (text == nullptr || *text == '\0') return std::nullopt;
    char* end = nullptr;
    const long long value = std::strtoll(text, &end, 10);
    if (*end != '\0') {
      throw EvalError(
          fmt::format("sharding: {}: expected a whole number, found \"{}\"", name, text));
    }
    return value;
  };
  for (const auto& [rank_name, size_name] :
       {std::pair{"RANK", "WORLD_SIZE"}, std::pair{"SLURM_PROCID", "SLURM_NTASKS"}}) {
    const auto rank = number(rank_name);
    const auto of = number(size_name);
    if (!rank || !of) continue;
    if (*of < 1 || *rank < 0 || *rank >= *of) {
      throw EvalError(
          fmt::format("sharding: {}={} {}={}: expected a rank below the number of "
                      "processes",
                      rank_name, *rank, size_name, *of));
    }
    return {*rank, *of};
  }
  return {};
}

std::vector<CaseGroup> bench_groups(const BenchConfig& config, const MquakeDataset& dataset) {
  std::unordered_map<std::int64_t, const MquakeCase*> by_id;
  for (const MquakeCase& one : dataset.cases) by_id.emplace(one.case_id, &one);
  std::vector<CaseGroup> groups;
  const std::vector<std::int64_t> selected = selected_cases(config, dataset);
  const std::vector<std::int64_t> rest = unedited_cases(selected, config.grouping);
  for (const auto& ids : group_cases(selected, config.grouping)) {
    CaseGroup group;
    group.number = static_cast<std::int64_t>(groups.size());
    for (const std::int64_t id : ids) group.cases.push_back(by_id.at(id));
    group.pool = pool_of(group.cases);
    for (const std::int64_t id : rest) {
      group.owned.push_back(std::make_shared<const MquakeCase>(as_unedited(*by_id.at(id))));
      group.cases.push_back(group.owned.back().get());
    }
    if (config.mask == MaskMode::drop) {
      const EditPool pool = edit_pool(group.cases);
      const auto dirty = [&](const MquakeCase* one) { return contaminated(*one, pool); };
      group.cases.erase(std::remove_if(group.cases.begin(), group.cases.end(), dirty),
                        group.cases.end());
    }
    if (!group.cases.empty()) groups.push_back(std::move(group));
  }
  if (groups.empty()) {
    throw EvalError(
        fmt::format("choosing cases of {}: expected at least one, found none", dataset.name));
  }
  return groups;
}

PromptForm bench_prompts(const BenchConfig& config, const BenchInputs& inputs) {
  if (config.prompts != "auto") return prompt_form(config.prompts, inputs.dataset);
  const std::filesystem::path& directory = inputs.model->directory();
  std::error_code ignored;
  const bool lab = !directory.empty() &&
                   std::filesystem::exists(
                       std::filesystem::absolute(directory).parent_path() / "lab.json", ignored);
  return prompt_form(lab ? "lab" : "few-shot", inputs.dataset);
}

void run_loop(BenchLoop& loop, Store& store, const RunContext& run) {
  try {
    answer_all(loop, store, run);
  } catch (const Interrupted&) {  // by us between cases, or by an editor in the middle of an edit
    store.set_run_state(loop.run_id, "interrupted");
    throw Interrupted(
        fmt::format("run {} was interrupted; kedit bench resume goes on with it", loop.run_id));
  }
  store.set_run_state(loop.run_id, "done");
}

std::string run_bench(const BenchConfig& config, const BenchInputs& inputs, Store& store,
                      const RunContext& run, const Shard& shard) {
  const std::vector<CaseGroup> groups = bench_groups(config, inputs.dataset);
  BenchLoop loop;
  for (const CaseGroup& group : groups) {
    if (group.number % shard.of == shard.rank) loop.groups.push_back(group);
  }
  SystemParts parts;
  parts.prompts = bench_prompts(config, inputs);
  parts.plan = {config.asks, cloze_templates(inputs.dataset.cases), config.further};
  parts.mask = config.mask;
  parts.schedule = config.schedule;
  store.put_model(model_record(*inputs.model));
  Json header = bench_header(config, inputs, parts.prompts, groups);
  if (shard.of > 1) header["shard"] = {{"rank", shard.rank}, {"of", shard.of}};
  loop.run_id = open_run(config, std::move(header), groups, count_cases(loop.groups), store);

  const EditedModel base = inputs.start ? *inputs.start : EditedModel(inputs.model);
  const LocalLanguageModel language(base);
  parts.base = &language;
  parts.base_facts = base.facts();
  if (config.further.recall) {
    parts.recall = std::make_shared<RecallAsker>(language, parts.prompts);
  }
  if (config.further.specificity) {
    parts.specificity =
        std::make_shared<NeighbourAsker>(inputs.dataset.cases, language, parts.prompts);
  }
  for (const std::string& name : config.controls) loop.systems.push_back(make_control(name, parts));
  for (const EditorChoice& choice : config.editors) {
    loop.systems.push_back(make_editor_system(choice, parts, base, store, loop.run_id));
  }
  RunContext seeded = run;
  seeded.seed = config.seed;
  run_loop(loop, store, seeded);
  return loop.run_id;
}

}  // namespace kedit

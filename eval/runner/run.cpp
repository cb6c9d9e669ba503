#include "eval/runner/run.hpp"

#include "eval/protocol/contamination.hpp"
#include "eval/runner/case_json.hpp"
#include "eval/runner/header.hpp"
#include "eval/runner/model_record.hpp"
#include "eval/score.hpp"
#include "model/generation/generation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

namespace kedit::runner {
namespace {

std::vector<std::int64_t> selected_cases(const BenchConfig& config, const Dataset& dataset) {
  if (!config.cases.empty()) return parse_case_selection(config.cases, dataset);
  std::vector<std::int64_t> ids;
  for (const Case& one : dataset.cases) ids.push_back(one.id);
  return ids;
}

void put_cases(Store& store, const std::string& run_id, const std::vector<CaseGroup>& groups) {
  Json cases = Json::array();
  for (const CaseGroup& group : groups) {
    for (const Case* one : group.cases) cases.push_back(case_to_json(*one));
  }
  store.put_results(run_id, {{kCasesRow, 0, to_text(cases)}});
}

// Begins a run, or takes up the unfinished one of the same configuration. `own` cases are this
// process's share of `groups`.
std::string open_run(const BenchConfig& config, const Json& header,
                     const std::vector<CaseGroup>& groups, std::int64_t own, Store& store) {
  const std::string text = canonical_text(to_json(config));
  if (const auto unfinished = store.unfinished_run(text)) {
    check_same_header(*unfinished, header);
    store.set_run_state(unfinished->id, "running");
    put_cases(store, unfinished->id, groups);
    return unfinished->id;
  }
  const auto systems =
      static_cast<std::int64_t>(scheduled_editors(config).size() + config.controls.size());
  const std::string id = store.begin_run(config.name, text, to_text(header), own * systems);
  put_cases(store, id, groups);
  return id;
}

void warn_without_texts(const answering::FreeTextAsker& asker, const std::vector<CaseGroup>& groups,
                        const RunContext& run) {
  for (const CaseGroup& group : groups) {
    for (const Case* one : group.cases) {
      if (asker.wants(*one)) return;
    }
  }
  run.warning(
      "no texts are sampled: no record chosen has generation prompts and an id that \"every\" "
      "divides (the flat form of CounterFact has no such prompts); fluency, consistency and "
      "essence are left out");
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

std::vector<CaseGroup> bench_groups(const BenchConfig& config, const Dataset& dataset) {
  std::unordered_map<std::int64_t, const Case*> by_id;
  for (const Case& one : dataset.cases) by_id.emplace(one.id, &one);
  std::vector<CaseGroup> groups;
  const std::vector<std::int64_t> selected = selected_cases(config, dataset);
  const std::vector<std::int64_t> rest = protocol::unedited_cases(selected, config.grouping);
  for (const auto& ids : protocol::group_cases(selected, config.grouping)) {
    CaseGroup group;
    group.number = static_cast<std::int64_t>(groups.size());
    for (const std::int64_t id : ids) group.cases.push_back(by_id.at(id));
    group.pool = protocol::pool_of(group.cases);
    for (const std::int64_t id : rest) {
      group.owned.push_back(std::make_shared<const Case>(as_unedited(*by_id.at(id))));
      group.cases.push_back(group.owned.back().get());
    }
    if (config.mask == MaskMode::drop) {
      const protocol::EditPool pool = protocol::edit_pool(group.cases);
      const auto dirty = [&](const Case* one) { return protocol::contaminated(*one, pool); };
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
  if (config.prompts != "auto") return prompt_form(config.prompts, inputs.dataset.cases);
  const std::filesystem::path& directory = inputs.model->path();
  std::error_code ignored;
  const bool lab = !directory.empty() &&
                   std::filesystem::exists(
                       std::filesystem::absolute(directory).parent_path() / "lab.json", ignored);
  return prompt_form(lab ? "lab" : "few-shot", inputs.dataset.cases);
}

void check_editors(const BenchConfig& config, const Model& model) {
  for (const EditorChoice& choice : config.editors) editor_system_info(choice, model);
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
  loop.together = inputs.together;
  store.put_model(model_record(*inputs.model));
  if (config.free_text) {
    parts.free_text = std::make_shared<const answering::FreeTextAsker>(*config.free_text);
    warn_without_texts(*parts.free_text, loop.groups, run);
  }
  Json header = bench_header(config, inputs, parts.prompts, groups, parts.free_text.get());
  if (shard.of > 1) header["shard"] = {{"rank", shard.rank}, {"of", shard.of}};
  loop.run_id = open_run(config, header, groups, count_cases(loop.groups), store);

  const EditedModel base = inputs.start ? *inputs.start : EditedModel(inputs.model);
  const LocalLanguageModel language(base);
  parts.base = &language;
  parts.base_facts = base.facts();
  if (config.further.recall) {
    parts.recall = std::make_shared<answering::RecallAsker>(language, parts.prompts);
  }
  if (config.further.specificity) {
    parts.specificity =
        std::make_shared<answering::NeighbourAsker>(inputs.dataset.cases, language, parts.prompts);
  }
  for (const std::string& name : config.controls) loop.systems.push_back(make_control(name, parts));
  for (const ScheduledEditor& one : scheduled_editors(config)) {
    parts.schedule = one.schedule;
    parts.edits_of = one.edits_of;
    loop.systems.push_back(make_editor_system(one.choice, parts, base, store, loop.run_id));
  }
  RunContext seeded = run;
  seeded.seed = config.seed;
  run_loop(loop, store, seeded);
  return loop.run_id;
}

}  // namespace kedit::runner

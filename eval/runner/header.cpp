#include "eval/runner/header.hpp"

#include "eval/answering/facts_in_context.hpp"
#include "eval/protocol/contamination.hpp"
#include "model/device.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::runner {
namespace {

std::vector<std::vector<std::int64_t>> ids_of(const std::vector<CaseGroup>& groups) {
  std::vector<std::vector<std::int64_t>> ids;
  for (const CaseGroup& group : groups) {
    ids.emplace_back();
    for (const Case* one : group.cases) ids.back().push_back(one->id);
  }
  return ids;
}

std::vector<std::int64_t> dirty_cases(const std::vector<CaseGroup>& groups) {
  std::vector<std::int64_t> dirty;
  for (const CaseGroup& group : groups) {
    const protocol::EditPool pool = protocol::edit_pool(group.cases);
    for (const Case* one : group.cases) {
      if (protocol::contaminated(*one, pool)) dirty.push_back(one->id);
    }
  }
  std::sort(dirty.begin(), dirty.end());
  return dirty;
}

// "lab" says more than "model".
std::string model_name(const Model& model) {
  std::filesystem::path directory = model.path().lexically_normal();
  if (directory.filename().empty()) directory = directory.parent_path();
  if (directory.filename() != "model") return directory.filename().string();
  return directory.parent_path().filename().string();
}

const char* schedule_words(Schedule schedule) {
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

std::string schedule_text(const std::vector<Schedule>& schedules) {
  if (schedules.size() == 1) return schedule_words(schedules.front());
  std::string text = "in columns of their own:";
  for (const Schedule one : schedules) {
    text += fmt::format("{} {}: {}", one == schedules.front() ? "" : ";", to_string(one),
                        schedule_words(one));
  }
  return text;
}

Json model_header(const BenchInputs& inputs) {
  const Model& model = *inputs.model;
  Json header{{"name", model_name(model)},
              {"family", model.architecture().family},
              {"fingerprint", model.fingerprint()},
              {"parameters", model.parameters()},
              {"dtype", model.dtype()}};
  if (model.stored_dtype() != model.dtype()) header["stored_dtype"] = model.stored_dtype();
  if (model.weights().token_embedding.is_cuda() && tf32_allowed()) header["tf32"] = true;
  if (inputs.start && !inputs.start->mounted().empty()) {
    header["mounted"] = inputs.start->mounted();
    header["mounted_fingerprint"] = inputs.start->fingerprint();
  }
  return header;
}

Json dataset_header(const Dataset& dataset, std::int64_t cases) {
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
          {"groups_sha256", protocol::grouping_hash(ids_of(groups))},
          {"seed", config.grouping.seed},
          {"mask", to_string(config.mask)},
          {"schedule", schedule_text(config.schedules)},
          {"match", match},
          {"answerers", asks},
          {"decoding", "greedy"},
          {"facts_rule", answering::kFactRule},
          {"contaminated", dirty_cases(groups)}};
}

Json system_infos(const BenchConfig& config, const Model& model) {
  Json systems = Json::array();
  for (const ScheduledEditor& one : scheduled_editors(config)) {
    systems.push_back(to_json(editor_system_info(one.choice, model)));
    systems.back()["schedule"] = to_string(one.schedule);
  }
  for (const std::string& name : config.controls) {
    systems.push_back(to_json(make_control(name, SystemParts{})->info()));
  }
  return systems;
}

}  // namespace

Json bench_header(const BenchConfig& config, const BenchInputs& inputs, const PromptForm& prompts,
                  const std::vector<CaseGroup>& groups, const answering::FreeTextAsker* free_text) {
  Json protocol = protocol_header(config, groups);
  if (free_text != nullptr) protocol["generation"] = free_text->description();
  return {{"model", model_header(inputs)},
          {"dataset", dataset_header(inputs.dataset, count_cases(groups))},
          {"protocol", std::move(protocol)},
          {"prompts",
           {{"name", prompts.name},
            {"version", prompts.version},
            {"sha256", prompt_hash(prompts)},
            {"max_facts", prompts.max_facts}}},
          {"metrics", config.metrics},
          {"systems", system_infos(config, *inputs.model)},
          {"seed", config.seed}};
}

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

std::int64_t count_cases(const std::vector<CaseGroup>& groups) {
  std::int64_t cases = 0;
  for (const CaseGroup& group : groups) cases += static_cast<std::int64_t>(group.cases.size());
  return cases;
}

}  // namespace kedit::runner

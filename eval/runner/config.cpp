#include "eval/runner/config.hpp"

#include "datasets/case_files.hpp"
#include "editors/editor.hpp"
#include "eval/metrics/metrics.hpp"
#include "model/catalogue.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kedit::runner {
namespace {

const std::vector<std::string> kTopKeys = {
    "name",      "model",   "dataset", "cases",   "edits", "editors", "controls", "protocol",
    "answerers", "metrics", "match",   "prompts", "seed",  "dtype",   "device",   "generation"};
const std::vector<std::string> kProtocolKeys = {"grouping", "group_size", "seed", "mask",
                                                "schedule"};
const std::vector<std::string> kGenerationKeys = {"every", "tokens",   "top_k",
                                                  "seed",  "snippets", "punkt"};
const std::vector<std::string> kEditorKeys = {"name", "settings", "label"};

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  const auto nearest = nearest_name(name, known);
  return nearest ? fmt::format("; did you mean \"{}\"?", *nearest) : "";
}

void check_keys(const JsonView& object, const std::vector<std::string>& known) {
  for (const std::string& key : object.keys()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto nearest = nearest_name(key, known);
    throw JsonError(fmt::format("reading {}: {}/{}: unknown key \"{}\"{}; expected one of {}",
                                object.origin(), object.pointer(), key, key,
                                nearest ? fmt::format(", did you mean \"{}\"?", *nearest) : "",
                                fmt::join(known, ", ")));
  }
}

void check_name(const JsonView& at, const std::string& name,
                const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  at.fail(fmt::format("one of {}{}", fmt::join(known, ", "), suggestion(name, known)));
}

std::vector<std::string> editor_names() {
  std::vector<std::string> names;
  for (const EditorInfo& info : known_editors()) names.push_back(info.name);
  return names;
}

std::vector<std::string> control_names() {
  std::vector<std::string> names;
  for (const ControlInfo& info : known_controls()) names.push_back(info.name);
  return names;
}

// Beside the configuration first, then where the command was started.
std::filesystem::path located(const std::filesystem::path& directory,
                              const std::filesystem::path& file) {
  const std::filesystem::path beside = directory / file;
  std::error_code ignored;
  return std::filesystem::absolute(std::filesystem::exists(beside, ignored) ? beside : file);
}

// A path, unless there is nothing there and it is the name of a model that can be fetched.
std::string located_model(const std::filesystem::path& directory, const std::string& model) {
  const std::filesystem::path path = located(directory, model);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored) && catalogue::find(model) != nullptr) return model;
  return path.lexically_normal().string();
}

std::string located_dataset(const JsonView& view, const std::filesystem::path& directory) {
  try {
    const DatasetName name = parse_dataset_name(view.string());
    return fmt::format("{}:{}", name.format->name,
                       located(directory, name.file).lexically_normal().string());
  } catch (const DataError&) {
    view.fail(dataset_format_names());
  }
}

// Relative files in a settings file are found beside it, in settings of the configuration beside
// that one. Both become absolute here, so that a run can be resumed from anywhere.
EditorChoice editor_from(const JsonView& view, const std::filesystem::path& directory) {
  check_keys(view, kEditorKeys);
  EditorChoice choice;
  choice.name = view.at("name").string();
  check_name(view.at("name"), choice.name, editor_names());
  const auto label = view.find("label");
  choice.label = label ? label->string() : choice.name;
  if (choice.label.empty() || choice.label.front() == '@') {
    label->fail("a label that is not empty and does not start with @");
  }
  const auto settings = view.find("settings");
  if (!settings) return choice;
  if (settings->value().is_string()) {
    choice.settings = EditorSettings::find(choice.name, settings->string(), directory).anchored();
  } else if (settings->value().is_object()) {
    choice.settings = EditorSettings{settings->value(), directory}.anchored();
  } else {
    settings->fail("an object of settings or the path of a settings file");
  }
  return choice;
}

std::vector<std::string> labels_of(const BenchConfig& config) {
  std::vector<std::string> labels = config.controls;
  for (const ScheduledEditor& one : scheduled_editors(config)) labels.push_back(one.choice.label);
  return labels;
}

void read_systems(const JsonView& view, BenchConfig& config) {
  if (const auto editors = view.find("editors")) {
    for (std::size_t i = 0; i < editors->size(); ++i) {
      config.editors.push_back(editor_from(editors->at(i), config.directory));
    }
  }
  if (const auto controls = view.find("controls")) {
    config.controls = controls->strings();
    for (const std::string& name : config.controls) check_name(*controls, name, control_names());
  }
}

void check_labels(const JsonView& view, const BenchConfig& config) {
  std::vector<std::string> labels = labels_of(config);
  if (labels.empty()) view.fail("at least one of editors and controls");
  std::sort(labels.begin(), labels.end());
  const auto twice = std::adjacent_find(labels.begin(), labels.end());
  if (twice != labels.end()) {
    view.fail(fmt::format("every editor and control under a label of its own (\"{}\" stands twice)",
                          *twice));
  }
}

std::int64_t group_size_from(const JsonView& size) {
  if (size.value().is_string() && size.string() == "all") return 0;
  if (!size.value().is_number_integer() || size.integer() < 1) {
    size.fail("a whole number of 1 or more, or \"all\"");
  }
  return size.integer();
}

std::uint64_t seed_from(const JsonView& seed) {
  const std::int64_t value = seed.integer();
  if (value < 0) seed.fail("a whole number of 0 or more");
  return static_cast<std::uint64_t>(value);
}

template <class Parse>
auto parsed(const JsonView& view, const std::string& name, Parse parse) {
  try {
    return parse(name);
  } catch (const EvalError& error) {
    view.fail(std::string("a known name (") + error.what() + ")");
  }
}

MaskMode parse_mask(const std::string& name) {
  if (name == "report") return MaskMode::report;
  if (name == "memory") return MaskMode::memory;
  if (name == "drop") return MaskMode::drop;
  throw EvalError(
      fmt::format("choosing a mask: expected report, memory or drop, found \"{}\"", name));
}

Schedule parse_schedule(const std::string& name) {
  for (const Schedule one : known_schedules()) {
    if (name == to_string(one)) return one;
  }
  throw EvalError(
      fmt::format("choosing a schedule: expected batch, end or immediate, found \"{}\"", name));
}

// One name, or a list of different ones.
std::vector<Schedule> schedules_from(const JsonView& view) {
  if (!view.value().is_array()) return {parsed(view, view.string(), parse_schedule)};
  std::set<Schedule> asked;
  for (const std::string& name : view.strings()) asked.insert(parsed(view, name, parse_schedule));
  if (asked.empty() || asked.size() < view.size()) view.fail("each schedule once");
  std::vector<Schedule> schedules;
  for (const Schedule one : known_schedules()) {
    if (asked.count(one) > 0) schedules.push_back(one);
  }
  return schedules;
}

bool take_further_ask(const std::string& name, answering::FurtherAsks& further) {
  for (const answering::FurtherAskInfo& known : answering::known_further_asks()) {
    if (name == known.name) return further.*(known.wanted) = true;
  }
  return false;
}

// What memory masks is a prompt, and weights have none.
void check_mask(const JsonView& view, const BenchConfig& config) {
  if (config.mask != MaskMode::memory) return;
  for (const EditorChoice& choice : config.editors) {
    const EditorInfo* info = find_editor(choice.name);
    if (info == nullptr || !info->changes_weights) continue;
    view.fail(fmt::format(
        "mask \"report\" or \"drop\" with {}, which changes weights that no mask takes back",
        choice.name));
  }
}

void read_protocol(const JsonView& view, BenchConfig& config) {
  check_keys(view, kProtocolKeys);
  if (const auto grouping = view.find("grouping")) {
    config.grouping.grouping = parsed(*grouping, grouping->string(), protocol::parse_grouping);
  }
  if (const auto size = view.find("group_size"))
    config.grouping.group_size = group_size_from(*size);
  config.grouping.seed = protocol::default_seed(config.grouping.grouping);
  if (const auto seed = view.find("seed")) config.grouping.seed = seed_from(*seed);
  if (const auto schedule = view.find("schedule")) {
    config.schedules = schedules_from(*schedule);
  }
  if (const auto mask = view.find("mask")) {
    config.mask = parsed(*mask, mask->string(), parse_mask);
    check_mask(*mask, config);
  }
}

bool has_chains(const BenchConfig& config) {
  return parse_dataset_name(config.dataset).format->has_chains;
}

void read_measures(const JsonView& view, BenchConfig& config) {
  if (!has_chains(config)) config.asks = {Ask::cloze};
  if (const auto asks = view.find("answerers")) {
    config.asks.clear();
    for (const std::string& name : asks->strings()) {
      if (!take_further_ask(name, config.further)) {
        config.asks.insert(parsed(*asks, name, parse_ask));
      }
    }
    if (config.asks.empty()) asks->fail("at least one answerer");
  }
  if (const auto metrics = view.find("metrics")) {
    config.metrics = metrics->strings();
    for (const std::string& name : config.metrics) {
      parsed(*metrics, name, [](const std::string& n) { return metrics::metric_info(n).name; });
    }
  }
  if (const auto rules = view.find("match")) {
    config.rules = parsed(*rules, fmt::format("{}", fmt::join(rules->strings(), ",")),
                          [](const std::string& n) { return parse_match_rules(n); });
  }
}

void read_if(const JsonView& view, const char* key, std::string& field) {
  if (const auto found = view.find(key)) field = found->string();
}

void read_place(const JsonView& view, BenchConfig& config) {
  read_if(view, "name", config.name);
  read_if(view, "model", config.model);
  config.dataset = view.at("dataset").string();
  read_if(view, "cases", config.cases);
  if (const auto edits = view.find("edits")) config.edits = edits->strings();
  read_if(view, "prompts", config.prompts);
  read_if(view, "dtype", config.dtype);
  read_if(view, "device", config.device);
  if (const auto seed = view.find("seed")) config.seed = seed_from(*seed);
  if (const auto prompts = view.find("prompts")) {
    check_name(*prompts, config.prompts, {"auto", "lab", "few-shot"});
  }
  if (!config.model.empty()) config.model = located_model(config.directory, config.model);
  config.dataset = located_dataset(view.at("dataset"), config.directory);
}

std::int64_t positive(const JsonView& view, const char* key, std::int64_t otherwise) {
  const auto field = view.find(key);
  if (!field) return otherwise;
  if (field->integer() < 1) field->fail("a whole number of 1 or more");
  return field->integer();
}

void read_generation(const JsonView& view, BenchConfig& config) {
  check_keys(view, kGenerationKeys);
  if (parse_dataset_name(config.dataset).format->name != std::string_view("counterfact")) {
    view.fail(
        "nothing here with another format than counterfact, whose records alone have "
        "generation prompts");
  }
  answering::FreeTextPlan plan;
  plan.every = positive(view, "every", plan.every);
  plan.tokens = positive(view, "tokens", plan.tokens);
  plan.top_k = positive(view, "top_k", plan.top_k);
  if (const auto seed = view.find("seed")) plan.seed = seed_from(*seed);
  read_if(view, "snippets", plan.snippets);
  read_if(view, "punkt", plan.punkt);
  for (std::string* file : {&plan.snippets, &plan.punkt}) {
    if (file->empty() || *file == "none") continue;
    *file = located(config.directory, *file).lexically_normal().string();
  }
  config.free_text = std::move(plan);
}

Json generation_to_json(const answering::FreeTextPlan& plan) {
  Json out{
      {"every", plan.every}, {"tokens", plan.tokens}, {"top_k", plan.top_k}, {"seed", plan.seed}};
  if (!plan.snippets.empty()) out["snippets"] = plan.snippets;
  if (!plan.punkt.empty()) out["punkt"] = plan.punkt;
  return out;
}

Json schedules_to_json(const std::vector<Schedule>& schedules) {
  if (schedules.size() == 1) return to_string(schedules.front());
  Json names = Json::array();
  for (const Schedule one : schedules) names.push_back(to_string(one));
  return names;
}

// Records of one edit have nothing to be asked but the edit and its prompts, and no order by hops.
void check_asks_of_edits(const JsonView& view, const BenchConfig& config) {
  if (has_chains(config)) return;
  const bool only_cloze = config.asks == std::set<Ask>{Ask::cloze};
  if (!only_cloze || !(config.further == answering::FurtherAsks{})) {
    view.at("answerers")
        .fail(
            "cloze alone with counterfact and zsre, whose records have no chain and no questions "
            "(their "
            "own prompts are always asked)");
  }
  const protocol::Grouping grouping = config.grouping.grouping;
  if (grouping == protocol::Grouping::poke || grouping == protocol::Grouping::rem) {
    view.at("protocol").at("grouping").fail("seed0 or file with counterfact and zsre");
  }
}

}  // namespace

const char* to_string(MaskMode mask) {
  switch (mask) {
    case MaskMode::report:
      return "report";
    case MaskMode::memory:
      return "memory";
    case MaskMode::drop:
      return "drop";
  }
  return "?";
}

const char* to_string(Schedule schedule) {
  switch (schedule) {
    case Schedule::batch:
      return "batch";
    case Schedule::end:
      return "end";
    case Schedule::immediate:
      return "immediate";
  }
  return "?";
}

const std::vector<Schedule>& known_schedules() {
  static const std::vector<Schedule> schedules = {Schedule::batch, Schedule::immediate,
                                                  Schedule::end};
  return schedules;
}

std::vector<ScheduledEditor> scheduled_editors(const BenchConfig& config) {
  std::vector<ScheduledEditor> systems;
  const bool several = config.schedules.size() > 1;
  for (const EditorChoice& editor : config.editors) {
    std::string immediate;  // its label, once it is among them
    for (const Schedule schedule : config.schedules) {
      ScheduledEditor one{editor, schedule, {}};
      if (several) one.choice.label += fmt::format(", {}", to_string(schedule));
      if (schedule == Schedule::immediate) immediate = one.choice.label;
      if (schedule == Schedule::end) one.edits_of = immediate;
      systems.push_back(std::move(one));
    }
  }
  return systems;
}

const std::vector<ControlInfo>& known_controls() {
  static const std::vector<ControlInfo> controls = {
      {"unedited",
       "The model that the run starts from, without the run's edits: what it knew before."},
      {"oracle",
       "The unedited model with the case's own edits stated in the prompt, whatever the grouping: "
       "what "
       "perfect retrieval would give it."},
      {"copy-last-edit",
       "No model at all: every question is answered with the object of the last edit that an "
       "in-context prompt would show."},
  };
  return controls;
}

BenchConfig bench_config_from_json(const Json& value, const std::string& origin,
                                   const std::filesystem::path& directory) {
  const JsonView view(value, origin);
  check_keys(view, kTopKeys);
  BenchConfig config;
  config.directory = directory;
  read_place(view, config);
  read_systems(view, config);
  if (const auto protocol = view.find("protocol")) read_protocol(*protocol, config);
  check_labels(view, config);
  read_measures(view, config);
  if (const auto texts = view.find("generation")) read_generation(*texts, config);
  check_asks_of_edits(view, config);
  if (config.name.empty()) config.name = std::filesystem::path(origin).stem().string();
  return config;
}

BenchConfig read_bench_config(const std::filesystem::path& file) {
  return bench_config_from_json(read_json(file), file.string(),
                                std::filesystem::absolute(file).parent_path());
}

Json to_json(const BenchConfig& config) {
  Json editors = Json::array();
  for (const EditorChoice& editor : config.editors) {
    editors.push_back(
        {{"name", editor.name}, {"label", editor.label}, {"settings", editor.settings}});
  }
  Json asks = Json::array();
  for (const Ask ask : config.asks) asks.push_back(to_string(ask));
  for (const answering::FurtherAskInfo& known : answering::known_further_asks()) {
    if (config.further.*(known.wanted)) asks.push_back(known.name);
  }
  Json rules = Json::array();
  for (const MatchRule rule : config.rules) rules.push_back(to_string(rule));
  const std::int64_t size = config.grouping.group_size;
  Json protocol{{"grouping", to_string(config.grouping.grouping)},
                {"group_size", size == 0 ? Json("all") : Json(size)},
                {"seed", config.grouping.seed},
                {"mask", to_string(config.mask)}};
  // Left out where it is the default: runs begun before there was a choice go on.
  if (config.schedules != std::vector<Schedule>{Schedule::batch}) {
    protocol["schedule"] = schedules_to_json(config.schedules);
  }
  Json out{{"name", config.name},   {"model", config.model},     {"dataset", config.dataset},
           {"cases", config.cases}, {"editors", editors},        {"controls", config.controls},
           {"protocol", protocol},  {"answerers", asks},         {"metrics", config.metrics},
           {"match", rules},        {"prompts", config.prompts}, {"seed", config.seed},
           {"dtype", config.dtype}, {"device", config.device}};
  if (!config.edits.empty()) out["edits"] = config.edits;
  if (config.free_text) out["generation"] = generation_to_json(*config.free_text);
  return out;
}

}  // namespace kedit::runner

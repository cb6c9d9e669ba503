#pragma once

#include "eval/answering/answerers.hpp"
#include "eval/answering/free_text.hpp"
#include "eval/answering/prompts.hpp"
#include "eval/metrics/matching.hpp"
#include "eval/protocol/grouping.hpp"
#include "json/json.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kedit::runner {

/// One editor of a run, with its settings under the reference programs' names.
struct EditorChoice {
  std::string name;
  std::string label;               ///< Unique in a run; the name where none is given.
  Json settings = Json::object();  ///< Files in them are absolute, see `EditorSettings::anchored`.
};

/// What becomes of cases whose expected answer other active edits contradict.
enum class MaskMode {
  report,  ///< Everything runs unmasked; the report shows all, clean and contaminated cases.
  memory,  ///< Facts that contradict a case's own chain are not shown to it; weights stay as they
           ///< are.
  drop,    ///< Contaminated cases are not evaluated (their edits stay active).
};
const char* to_string(MaskMode mask);

/// When the edits of a group are made, and when its cases are asked.
enum class Schedule {
  batch,      ///< All edits at once, then all cases.
  end,        ///< Case by case on the model edited so far, then all cases.
  immediate,  ///< Case by case, each asked right after its own edits.
};
const char* to_string(Schedule schedule);
/// In the order in which a run takes them: `end` may then take over what `immediate` has edited.
const std::vector<Schedule>& known_schedules();

/// A benchmark run as its file describes it (contract, section 6).
struct BenchConfig {
  std::string name;
  std::string model;               ///< Directory; empty: the caller's default.
  std::string dataset;             ///< "mquake:FILE", "counterfact:FILE", "zsre:FILE"
  std::string cases;               ///< Selection, "1-100,205"; empty: all.
  std::vector<std::string> edits;  ///< Ids of edits that stay mounted throughout; empty: none.
  std::vector<EditorChoice> editors;
  std::vector<std::string> controls;  ///< of known_controls()
  protocol::GroupingProtocol grouping;
  MaskMode mask = MaskMode::report;
  /// Each gives every editor a column of its own; in the order of `known_schedules`.
  std::vector<Schedule> schedules = {Schedule::batch};
  std::uint64_t seed = 0;  ///< Of the editors; the shuffle has `grouping.seed`.
  std::set<Ask> asks = {Ask::cloze, Ask::question, Ask::direct, Ask::cot};
  answering::FurtherAsks further{};
  std::optional<answering::FreeTextPlan> free_text{};  ///< CounterFact's generation prompts.
  std::vector<std::string> metrics;                    ///< Empty: all that the answers allow.
  std::vector<MatchRule> rules = {MatchRule::exact, MatchRule::dotless};
  std::string prompts = "auto";  ///< "lab", "few-shot", "auto": lab for the lab model.
  std::string dtype = "auto";
  std::string device = "auto";
  std::filesystem::path directory;  ///< Of the file: relative paths start here.
};

struct ControlInfo {
  std::string name;
  std::string summary;  ///< One sentence.
};
const std::vector<ControlInfo>& known_controls();

/// The editors of a run as systems: one for each schedule, under labels of their own where there
/// are several ("rome, end").
struct ScheduledEditor {
  EditorChoice choice;  ///< Its label is the system's.
  Schedule schedule = Schedule::batch;
  std::string edits_of{};  ///< Label of the system that made the same edits before; empty: none.
};
std::vector<ScheduledEditor> scheduled_editors(const BenchConfig& config);

/// Throws `JsonError` with file and pointer; unknown keys and names come with the nearest known
/// one.
BenchConfig read_bench_config(const std::filesystem::path& file);
/// Relative files start at `directory`; where it is empty, at the working directory (a stored
/// configuration has none).
BenchConfig bench_config_from_json(const Json& value, const std::string& origin,
                                   const std::filesystem::path& directory = {});
/// Reading the result gives the same configuration; its canonical text identifies a run.
Json to_json(const BenchConfig& config);

}  // namespace kedit::runner

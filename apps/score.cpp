// kedit score and kedit audit: the evaluator without a model.
#include "eval/score.hpp"

#include "apps/commands.hpp"
#include "apps/score_texts.hpp"
#include "datasets/case_files.hpp"
#include "eval/audit/audit.hpp"
#include "eval/metrics/probability_metrics.hpp"
#include "eval/report/definitions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

namespace kedit::cli {
namespace {

// A wrong name on the command line is the command line's fault.
template <class Parse>
auto from_option(const Context& context, const char* option, Parse parse) {
  try {
    return parse(context.options.text(option));
  } catch (const EvalError& error) {
    throw UsageError(fmt::format("--{}: {}", option, error.what()));
  }
}

DatasetName dataset_name(const std::string& dataset) {
  try {
    return parse_dataset_name(dataset);
  } catch (const DataError& error) {
    throw UsageError(fmt::format("--dataset: {}", error.what()));
  }
}

std::filesystem::path mquake_file(const std::string& dataset) {
  const DatasetName name = dataset_name(dataset);
  if (name.format->name == std::string_view("mquake")) return name.file;
  throw UsageError(fmt::format("--dataset: expected mquake:FILE, found '{}'", dataset));
}

protocol::GroupingProtocol protocol_of(const Context& context, const char* grouping,
                                       const char* size) {
  protocol::GroupingProtocol protocol;
  protocol.grouping = from_option(context, grouping, protocol::parse_grouping);
  protocol.seed = context.options.given("seed")
                      ? static_cast<std::uint64_t>(context.options.integer("seed"))
                      : protocol::default_seed(protocol.grouping);
  protocol.group_size = 0;
  const std::string text = context.options.text(size);
  if (text == "all") return protocol;
  char* end = nullptr;
  protocol.group_size = std::strtoll(text.c_str(), &end, 10);
  if (*end != '\0' || protocol.group_size < 1) {
    throw UsageError(
        fmt::format("--{}: expected a number of 1 or more, or all, found '{}'", size, text));
  }
  return protocol;
}

ScoreOptions score_options(const Context& context) {
  ScoreOptions options;
  options.gold = from_option(context, "gold", parse_gold_side);
  options.rules = from_option(context, "match", parse_match_rules);
  options.transcripts = from_option(context, "transcripts", parse_transcript_form);
  options.pool = protocol_of(context, "grouping", "group-size");
  options.aliases = !context.options.flag("no-aliases");
  options.matching.drop_short_golds = context.options.flag("drop-short-golds");
  return options;
}

// Files of other people's making are scored as they are; what is odd about them is said.
Dataset open_dataset(Context& context) {
  const MquakeDataset dataset =
      read_mquake(mquake_file(context.options.text("dataset")), MquakeChecks::structure);
  auto defects = audit::find_label_defects(dataset.cases);
  // A chain that comes back to its start is odd, but agrees with itself.
  defects.erase(std::remove_if(defects.begin(), defects.end(),
                               [](const audit::LabelDefect& one) {
                                 return one.what.rfind("reading ", 0) != 0;
                               }),
                defects.end());
  if (!defects.empty()) {
    context.note(
        fmt::format("{} records have labels that disagree, the first: {}; kedit audit "
                    "lists them",
                    defects.size(), defects.front().what));
  }
  return cases_of(dataset);
}

std::string score_text(const Json& score) {
  const Json& hit = score["hit"];
  const std::string count = hit.is_number_integer() ? std::to_string(hit.get<std::int64_t>())
                                                    : fmt::format("{:.2f}", hit.get<double>());
  return fmt::format("{} ({:.2f} %)", count, 100.0 * score["value"].get<double>());
}

std::string as_text(const Json& document, const Style& style) {
  std::vector<Table::Column> columns = {{"metric"}, {"n", Table::Align::right}};
  for (const Json& rule : document["protocol"]["match"]) {
    columns.push_back({rule.get<std::string>(), Table::Align::right});
  }
  Table table(columns);
  for (const auto& [name, by_rule] : document["metrics"].items()) {
    std::vector<std::string> row = {metrics::metric_info(name).title};
    row.push_back(to_text(by_rule.begin().value()["n"]));
    for (const Json& rule : document["protocol"]["match"]) {
      const auto score = by_rule.find(rule.get<std::string>());
      row.push_back(score == by_rule.end() ? "-" : score_text(*score));
    }
    table.row(std::move(row));
  }
  const Json& protocol = document["protocol"];
  return fmt::format("{}: {} cases, golds {} the edits, {} without a prediction\n\n{}",
                     document["dataset"]["name"].get<std::string>(),
                     to_text(document["dataset"]["cases"]),
                     protocol["gold"] == "post" ? "after" : "before", to_text(protocol["missing"]),
                     table.text(style));
}

Option seed_option() {
  return integer("seed", "N", "seed of the grouping")
      .otherwise_said("the published one of each grouping")
      .at_least(0);
}

std::string cases_text(const std::vector<std::int64_t>& ids) {
  constexpr std::size_t shown = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(ids.size(), shown); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", ids[i]);
  }
  return ids.size() > shown ? text + ", ..." : text;
}

std::string counts_text(const std::map<std::int64_t, std::int64_t>& counts, const char* unit) {
  std::string text;
  for (const auto& [number, cases] : counts) {
    text += fmt::format("{}{} with {} {}", text.empty() ? "" : ", ", cases, number, unit);
  }
  return text;
}

std::string contamination_text(const audit::Audit& audit) {
  const audit::ContaminationAudit& found = audit.contamination;
  std::string text = fmt::format(
      "Contamination: {} of {} edited cases, {} hops ({} of them edited by the case itself); {} by "
      "labels\n",
      found.intra.count(), audit.edited_cases, found.hops, found.edited_hops,
      found.by_label.count());
  if (found.intra.count() > 0) {
    text += fmt::format("  by hops: {}\n  by edits: {}\n  cases: {}\n",
                        counts_text(found.by_hops, "hops"), counts_text(found.by_edits, "edits"),
                        cases_text(found.intra.cases));
  }
  if (audit.unedited_cases > 0) {
    text +=
        fmt::format("  unedited cases hit: {} of {}\n", found.inter.count(), audit.unedited_cases);
  }
  return text;
}

std::string alike_text(const char* title, const std::vector<audit::DuplicateCases>& alike) {
  std::string text = fmt::format("{}: {}\n", title, alike.size());
  for (const audit::DuplicateCases& one : alike) {
    text += fmt::format("  cases {}{}\n", cases_text(one.cases),
                        one.shared_questions.empty() ? "" : ", with a question in common");
  }
  return text;
}

std::string findings_text(const char* title, const std::vector<audit::QuestionFinding>& findings) {
  constexpr std::size_t shown = 5;
  std::string text = fmt::format("{}: {} questions\n", title, findings.size());
  for (std::size_t i = 0; i < std::min(findings.size(), shown); ++i) {
    text += fmt::format("  case {}, question {}: {} \"{}\"\n", findings[i].case_id,
                        findings[i].question + 1, findings[i].kind, findings[i].detail);
  }
  return findings.size() > shown ? text + "  ...\n" : text;
}

std::string rest_text(const audit::Audit& audit) {
  std::string text = fmt::format("Edit conflicts: {}\n", audit.edit_conflicts.size());
  for (const audit::EditConflict& one : audit.edit_conflicts) {
    text += fmt::format("  by {}: {} {}: {}; cases {}\n", one.level, one.subject, one.relation,
                        fmt::join(one.objects, " | "), cases_text(one.cases));
  }
  text += alike_text("Duplicates", audit.duplicates);
  text += alike_text("Same start and relations", audit.same_paths);
  text += findings_text("Leaks", audit.leaks);
  text += findings_text("Start not named", audit.missing_start);
  text += findings_text("Shared with another path", audit.shared_questions);
  std::set<std::int64_t> unhinted;
  for (const audit::QuestionFinding& one : audit.missing_cues) unhinted.insert(one.case_id);
  text +=
      fmt::format("Relations not hinted at (a screening list): {} hops of questions in {} cases\n",
                  audit.missing_cues.size(), unhinted.size());
  text += fmt::format("Label defects: {}\n", audit.label_defects.size());
  for (std::size_t i = 0; i < std::min<std::size_t>(audit.label_defects.size(), 5); ++i) {
    text +=
        fmt::format("  case {}: {}\n", audit.label_defects[i].case_id, audit.label_defects[i].what);
  }
  text += fmt::format("Ambiguous golds: {}\n", audit.ambiguous.size());
  for (const audit::AmbiguousGold& one : audit.ambiguous) {
    text += fmt::format("  case {}: {}\n", one.case_id, fmt::join(one.shared, " | "));
  }
  return text;
}

int run_audit(Context& context) {
  const protocol::GroupingProtocol protocol = protocol_of(context, "protocol", "group");
  const MquakeDataset dataset =
      read_mquake(mquake_file(context.options.text("dataset")), MquakeChecks::structure);
  const audit::Audit audit = audit::audit_dataset(dataset, protocol);
  const std::string text = fmt::format(
      "{}: {} cases, {} distinct edits in {} places\nSHA-256 {}\n{}: {}; {} groups, SHA-256 {}\n\n"
      "{}{}",
      dataset.name, audit.cases, audit.distinct_edits, audit.edit_occurrences, dataset.sha256,
      to_string(protocol.grouping), protocol::grouping_summary(protocol.grouping), audit.groups,
      audit.groups_sha256, contamination_text(audit), rest_text(audit));
  return context.answer(to_json(audit, dataset, protocol), text);
}

Command audit_command() {
  Command audit;
  audit.name = "audit";
  audit.summary = "find contamination, conflicts, duplicates and leaks in a dataset";
  audit.description =
      "Says which cases other active edits make unanswerable under a grouping, and what is odd in "
      "questions, labels and golds.\n\n" +
      to_text(report::detector_definitions()) + "\n" + to_text(report::grouping_definitions());
  audit.options = {
      text("dataset", "mquake:FILE", "the file").required(),
      text("protocol", "NAME", "which cases are edited together")
          .otherwise("seed0")
          .one_of({"seed0", "poke", "file", "rem"}),
      text("group", "K", "cases whose edits are active together, or all").otherwise("all"),
      seed_option(),
  };
  audit.example = "kedit audit --dataset mquake:MQuAKE-CF-3k.json --protocol seed0 --group 100";
  audit.run = run_audit;
  return audit;
}

std::string means_text(const Json& scores, const Style& style) {
  Table table({{"score"},
               {"per cent", Table::Align::right},
               {"+-", Table::Align::right},
               {"n", Table::Align::right}});
  for (const auto& [name, score] : scores.items()) {
    const bool mean = score.contains("n");
    table.row({name, fmt::format("{:.2f}", 100.0 * score["value"].get<double>()),
               mean ? fmt::format("{:.2f}", 100.0 * score["half_width95"].get<double>()) : "-",
               mean ? to_text(score["n"]) : "-"});
  }
  return table.text(style);
}

int answer_means(Context& context, const std::string& file, std::size_t records,
                 std::size_t answered, const Json& scores) {
  const Json document = {{"dataset", {{"name", file}, {"records", records}}},
                         {"protocol", {{"answered", answered}, {"missing", records - answered}}},
                         {"metrics", scores}};
  return context.answer(document, fmt::format("{}: {} of {} records answered\n\n{}", file, answered,
                                              records, means_text(scores, context.style())));
}

// Outputs of records that are one edit each; matching rules have no say there.
int score_records(Context& context, const DatasetName& name) {
  const Dataset dataset = read_case_file(name);
  const std::string file = name.file.string();
  const auto outputs = metrics::read_probability_predictions(context.options.path("predictions"),
                                                             dataset.cases, file);
  std::map<std::int64_t, const Case*> by_id;
  for (const Case& one : dataset.cases) by_id.emplace(one.id, &one);
  std::vector<metrics::ScoredCase> answered;
  for (const CaseOutputs& one : outputs) {
    const Case& of = *by_id.at(one.case_id);
    answered.push_back({metrics::judge(of, &one, MatchRule::exact, GoldSide::post), false, {}});
  }
  return answer_means(context, file, by_id.size(), outputs.size(),
                      to_json(metrics::probability_scores(answered)));
}

// Options of the one use are no options of the other.
void refuse_beside(const Context& context, const char* use,
                   const std::vector<const char*>& others) {
  for (const char* other : others) {
    if (!context.options.given(other)) continue;
    throw UsageError(fmt::format("--{}: expected without --{}, found both", other, use));
  }
}

int run_score(Context& context) {
  if (context.options.exactly_one({"dataset", "texts"}) == "texts") {
    refuse_beside(context, "texts",
                  {"predictions", "gold", "match", "transcripts", "no-aliases", "drop-short-golds",
                   "grouping", "group-size", "seed"});
    return run_score_texts(context);
  }
  refuse_beside(context, "dataset", {"snippets", "punkt", "model", "store", "edits"});
  if (!context.options.given("predictions")) {
    throw UsageError("--predictions: expected a file beside --dataset, found none");
  }
  const DatasetName name = dataset_name(context.options.text("dataset"));
  if (!name.format->has_chains) return score_records(context, name);
  const ScoreOptions options = score_options(context);
  const Dataset dataset = open_dataset(context);
  const auto predictions = read_predictions(context.options.path("predictions"));
  const Json document = score_predictions(dataset, predictions, options);
  return context.answer(document, as_text(document, context.style()));
}

}  // namespace

std::vector<Command> score_commands() {
  Command score;
  score.name = "score";
  score.summary = "score recorded predictions, or generated texts";
  score.takes = kModel | kMount;
  score.description =
      "Reads {\"case_id\", \"preds\", \"gens\"?} records (a JSON array or JSON lines) and gives "
      "every "
      "metric that they allow. Cases without a prediction count as misses. Questions are never "
      "skipped: untried ones count as wrong, so early stopping shows as a lower bound. CounterFact "
      "takes {\"case_id\", \"rewrite\": [NLL new, NLL true], \"paraphrase\": [...], "
      "\"neighborhood\": [...]}, zsRE {\"number\", \"rewrite\": [tokens right, tokens], "
      "\"paraphrase\", \"specificity\"}. With --texts it gives fluency (n-gram entropy in bits), "
      "with --snippets consistency (TF-IDF cosine) and, for --model, essence (perplexity of the "
      "snippets about the subject), as the ROME and MEMIT harness has them.";
  score.options = {
      text("dataset", "FORMAT:FILE", "the file with the golds; mquake, counterfact or zsre"),
      text("predictions", "FILE", "the recorded predictions; - is standard input"),
      text("gold", "SIDE", "golds after (post) or before (pre) the edits")
          .otherwise("post")
          .one_of({"post", "pre"}),
      text("match", "RULES", "matching rules with commas, or all").otherwise("M0,M2"),
      text("transcripts", "FORM", "how gens are read")
          .otherwise("kedit")
          .one_of({"kedit", "mello"}),
      flag("no-aliases", "only the answer itself is right, aliases are not"),
      flag("drop-short-golds", "containment rules ignore golds of fewer than 3 characters"),
      text("grouping", "NAME", "order of cases for groups, to tell contaminated cases")
          .otherwise("file")
          .one_of({"seed0", "poke", "file", "rem"}),
      text("group-size", "K", "cases whose edits count as active together, or all")
          .otherwise("all"),
      seed_option(),
  };
  const std::vector<Option> of_texts = text_options();
  score.options.insert(score.options.end(), of_texts.begin(), of_texts.end());
  score.description += "\n\n" + to_text(report::metric_definitions()) + "\n" +
                       to_text(report::rule_definitions()) + "\n" +
                       to_text(report::grouping_definitions()) + "\n" +
                       to_text(report::probability_definitions());
  score.example =
      "kedit score --dataset mquake:MQuAKE-CF-3k.json --predictions predictions.json --gold post "
      "--match M0,M2";
  score.run = run_score;
  return {score, audit_command()};
}

}  // namespace kedit::cli

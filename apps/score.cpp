// kedit score: the evaluator on recorded predictions.
#include "eval/score.hpp"

#include "apps/commands.hpp"

#include <fmt/format.h>

#include <cstdlib>

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

std::filesystem::path mquake_file(const std::string& dataset) {
  constexpr std::string_view format = "mquake:";
  if (dataset.substr(0, format.size()) != format) {
    throw UsageError(fmt::format("--dataset: expected mquake:FILE, found '{}'", dataset));
  }
  return dataset.substr(format.size());
}

ScoreOptions score_options(const Context& context) {
  ScoreOptions options;
  options.gold = from_option(context, "gold", parse_gold_side);
  options.rules = from_option(context, "match", parse_match_rules);
  options.transcripts = from_option(context, "transcripts", parse_transcript_form);
  options.pool.grouping = from_option(context, "grouping", parse_grouping);
  options.aliases = !context.options.flag("no-aliases");
  const std::string size = context.options.text("group-size");
  if (size != "all") {
    char* end = nullptr;
    options.pool.group_size = std::strtoll(size.c_str(), &end, 10);
    if (*end != '\0' || options.pool.group_size < 1) {
      throw UsageError(
          fmt::format("--group-size: expected a number of 1 or more, or all, found '{}'", size));
    }
  }
  return options;
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
    std::vector<std::string> row = {metric_info(name).title};
    for (const auto& [rule, score] : by_rule.items()) {
      if (row.size() == 1) row.push_back(to_text(score["n"]));
      row.push_back(score_text(score));
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

int run_score(Context& context) {
  const ScoreOptions options = score_options(context);
  const MquakeDataset dataset = read_mquake(mquake_file(context.options.text("dataset")));
  const auto predictions = read_predictions(context.options.path("predictions"));
  const Json document = score_predictions(dataset, predictions, options);
  return context.answer(document, as_text(document, context.style()));
}

}  // namespace

std::vector<Command> score_commands() {
  Command score;
  score.name = "score";
  score.summary = "score recorded predictions, without a model";
  score.description =
      "Reads {\"case_id\", \"preds\", \"gens\"?} records (a JSON array or JSON lines) and gives "
      "every "
      "metric that they allow. Cases without a prediction count as misses. Questions are never "
      "skipped: untried ones count as wrong, so early stopping shows as a lower bound.";
  score.options = {
      text("dataset", "mquake:FILE", "the file with questions and golds").required(),
      text("predictions", "FILE", "the recorded predictions; - is standard input").required(),
      text("gold", "SIDE", "golds after (post) or before (pre) the edits")
          .otherwise("post")
          .one_of({"post", "pre"}),
      text("match", "RULES", "matching rules with commas: M0, M0s, M1, M2").otherwise("M0,M2"),
      text("transcripts", "FORM", "how gens are read")
          .otherwise("kedit")
          .one_of({"kedit", "mello"}),
      flag("no-aliases", "only the answer itself is right, aliases are not"),
      text("grouping", "NAME", "order of cases for groups, to tell contaminated cases")
          .otherwise("file")
          .one_of({"file", "seed0"}),
      text("group-size", "K", "cases whose edits count as active together, or all")
          .otherwise("all"),
  };
  score.example =
      "kedit score --dataset mquake:MQuAKE-CF-3k.json --predictions predictions.json --gold post "
      "--match M0,M2";
  score.run = run_score;
  return {score};
}

}  // namespace kedit::cli

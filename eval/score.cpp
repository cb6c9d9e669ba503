#include "eval/score.hpp"

#include "eval/contamination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

namespace kedit {
namespace {

Trace trace_from(const JsonView& steps) {
  Trace trace;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const JsonView step = steps.at(i);
    const auto source = step.find("source");
    trace.push_back(
        {step.at("question").string(), step.at("answer").string(), source ? source->string() : ""});
  }
  return trace;
}

Prediction prediction_from(const JsonView& record) {
  Prediction one;
  one.case_id = record.at("case_id").integer();
  one.predictions = record.at("preds").strings();
  const auto gens = record.find("gens");
  if (!gens) return one;
  if (gens->size() != one.predictions.size()) {
    gens->fail(fmt::format("one transcript per prediction ({})", one.predictions.size()));
  }
  const bool structured = gens->size() > 0 && gens->value().front().is_array();
  if (!structured) {
    one.transcripts = gens->strings();
    return one;
  }
  for (std::size_t i = 0; i < gens->size(); ++i) one.traces.push_back(trace_from(gens->at(i)));
  return one;
}

// The text is read once: standard input has no second reading.
std::vector<Json> parse_lines(const std::string& text, const std::string& origin) {
  std::vector<Json> records;
  std::int64_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    ++number;
    if (line.find_first_not_of(" \t\r") != std::string::npos) {
      records.push_back(parse_json(line, fmt::format("{}: line {}", origin, number)));
    }
    begin = end + 1;
  }
  return records;
}

// A JSON array starts with "["; anything else is read as lines.
std::vector<Json> records_of(const std::filesystem::path& file) {
  const std::string text = read_text_file(file);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '[') return parse_lines(text, file.string());
  const Json document = parse_json(text, file.string());
  return {document.begin(), document.end()};
}

CaseOutputs outputs_of(const Prediction& one, TranscriptForm form,
                       const std::vector<std::string>& clozes) {
  CaseOutputs outputs;
  outputs.case_id = one.case_id;
  for (std::size_t i = 0; i < one.predictions.size(); ++i) {
    Answer answer{one.predictions[i], one.predictions[i], std::nullopt};
    if (!one.transcripts.empty()) answer.trace = parse_trace(one.transcripts[i], form, clozes);
    if (!one.traces.empty()) answer.trace = one.traces[i];
    outputs.direct.push_back(std::move(answer));
  }
  return outputs;
}

using OutputsByCase = std::unordered_map<std::int64_t, CaseOutputs>;

OutputsByCase outputs_by_case(const MquakeDataset& dataset,
                              const std::vector<Prediction>& predictions, TranscriptForm form) {
  std::unordered_map<std::int64_t, const MquakeCase*> known;
  for (const MquakeCase& one : dataset.cases) known.emplace(one.case_id, &one);
  const std::vector<std::string> clozes = cloze_templates(dataset.cases);
  OutputsByCase outputs;
  for (const Prediction& one : predictions) {
    const auto found = known.find(one.case_id);
    if (found == known.end()) {
      throw DataError(
          fmt::format("scoring predictions: case_id {}: expected a case of {}, which "
                      "has none of that id",
                      one.case_id, dataset.name));
    }
    if (one.predictions.size() > found->second->questions.size()) {
      throw DataError(
          fmt::format("scoring predictions: case_id {}: preds: expected at most {}, one "
                      "per question, found {}",
                      one.case_id, found->second->questions.size(), one.predictions.size()));
    }
    if (!outputs.emplace(one.case_id, outputs_of(one, form, clozes)).second) {
      throw DataError(
          fmt::format("scoring predictions: case_id {}: expected once, found twice", one.case_id));
    }
  }
  return outputs;
}

using CasesByRule = std::vector<std::pair<MatchRule, std::vector<ScoredCase>>>;

CasesByRule judge_all(const std::vector<MquakeCase>& cases, const OutputsByCase& outputs,
                      const std::set<std::int64_t>& dirty, const ScoreOptions& options) {
  CasesByRule judged;
  for (const MatchRule rule : options.rules) {
    std::vector<ScoredCase> scored;
    for (const MquakeCase& one : cases) {
      const auto found = outputs.find(one.case_id);
      const CaseOutputs* said = found == outputs.end() ? nullptr : &found->second;
      scored.push_back({&one, judge(one, said, rule, options.gold), dirty.count(one.case_id) > 0});
    }
    judged.emplace_back(rule, std::move(scored));
  }
  return judged;
}

// Counts stay whole numbers in JSON; shares of a case (mean, H-Sub) do not.
Json count_to_json(double count) {
  const auto whole = static_cast<std::int64_t>(std::llround(count));
  return std::abs(count - static_cast<double>(whole)) < 1e-9 ? Json(whole) : Json(count);
}

Json score_to_json(const Score& score) {
  return {
      {"hit", count_to_json(score.hit)}, {"n", count_to_json(score.n)}, {"value", score.value()}};
}

Json metrics_to_json(const CasesByRule& judged) {
  Json metrics = Json::object();
  for (const MetricInfo& info : known_metrics()) {
    for (const auto& [rule, cases] : judged) {
      if (const auto scores = case_scores(info.name, cases)) {
        metrics[info.name][to_string(rule)] = score_to_json(total(*scores));
      }
    }
  }
  return metrics;
}

Json breakdowns_to_json(const CasesByRule& judged) {
  Json by = Json::object();
  for (const std::string& breakdown : known_breakdowns()) {
    std::map<std::string, CasesByRule> parts;
    for (const auto& [rule, cases] : judged) {
      for (Bucket& bucket : buckets_of(cases, breakdown)) {
        parts[bucket.name].emplace_back(rule, std::move(bucket.cases));
      }
    }
    by[breakdown] = Json::object();
    for (const auto& [name, part] : parts) by[breakdown][name] = metrics_to_json(part);
  }
  return by;
}

Json protocol_to_json(const MquakeDataset& dataset, const OutputsByCase& outputs,
                      const ScoreOptions& options) {
  Json match = Json::array();
  for (const MatchRule rule : options.rules) match.push_back(to_string(rule));
  std::int64_t untried = 0;
  for (const MquakeCase& one : dataset.cases) {
    const auto found = outputs.find(one.case_id);
    if (found == outputs.end()) continue;
    untried += static_cast<std::int64_t>(one.questions.size() - found->second.direct.size());
  }
  return {
      {"gold", to_string(options.gold)},
      {"match", match},
      {"aliases", options.aliases},
      {"missing", dataset.cases.size() - outputs.size()},
      {"untried_questions", untried},
      {"grouping", to_string(options.pool.grouping)},
      {"group_size", options.pool.group_size == 0 ? Json("all") : Json(options.pool.group_size)},
      {"seed", options.pool.seed}};
}

std::vector<MquakeCase> without_aliases(std::vector<MquakeCase> cases) {
  const auto strip = [](std::vector<Hop>& hops) {
    for (Hop& hop : hops) hop.gold.aliases.clear();
  };
  for (MquakeCase& one : cases) {
    one.pre.aliases.clear();
    one.post.aliases.clear();
    strip(one.hops);
    strip(one.new_hops);
  }
  return cases;
}

}  // namespace

std::vector<Prediction> read_predictions(const std::filesystem::path& file) {
  try {
    std::vector<Prediction> predictions;
    const std::vector<Json> records = records_of(file);
    for (std::size_t i = 0; i < records.size(); ++i) {
      predictions.push_back(
          prediction_from(JsonView(records[i], file.string(), fmt::format("/{}", i))));
    }
    return predictions;
  } catch (const JsonError& error) {
    throw DataError(error.what());
  }
}

std::vector<std::string> cloze_templates(const std::vector<MquakeCase>& cases) {
  std::set<std::string> templates;
  for (const MquakeCase& one : cases) {
    for (const Rewrite& rewrite : one.rewrites) templates.insert(rewrite.prompt);
    for (std::size_t i = 0; i < one.new_hops.size() && i < one.new_triples_labeled.size(); ++i) {
      std::string cloze = one.new_hops[i].cloze;
      const std::string& subject = one.new_triples_labeled[i].subject;
      const std::size_t at = subject.empty() ? std::string::npos : cloze.find(subject);
      if (at != std::string::npos) templates.insert(cloze.replace(at, subject.size(), "{}"));
    }
  }
  return {templates.begin(), templates.end()};
}

Json score_predictions(const MquakeDataset& dataset, const std::vector<Prediction>& predictions,
                       const ScoreOptions& options) {
  const OutputsByCase outputs = outputs_by_case(dataset, predictions, options.transcripts);
  std::vector<std::int64_t> ids;
  for (const MquakeCase& one : dataset.cases) ids.push_back(one.case_id);
  const auto dirty = contaminated_cases(dataset, group_cases(ids, options.pool));
  const std::vector<MquakeCase> cases =
      options.aliases ? dataset.cases : without_aliases(dataset.cases);
  const CasesByRule judged = judge_all(cases, outputs, dirty, options);
  return {{"dataset",
           {{"name", dataset.name},
            {"sha256", dataset.sha256},
            {"content_sha256", dataset.content_sha256},
            {"cases", dataset.cases.size()}}},
          {"protocol", protocol_to_json(dataset, outputs, options)},
          {"metrics", metrics_to_json(judged)},
          {"by", breakdowns_to_json(judged)}};
}

}  // namespace kedit

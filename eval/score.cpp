#include "eval/score.hpp"

#include "edits/hash.hpp"
#include "eval/protocol/contamination.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

ForcedScore tokens_from(const JsonView& pair) {
  ForcedScore score;
  if (pair.size() != 2) pair.fail("[tokens right, tokens]");
  score.matched = pair.at(std::size_t{0}).integer();
  score.tokens = pair.at(std::size_t{1}).integer();
  if (score.tokens < 1 || score.matched < 0 || score.matched > score.tokens) {
    pair.fail("at least one token, and not more right than there are");
  }
  score.recalled = score.matched == score.tokens;
  return score;
}

void read_tokens(const JsonView& record, const char* key, std::vector<ForcedScore>& scores) {
  const auto list = record.find(key);
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    scores.push_back(tokens_from(list->at(i)));
  }
}

void read_further_forms(const JsonView& record, Prediction& one) {
  const std::pair<const char*, std::vector<std::string>*> lists[] = {
      {"edits", &one.edits},
      {"hops", &one.hops},
      {"cot", &one.cot},
      {"probe_clozes", &one.probe_clozes},
      {"probe_questions", &one.probe_questions}};
  for (const auto& [key, list] : lists) {
    if (const auto found = record.find(key)) *list = found->strings();
  }
  read_tokens(record, "edit_tokens", one.edit_tokens);
  read_tokens(record, "tokens", one.tokens);
  const auto flag = record.find("succ");
  if (flag && flag->value().is_boolean()) one.flag = flag->boolean();
}

Prediction prediction_from(const JsonView& record) {
  Prediction one;
  one.case_id = record.at("case_id").integer();
  one.predictions = record.at("preds").strings();
  read_further_forms(record, one);
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

std::vector<Answer> answers_of(const std::vector<std::string>& texts) {
  std::vector<Answer> answers;
  for (const std::string& text : texts) answers.push_back({text, text, std::nullopt});
  return answers;
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
  outputs.edits = answers_of(one.edits);
  outputs.hops = answers_of(one.hops);
  outputs.cot = answers_of(one.cot);
  outputs.probe_clozes = answers_of(one.probe_clozes);
  outputs.probe_questions = answers_of(one.probe_questions);
  outputs.forced = one.edit_tokens;
  outputs.direct_forced = one.tokens;
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
      scored.push_back({&one,
                        judge(one, said, rule, options.gold, options.matching),
                        dirty.count(one.case_id) > 0,
                        {}});
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
    if (parts.empty()) continue;
    by[breakdown] = Json::object();
    for (const auto& [name, part] : parts) by[breakdown][name] = metrics_to_json(part);
  }
  return by;
}

bool any_right(const ScoredCase& one) {
  return std::count(one.verdicts.direct.begin(), one.verdicts.direct.end(), true) > 0;
}

using Flags = std::unordered_map<std::int64_t, bool>;

// Which cases a rule hits, as one hash, and how far a run's own flags agree with the rule.
Json hits_to_json(const CasesByRule& judged, const Flags& flags) {
  Json hits = Json::object();
  for (const auto& [rule, cases] : judged) {
    if (rule == MatchRule::tokens) continue;
    std::vector<std::int64_t> ids;
    std::int64_t agrees = 0;
    for (const ScoredCase& one : cases) {
      const bool right = any_right(one);
      if (right) ids.push_back(one.verdicts.case_id);
      const auto flag = flags.find(one.verdicts.case_id);
      if (flag != flags.end() && flag->second == right) ++agrees;
    }
    std::sort(ids.begin(), ids.end());
    Json& entry = hits[to_string(rule)];
    entry = {{"count", ids.size()}, {"sha256", sha256_hex(fmt::format("{}", fmt::join(ids, ",")))}};
    if (!flags.empty()) entry["agrees_with_flag"] = agrees;
  }
  return hits;
}

Flags flags_of(const std::vector<Prediction>& predictions) {
  Flags flags;
  for (const Prediction& one : predictions) {
    if (one.flag) flags.emplace(one.case_id, *one.flag);
  }
  return flags;
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

// P-rem: cases that stay unedited are scored on the chain and golds before the edits.
std::vector<MquakeCase> cases_under(const MquakeDataset& dataset, const ScoreOptions& options,
                                    const std::vector<std::int64_t>& ids) {
  const std::vector<std::int64_t> rest = unedited_cases(ids, options.pool);
  const std::set<std::int64_t> unedited(rest.begin(), rest.end());
  std::vector<MquakeCase> cases = options.aliases ? dataset.cases : without_aliases(dataset.cases);
  for (MquakeCase& one : cases) {
    if (unedited.count(one.case_id) > 0) one = as_unedited(std::move(one));
  }
  return cases;
}

std::set<std::int64_t> dirty_cases(const std::vector<MquakeCase>& cases,
                                   const std::vector<std::int64_t>& ids,
                                   const GroupingProtocol& protocol) {
  const auto groups = group_cases(ids, protocol);
  if (protocol.grouping != Grouping::rem) {
    MquakeDataset dataset;
    dataset.cases = cases;
    return contaminated_cases(dataset, groups);
  }
  std::set<std::int64_t> dirty;
  std::vector<const MquakeCase*> active;
  for (const MquakeCase& one : cases) {
    if (!one.rewrites.empty()) active.push_back(&one);
  }
  const EditPool pool = edit_pool(active);
  for (const MquakeCase& one : cases) {
    if (contaminated(one, pool)) dirty.insert(one.case_id);
  }
  return dirty;
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
      {"short_golds", options.matching.drop_short_golds ? "dropped" : "kept"},
      {"missing", dataset.cases.size() - outputs.size()},
      {"untried_questions", untried},
      {"grouping", to_string(options.pool.grouping)},
      {"group_size", options.pool.group_size == 0 ? Json("all") : Json(options.pool.group_size)},
      {"seed", options.pool.seed}};
}

}  // namespace

std::vector<Json> read_records_or_lines(const std::filesystem::path& file) {
  const std::string text = read_text_file(file);  // an array starts with "["; else lines
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '[') return parse_lines(text, file.string());
  const Json document = parse_json(text, file.string());
  return {document.begin(), document.end()};
}

std::vector<Prediction> read_predictions(const std::filesystem::path& file) {
  try {
    std::vector<Prediction> predictions;
    const std::vector<Json> records = read_records_or_lines(file);
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
  const std::vector<MquakeCase> cases = cases_under(dataset, options, ids);
  const auto dirty = dirty_cases(cases, ids, options.pool);
  const CasesByRule judged = judge_all(cases, outputs, dirty, options);
  return {{"dataset",
           {{"name", dataset.name},
            {"sha256", dataset.sha256},
            {"content_sha256", dataset.content_sha256},
            {"cases", dataset.cases.size()}}},
          {"protocol", protocol_to_json(dataset, outputs, options)},
          {"metrics", metrics_to_json(judged)},
          {"by", breakdowns_to_json(judged)},
          {"hits", hits_to_json(judged, flags_of(predictions))}};
}

}  // namespace kedit

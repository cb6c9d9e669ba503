#include "eval/score.hpp"

#include "edits/hash.hpp"
#include "eval/metrics/old_outputs.hpp"
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

void read_tokens(const JsonView& record, const char* key, std::vector<ForcedScore>& scores) {
  const auto list = record.find(key);
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    scores.push_back(metrics::tokens_from(list->at(i)));
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

// Hops in the order of the chain: the edited ones were asked by cloze.
void add_hops(const Prediction& one, const Case& of, CaseOutputs* outputs) {
  if (one.hops.size() > of.after.size()) {
    throw EvalError(fmt::format("judging case {}: hops: expected at most {}, found {}", of.id,
                                of.after.size(), one.hops.size()));
  }
  for (std::size_t i = 0; i < of.prompts.size(); ++i) {
    const auto place = static_cast<std::size_t>(of.prompts[i].place);
    const PromptKind asked =
        is_edited_hop(of, place) ? PromptKind::hop_cloze : PromptKind::hop_question;
    if (of.prompts[i].kind != asked || place >= one.hops.size()) continue;
    outputs->outputs.push_back(
        {i, OutputKind::answer, {one.hops[place], one.hops[place], std::nullopt}, {}});
  }
}

CaseOutputs outputs_of(const Prediction& one, const Case& of, TranscriptForm form,
                       const std::vector<std::string>& clozes) {
  CaseOutputs outputs;
  outputs.case_id = one.case_id;
  std::vector<Answer> direct = answers_of(one.predictions);
  for (std::size_t i = 0; i < direct.size(); ++i) {
    if (!one.transcripts.empty()) direct[i].trace = parse_trace(one.transcripts[i], form, clozes);
    if (!one.traces.empty()) direct[i].trace = one.traces[i];
  }
  const auto add = [&](PromptKind prompt, OutputKind kind, const char* what, const auto& list) {
    add_outputs(of, prompt, kind, what, list, &outputs);
  };
  add(PromptKind::edit, OutputKind::answer, "edits", answers_of(one.edits));
  add(PromptKind::edit, OutputKind::forced, "forced", one.edit_tokens);
  add_hops(one, of, &outputs);
  add(PromptKind::question, OutputKind::answer, "preds", direct);
  add(PromptKind::question, OutputKind::forced, "direct_forced", one.tokens);
  add(PromptKind::question, OutputKind::thoughts, "cot", answers_of(one.cot));
  add(PromptKind::hop_cloze, OutputKind::probe, "probe_clozes", answers_of(one.probe_clozes));
  add(PromptKind::hop_question, OutputKind::probe, "probe_questions",
      answers_of(one.probe_questions));
  return outputs;
}

using OutputsByCase = std::unordered_map<std::int64_t, CaseOutputs>;

// `cases` are those of the dataset, in the form in which they are scored.
OutputsByCase outputs_by_case(const Dataset& dataset, const std::vector<Case>& cases,
                              const std::vector<Prediction>& predictions, TranscriptForm form) {
  std::unordered_map<std::int64_t, const Case*> known;
  for (const Case& one : cases) known.emplace(one.id, &one);
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
    const std::int64_t questions = found->second->count(PromptKind::question);
    if (static_cast<std::int64_t>(one.predictions.size()) > questions) {
      throw DataError(
          fmt::format("scoring predictions: case_id {}: preds: expected at most {}, one "
                      "per question, found {}",
                      one.case_id, questions, one.predictions.size()));
    }
    if (!outputs.emplace(one.case_id, outputs_of(one, *found->second, form, clozes)).second) {
      throw DataError(
          fmt::format("scoring predictions: case_id {}: expected once, found twice", one.case_id));
    }
  }
  return outputs;
}

using CasesByRule = std::vector<std::pair<MatchRule, std::vector<metrics::ScoredCase>>>;

CasesByRule judge_all(const std::vector<Case>& cases, const OutputsByCase& outputs,
                      const std::set<std::int64_t>& dirty, const ScoreOptions& options) {
  CasesByRule judged;
  for (const MatchRule rule : options.rules) {
    std::vector<metrics::ScoredCase> scored;
    for (const Case& one : cases) {
      const auto found = outputs.find(one.id);
      const CaseOutputs* said = found == outputs.end() ? nullptr : &found->second;
      scored.push_back({metrics::judge(one, said, rule, options.gold, options.matching),
                        dirty.count(one.id) > 0,
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

Json score_to_json(const metrics::Score& score) {
  return {
      {"hit", count_to_json(score.hit)}, {"n", count_to_json(score.n)}, {"value", score.value()}};
}

Json metrics_to_json(const CasesByRule& judged) {
  Json metrics = Json::object();
  for (const metrics::MetricInfo& info : metrics::known_metrics()) {
    for (const auto& [rule, cases] : judged) {
      if (const auto scores = metrics::case_scores(info.name, cases)) {
        metrics[info.name][to_string(rule)] = score_to_json(metrics::total(*scores));
      }
    }
  }
  return metrics;
}

Json breakdowns_to_json(const CasesByRule& judged) {
  Json by = Json::object();
  for (const std::string& breakdown : metrics::known_breakdowns()) {
    std::map<std::string, CasesByRule> parts;
    for (const auto& [rule, cases] : judged) {
      for (metrics::Bucket& bucket : metrics::buckets_of(cases, breakdown)) {
        parts[bucket.name].emplace_back(rule, std::move(bucket.cases));
      }
    }
    if (parts.empty()) continue;
    by[breakdown] = Json::object();
    for (const auto& [name, part] : parts) by[breakdown][name] = metrics_to_json(part);
  }
  return by;
}

bool any_right(const metrics::ScoredCase& one) {
  const std::vector<bool> direct =
      metrics::verdicts_of(one.judged, PromptKind::question, OutputKind::answer);
  return std::count(direct.begin(), direct.end(), true) > 0;
}

using Flags = std::unordered_map<std::int64_t, bool>;

// Which cases a rule hits, as one hash, and how far a run's own flags agree with the rule.
Json hits_to_json(const CasesByRule& judged, const Flags& flags) {
  Json hits = Json::object();
  for (const auto& [rule, cases] : judged) {
    if (rule == MatchRule::tokens) continue;
    std::vector<std::int64_t> ids;
    std::int64_t agrees = 0;
    for (const metrics::ScoredCase& one : cases) {
      const bool right = any_right(one);
      if (right) ids.push_back(one.judged.of->id);
      const auto flag = flags.find(one.judged.of->id);
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

std::vector<Case> without_aliases(std::vector<Case> cases) {
  for (Case& one : cases) {
    for (Prompt& prompt : one.prompts) {
      prompt.gold.aliases.clear();
      prompt.old.aliases.clear();
    }
  }
  return cases;
}

// P-rem: cases that stay unedited are scored on the chain and golds before the edits.
std::vector<Case> cases_under(const Dataset& dataset, const ScoreOptions& options,
                              const std::vector<std::int64_t>& ids) {
  const std::vector<std::int64_t> rest = protocol::unedited_cases(ids, options.pool);
  const std::set<std::int64_t> unedited(rest.begin(), rest.end());
  std::vector<Case> cases = options.aliases ? dataset.cases : without_aliases(dataset.cases);
  for (Case& one : cases) {
    if (unedited.count(one.id) > 0) one = as_unedited(std::move(one));
  }
  return cases;
}

std::set<std::int64_t> dirty_cases(const std::vector<Case>& cases,
                                   const std::vector<std::int64_t>& ids,
                                   const protocol::GroupingProtocol& protocol) {
  const auto groups = protocol::group_cases(ids, protocol);
  if (protocol.grouping != protocol::Grouping::rem) {
    Dataset dataset;
    dataset.cases = cases;
    return protocol::contaminated_cases(dataset, groups);
  }
  std::set<std::int64_t> dirty;
  std::vector<const Case*> active;
  for (const Case& one : cases) {
    if (!one.edits.empty()) active.push_back(&one);
  }
  const protocol::EditPool pool = protocol::edit_pool(active);
  for (const Case& one : cases) {
    if (protocol::contaminated(one, pool)) dirty.insert(one.id);
  }
  return dirty;
}

Json protocol_to_json(const std::vector<Case>& cases, const OutputsByCase& outputs,
                      const ScoreOptions& options) {
  Json match = Json::array();
  for (const MatchRule rule : options.rules) match.push_back(to_string(rule));
  std::int64_t untried = 0;
  for (const Case& one : cases) {
    const auto found = outputs.find(one.id);
    if (found == outputs.end()) continue;
    const auto tried = outputs_of(found->second, one, PromptKind::question, OutputKind::answer);
    untried += one.count(PromptKind::question) - static_cast<std::int64_t>(tried.size());
  }
  return {
      {"gold", to_string(options.gold)},
      {"match", match},
      {"aliases", options.aliases},
      {"short_golds", options.matching.drop_short_golds ? "dropped" : "kept"},
      {"missing", cases.size() - outputs.size()},
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

std::vector<std::string> cloze_templates(const std::vector<Case>& cases) {
  std::set<std::string> templates;
  for (const Case& one : cases) {
    for (const EditRequest& edit : one.edits) templates.insert(edit.prompt);
    for (const Prompt& prompt : one.prompts) {
      const auto place = static_cast<std::size_t>(prompt.place);
      if (prompt.kind != PromptKind::hop_cloze || place >= one.after.size()) continue;
      std::string cloze = prompt.text;
      const std::string& subject = one.after[place].labels.subject;
      const std::size_t at = subject.empty() ? std::string::npos : cloze.find(subject);
      if (at != std::string::npos) templates.insert(cloze.replace(at, subject.size(), "{}"));
    }
  }
  return {templates.begin(), templates.end()};
}

Json score_predictions(const Dataset& dataset, const std::vector<Prediction>& predictions,
                       const ScoreOptions& options) {
  std::vector<std::int64_t> ids;
  for (const Case& one : dataset.cases) ids.push_back(one.id);
  const std::vector<Case> cases = cases_under(dataset, options, ids);
  const OutputsByCase outputs = outputs_by_case(dataset, cases, predictions, options.transcripts);
  const auto dirty = dirty_cases(cases, ids, options.pool);
  const CasesByRule judged = judge_all(cases, outputs, dirty, options);
  return {{"dataset",
           {{"name", dataset.name},
            {"sha256", dataset.sha256},
            {"content_sha256", dataset.content_sha256},
            {"cases", dataset.cases.size()}}},
          {"protocol", protocol_to_json(cases, outputs, options)},
          {"metrics", metrics_to_json(judged)},
          {"by", breakdowns_to_json(judged)},
          {"hits", hits_to_json(judged, flags_of(predictions))}};
}

}  // namespace kedit

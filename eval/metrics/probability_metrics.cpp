#include "eval/metrics/probability_metrics.hpp"

#include "datasets/mquake.hpp"
#include "eval/score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace kedit {
namespace {

MeanScore mean_of(const std::vector<double>& values) {
  MeanScore score;
  score.n = static_cast<std::int64_t>(values.size());
  if (values.empty()) return score;
  const auto n = static_cast<double>(values.size());
  double sum = 0.0, squares = 0.0;
  for (const double value : values) sum += value;
  score.value = sum / n;
  for (const double value : values) squares += (value - score.value) * (value - score.value);
  score.half_width = 1.96 * std::sqrt(squares / n) / std::sqrt(n);
  return score;
}

using PromptValue = double (*)(const ObjectScores&);

double prefers_new(const ObjectScores& one) { return one.new_nll < one.true_nll ? 1.0 : 0.0; }
double prefers_true(const ObjectScores& one) { return one.true_nll < one.new_nll ? 1.0 : 0.0; }
double margin_new(const ObjectScores& one) {
  return std::exp(-one.new_nll) - std::exp(-one.true_nll);
}
double margin_true(const ObjectScores& one) { return -margin_new(one); }

// Mean over the prompts of one kind; nothing where the record has none.
void put_mean(RecordScores& scores, const char* name, const std::vector<ObjectScores>& prompts,
              PromptValue value) {
  if (prompts.empty()) return;
  double sum = 0.0;
  for (const ObjectScores& prompt : prompts) sum += value(prompt);
  scores[name] = sum / static_cast<double>(prompts.size());
}

template <class Outputs>
std::optional<MeanScore> over_records(const std::vector<Outputs>& outputs, const char* name) {
  std::vector<double> values;
  for (const Outputs& one : outputs) {
    const RecordScores scores = record_scores(one);
    const auto found = scores.find(name);
    if (found != scores.end()) values.push_back(found->second);
  }
  if (values.empty()) return std::nullopt;
  return mean_of(values);
}

double share(const ForcedScore& score) {
  return score.tokens > 0 ? static_cast<double>(score.matched) / static_cast<double>(score.tokens)
                          : 0.0;
}

Json pair_json(const ObjectScores& one) { return Json::array({one.new_nll, one.true_nll}); }

Json pairs_json(const std::vector<ObjectScores>& list) {
  Json out = Json::array();
  for (const ObjectScores& one : list) out.push_back(pair_json(one));
  return out;
}

ObjectScores pair_from(const JsonView& view) {
  if (view.size() != 2) view.fail("[NLL of the new object, NLL of the true one]");
  return {view.at(std::size_t{0}).number(), view.at(std::size_t{1}).number()};
}

std::vector<ObjectScores> pairs_from(const JsonView& record, const char* key) {
  std::vector<ObjectScores> list;
  const auto found = record.find(key);
  for (std::size_t i = 0; found && i < found->size(); ++i) {
    list.push_back(pair_from(found->at(i)));
  }
  return list;
}

ForcedScore tokens_from(const JsonView& view) {
  if (view.size() != 2) view.fail("[tokens right, tokens]");
  ForcedScore score;
  score.matched = view.at(std::size_t{0}).integer();
  score.tokens = view.at(std::size_t{1}).integer();
  if (score.tokens < 1 || score.matched < 0 || score.matched > score.tokens) {
    view.fail("at least one token, and not more right than there are");
  }
  score.recalled = score.matched == score.tokens;
  return score;
}

Json tokens_json(const ForcedScore& score) { return Json::array({score.matched, score.tokens}); }

template <class Record>
std::vector<Record> read_outputs(const std::filesystem::path& file,
                                 const std::function<Record(const JsonView&)>& read) {
  try {
    std::vector<Record> outputs;
    const std::vector<Json> records = read_records_or_lines(file);
    for (std::size_t i = 0; i < records.size(); ++i) {
      outputs.push_back(read(JsonView(records[i], file.string(), fmt::format("/{}", i))));
    }
    return outputs;
  } catch (const JsonError& error) {
    throw DataError(error.what());
  }
}

}  // namespace

double harmonic_mean(const std::vector<double>& values) {
  double inverse = 0.0;
  for (const double value : values) {
    if (value <= 0.0) return 0.0;
    inverse += 1.0 / value;
  }
  return values.empty() ? 0.0 : static_cast<double>(values.size()) / inverse;
}

RecordScores record_scores(const CounterFactOutputs& one) {
  RecordScores scores;
  put_mean(scores, "counterfact_es", {one.rewrite}, prefers_new);
  put_mean(scores, "counterfact_em", {one.rewrite}, margin_new);
  put_mean(scores, "counterfact_ps", one.paraphrase, prefers_new);
  put_mean(scores, "counterfact_pm", one.paraphrase, margin_new);
  put_mean(scores, "counterfact_ns", one.neighborhood, prefers_true);
  put_mean(scores, "counterfact_nm", one.neighborhood, margin_true);
  return scores;
}

RecordScores record_scores(const ZsreOutputs& one) {
  return {{"zsre_efficacy", share(one.rewrite)},
          {"zsre_paraphrase", share(one.paraphrase)},
          {"zsre_specificity", share(one.specificity)}};
}

CounterFactScores counterfact_scores(const std::vector<CounterFactOutputs>& outputs) {
  const auto mean = [&](const char* name) { return over_records(outputs, name); };
  CounterFactScores scores{mean("counterfact_es"),
                           mean("counterfact_ps"),
                           mean("counterfact_ns"),
                           mean("counterfact_em"),
                           mean("counterfact_pm"),
                           mean("counterfact_nm"),
                           std::nullopt};
  if (scores.es && scores.ps && scores.ns) {
    scores.s = harmonic_mean({scores.es->value, scores.ps->value, scores.ns->value});
  }
  return scores;
}

ZsreScores zsre_scores(const std::vector<ZsreOutputs>& outputs) {
  const auto mean = [&](const char* name) {
    return over_records(outputs, name).value_or(MeanScore{});
  };
  ZsreScores scores{mean("zsre_efficacy"), mean("zsre_paraphrase"), mean("zsre_specificity"), 0.0};
  scores.harmonic =
      harmonic_mean({scores.efficacy.value, scores.paraphrase.value, scores.specificity.value});
  return scores;
}

Json to_json(const CounterFactOutputs& one) {
  return {{"case_id", one.case_id},
          {"rewrite", pair_json(one.rewrite)},
          {"paraphrase", pairs_json(one.paraphrase)},
          {"neighborhood", pairs_json(one.neighborhood)}};
}

Json to_json(const ZsreOutputs& one) {
  return {{"number", one.number},
          {"rewrite", tokens_json(one.rewrite)},
          {"paraphrase", tokens_json(one.paraphrase)},
          {"specificity", tokens_json(one.specificity)}};
}

CounterFactOutputs counterfact_outputs_from(const JsonView& view) {
  return {view.at("case_id").integer(), pair_from(view.at("rewrite")),
          pairs_from(view, "paraphrase"), pairs_from(view, "neighborhood")};
}

ZsreOutputs zsre_outputs_from(const JsonView& view) {
  return {view.at("number").integer(), tokens_from(view.at("rewrite")),
          tokens_from(view.at("paraphrase")), tokens_from(view.at("specificity"))};
}

std::vector<CounterFactOutputs> read_counterfact_outputs(const std::filesystem::path& file) {
  return read_outputs<CounterFactOutputs>(file, counterfact_outputs_from);
}

std::vector<ZsreOutputs> read_zsre_outputs(const std::filesystem::path& file) {
  return read_outputs<ZsreOutputs>(file, zsre_outputs_from);
}

std::vector<NamedScore> named_scores(const CounterFactScores& scores) {
  std::vector<NamedScore> list;
  const std::pair<const char*, const std::optional<MeanScore>*> means[] = {
      {"ES", &scores.es}, {"PS", &scores.ps}, {"NS", &scores.ns},
      {"EM", &scores.em}, {"PM", &scores.pm}, {"NM", &scores.nm}};
  for (const auto& [name, mean] : means) {
    if (*mean) list.push_back({name, (*mean)->value, *mean});
  }
  if (scores.s) list.push_back({"S", *scores.s, std::nullopt});
  return list;
}

std::vector<NamedScore> named_scores(const ZsreScores& scores) {
  return {{"efficacy", scores.efficacy.value, scores.efficacy},
          {"paraphrase", scores.paraphrase.value, scores.paraphrase},
          {"specificity", scores.specificity.value, scores.specificity},
          {"harmonic_mean", scores.harmonic, std::nullopt}};
}

Json to_json(const std::vector<NamedScore>& scores) {
  Json out = Json::object();
  for (const NamedScore& one : scores) {
    out[one.name] = {{"value", one.value}};
    if (!one.mean) continue;
    out[one.name]["half_width95"] = one.mean->half_width;
    out[one.name]["n"] = one.mean->n;
  }
  return out;
}

}  // namespace kedit

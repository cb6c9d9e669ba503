#include "eval/probability_metrics.hpp"

#include "eval/answerers.hpp"
#include "eval/definitions.hpp"
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

std::optional<MeanScore> over_records(const std::vector<CounterFactOutputs>& outputs,
                                      std::vector<ObjectScores> CounterFactOutputs::*prompts,
                                      PromptValue value) {
  std::vector<double> means;
  for (const CounterFactOutputs& one : outputs) {
    const std::vector<ObjectScores>& list = one.*prompts;
    if (list.empty()) continue;
    double sum = 0.0;
    for (const ObjectScores& prompt : list) sum += value(prompt);
    means.push_back(sum / static_cast<double>(list.size()));
  }
  if (means.empty()) return std::nullopt;
  return mean_of(means);
}

double mean_nll(const ContinuationScore& score) {
  return score.token_ids.empty() ? 0.0
                                 : -score.logprob() / static_cast<double>(score.token_ids.size());
}

// Both objects after every prompt, in one call: a prompt's beginning is computed once.
std::vector<ObjectScores> score_objects(const LanguageModel& model,
                                        const std::vector<std::string>& prompts,
                                        const std::string& target_new,
                                        const std::string& target_true) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& prompt : prompts) {
    pairs.emplace_back(prompt, spaced_target(prompt, target_new));
    pairs.emplace_back(prompt, spaced_target(prompt, target_true));
  }
  std::vector<ObjectScores> scores;
  if (pairs.empty()) return scores;
  const auto said = model.score(pairs);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    scores.push_back({mean_nll(said.at(2 * i)), mean_nll(said.at(2 * i + 1))});
  }
  return scores;
}

ForcedScore forced(const LanguageModel& model, const std::string& prompt,
                   const std::string& answer) {
  return forced_score(model.score({{prompt, spaced_target(prompt, answer)}}).at(0));
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

Json mean_json(const MeanScore& score) {
  return {{"value", score.value}, {"half_width95", score.half_width}, {"n", score.n}};
}

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

CounterFactScores counterfact_scores(const std::vector<CounterFactOutputs>& outputs) {
  CounterFactScores scores;
  std::vector<double> efficacy, magnitude;
  for (const CounterFactOutputs& one : outputs) {
    efficacy.push_back(prefers_new(one.rewrite));
    magnitude.push_back(margin_new(one.rewrite));
  }
  if (!outputs.empty()) {
    scores.es = mean_of(efficacy);
    scores.em = mean_of(magnitude);
  }
  scores.ps = over_records(outputs, &CounterFactOutputs::paraphrase, prefers_new);
  scores.pm = over_records(outputs, &CounterFactOutputs::paraphrase, margin_new);
  scores.ns = over_records(outputs, &CounterFactOutputs::neighborhood, prefers_true);
  scores.nm = over_records(outputs, &CounterFactOutputs::neighborhood, margin_true);
  if (scores.es && scores.ps && scores.ns) {
    scores.s = harmonic_mean({scores.es->value, scores.ps->value, scores.ns->value});
  }
  return scores;
}

ZsreScores zsre_scores(const std::vector<ZsreOutputs>& outputs) {
  std::vector<double> efficacy, paraphrase, specificity;
  for (const ZsreOutputs& one : outputs) {
    efficacy.push_back(share(one.rewrite));
    paraphrase.push_back(share(one.paraphrase));
    specificity.push_back(share(one.specificity));
  }
  ZsreScores scores{mean_of(efficacy), mean_of(paraphrase), mean_of(specificity), 0.0};
  scores.harmonic =
      harmonic_mean({scores.efficacy.value, scores.paraphrase.value, scores.specificity.value});
  return scores;
}

CounterFactOutputs ask_counterfact(const LanguageModel& model, const CounterFactRecord& record) {
  const EditRequest& request = record.request;
  const std::string target_true = request.target_true.value_or("");
  CounterFactOutputs outputs;
  outputs.case_id = record.case_id;
  outputs.rewrite =
      score_objects(model, {filled_prompt(request)}, request.target_new, target_true).at(0);
  outputs.paraphrase = score_objects(model, request.rephrases, request.target_new, target_true);
  for (const NeighborPrompt& one : record.neighborhood) {
    outputs.neighborhood.push_back(
        score_objects(model, {one.prompt}, request.target_new, one.answer).at(0));
  }
  return outputs;
}

ZsreOutputs ask_zsre(const LanguageModel& model, const ZsreRecord& record) {
  const EditRequest& request = record.request;
  ZsreOutputs outputs;
  outputs.number = record.number;
  outputs.rewrite = forced(model, filled_prompt(request), request.target_new);
  outputs.paraphrase = forced(model, request.rephrases.at(0), request.target_new);
  // The harness of ROME puts a question mark after the unrelated question.
  outputs.specificity = forced(model, record.locality.prompt + "?", record.locality.answer);
  return outputs;
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

std::vector<CounterFactOutputs> read_counterfact_outputs(const std::filesystem::path& file) {
  return read_outputs<CounterFactOutputs>(file, [](const JsonView& view) {
    return CounterFactOutputs{view.at("case_id").integer(), pair_from(view.at("rewrite")),
                              pairs_from(view, "paraphrase"), pairs_from(view, "neighborhood")};
  });
}

std::vector<ZsreOutputs> read_zsre_outputs(const std::filesystem::path& file) {
  return read_outputs<ZsreOutputs>(file, [](const JsonView& view) {
    return ZsreOutputs{view.at("number").integer(), tokens_from(view.at("rewrite")),
                       tokens_from(view.at("paraphrase")), tokens_from(view.at("specificity"))};
  });
}

Json to_json(const CounterFactScores& scores) {
  Json out = Json::object();
  const std::pair<const char*, const std::optional<MeanScore>*> list[] = {
      {"ES", &scores.es}, {"PS", &scores.ps}, {"NS", &scores.ns},
      {"EM", &scores.em}, {"PM", &scores.pm}, {"NM", &scores.nm}};
  for (const auto& [name, score] : list) {
    if (*score) out[name] = mean_json(**score);
  }
  if (scores.s) out["S"] = {{"value", *scores.s}};
  return out;
}

Json to_json(const ZsreScores& scores) {
  return {{"efficacy", mean_json(scores.efficacy)},
          {"paraphrase", mean_json(scores.paraphrase)},
          {"specificity", mean_json(scores.specificity)},
          {"harmonic_mean", {{"value", scores.harmonic}}}};
}

Definitions probability_definitions() {
  return {
      "CounterFact and zsRE",
      {{"ES",
        "Share of records where the new object is more probable than the true one after "
        "the edited prompt, by mean log-probability per token. Origin: ROME."},
       {"PS", "The same after paraphrases, averaged per record. Origin: ROME."},
       {"NS",
        "Share of prompts about other subjects where the true object stays the more "
        "probable one. Origin: ROME."},
       {"EM, PM, NM", "The same with differences of probability instead of counts. Origin: ROME."},
       {"S", "Harmonic mean of ES, PS and NS. Origin: ROME."},
       {"efficacy, paraphrase",
        "zsRE: share of the answer's tokens that are the most probable ones under teacher "
        "forcing. Origin: MEND, ROME."},
       {"specificity",
        "zsRE: the same for an unrelated question against the dataset's answer. Origin: MEND, "
        "ROME."},
       {"harmonic_mean", "zsRE: of the three. Origin: MEMIT."}}};
}

}  // namespace kedit

#pragma once

#include "datasets/counterfact.hpp"
#include "eval/outputs.hpp"
#include "model/language_model.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kedit {

/// Mean negative log-likelihood per token of the two objects after a prompt. Length-normalised, so
/// that a long object is not worse for its length.
struct ObjectScores {
  double new_nll = 0.0;
  double true_nll = 0.0;
};

/// What a model gives to the prompts of one CounterFact record.
struct CounterFactOutputs {
  std::int64_t case_id = 0;
  ObjectScores rewrite;
  std::vector<ObjectScores> paraphrase;
  std::vector<ObjectScores> neighborhood;
};

/// A mean over records with the half-width 1.96 std / sqrt(n).
struct MeanScore {
  double value = 0.0;
  double half_width = 0.0;
  std::int64_t n = 0;
};

/// ROME's harness. A prompt counts when the wanted object has strictly the smaller NLL; a mean per
/// record, then over records. `s`: harmonic mean of the three.
struct CounterFactScores {
  std::optional<MeanScore> es, ps, ns;  ///< Efficacy, paraphrase, neighborhood.
  std::optional<MeanScore> em, pm, nm;  ///< Differences of exp(-NLL) instead of counts.
  std::optional<double> s;
};

/// Pure functions of stored outputs; a score whose outputs are absent is absent, never 0.
CounterFactScores counterfact_scores(const std::vector<CounterFactOutputs>& outputs);

/// Tokens of the wanted answer that are the most probable ones under teacher forcing.
struct ZsreOutputs {
  std::int64_t number = 0;
  ForcedScore rewrite, paraphrase, specificity;
};

/// MEND's and ROME's harness: token accuracies, mean per record and then over records; `harmonic`
/// of the three as MEMIT reports it.
struct ZsreScores {
  MeanScore efficacy, paraphrase, specificity;
  double harmonic = 0.0;
};
ZsreScores zsre_scores(const std::vector<ZsreOutputs>& outputs);

/// Asks a model; everything is scored under teacher forcing.
CounterFactOutputs ask_counterfact(const LanguageModel& model, const CounterFactRecord& record);
ZsreOutputs ask_zsre(const LanguageModel& model, const ZsreRecord& record);

/// JSON lines or an array: {"case_id", "rewrite": [new, true], "paraphrase": [[new, true], ...],
/// "neighborhood": [...]} with mean NLLs; {"number", "rewrite": [matched, all], "paraphrase": ...,
/// "specificity": ...}. Throws `DataError`.
Json to_json(const CounterFactOutputs& outputs);
Json to_json(const ZsreOutputs& outputs);
std::vector<CounterFactOutputs> read_counterfact_outputs(const std::filesystem::path& file);
std::vector<ZsreOutputs> read_zsre_outputs(const std::filesystem::path& file);

Json to_json(const CounterFactScores& scores);
Json to_json(const ZsreScores& scores);

/// Zero, or the harmonic mean of positive numbers.
double harmonic_mean(const std::vector<double>& values);

}  // namespace kedit

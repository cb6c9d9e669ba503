#pragma once

#include "datasets/case.hpp"
#include "eval/answering/answerers.hpp"
#include "eval/answering/prompts.hpp"
#include "eval/metrics/outputs.hpp"
#include "eval/metrics/text_scores.hpp"
#include "model/language_model.hpp"

#include <cstdint>
#include <string>

namespace kedit::answering {

/// Texts that are sampled after a record's generation prompts, as the ROME and MEMIT harness does.
struct FreeTextPlan {
  std::int64_t every = 10;    ///< Of records whose id it divides; 1: of all.
  std::int64_t tokens = 100;  ///< Prompt and new tokens together.
  std::int64_t top_k = 5;     ///< Drawn from the K most probable tokens.
  std::uint64_t seed = 0;     ///< Each record and prompt has a stream of its own under it.
  std::string snippets;       ///< Reference texts, a file; empty: no consistency and no essence.
  std::string punkt;          ///< Choice of the sentence model, see `metrics::sentence_model`.

  bool operator==(const FreeTextPlan&) const = default;
};

/// Samples texts and judges them at once, so that reports need neither snippets nor tables.
class FreeTextAsker {
 public:
  /// Throws `DataError` for snippets or tables that cannot be read.
  explicit FreeTextAsker(FreeTextPlan plan);

  /// The record has prompts of this kind, and its turn has come.
  bool wants(const Case& one) const;
  /// Adds outputs of kind text and their scores where `wants` says so. `facts` stand above the
  /// prompts and are no part of the texts.
  void ask(const LanguageModel& model, const PromptForm& form, const Case& one,
           const FactChooser& facts, CaseOutputs* outputs) const;

  /// Sampler, sentence model and hashes, for headers of runs.
  Json description() const;

 private:
  std::vector<std::string> sample(const LanguageModel& model, const PromptForm& form,
                                  const Case& one, const std::vector<std::size_t>& prompts,
                                  const FactChooser& facts) const;

  FreeTextPlan plan_;
  metrics::TextJudge judge_;
};

/// A sampled text as the harness reads it: form NFKD, a blank for each empty line, and without
/// GPT-2's mark between documents.
std::string cleaned_text(const std::string& text);

}  // namespace kedit::answering

#include "eval/answering/recalled.hpp"

#include "eval/answering/answerers.hpp"
#include "eval/metrics/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kedit::answering {
namespace {

constexpr std::size_t kBatch = 64;  // cases between two looks at the stop request

void between_batches(const RunContext& run, std::size_t done, std::size_t total) {
  run.report({"asking what the model knows", static_cast<std::int64_t>(done),
              static_cast<std::int64_t>(total), ""});
  if (run.stop_requested && run.stop_requested()) {
    throw Interrupted("asking what the model knows was interrupted; nothing was kept");
  }
}

const Prompt& prompt_with_rival(const Case& one) {
  const Prompt* prompt = one.find(PromptKind::rewrite, 0);
  if (prompt != nullptr && !prompt->rival.empty()) return *prompt;
  throw EvalError(
      fmt::format("asking what the model knows of case {}: expected a chain of hops or a record "
                  "with its true object, found neither",
                  one.id));
}

// Whether greedy decoding writes the true objects of some records.
std::vector<bool> true_objects_recalled(const std::vector<const Case*>& records,
                                        const LanguageModel& model, const PromptForm& form) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Case* one : records) {
    const Prompt& prompt = prompt_with_rival(*one);
    const std::string written = write_prompt(form, {Ask::cloze, prompt.text, prompt.relation, {}});
    pairs.emplace_back(written, spaced_target(written, prompt.rival));
  }
  std::vector<bool> recalled;
  for (const ContinuationScore& score : model.score(pairs)) recalled.push_back(score.greedy_match);
  return recalled;
}

bool chain_recalled(const Case& one, RecallAsker& asker) {
  CaseOutputs outputs;
  outputs.case_id = one.id;
  asker.ask(one, &outputs);
  return metrics::recall_of(one, outputs).pre_known.value_or(false);
}

}  // namespace

std::vector<std::int64_t> recalled_cases(const std::vector<const Case*>& cases,
                                         const LanguageModel& model, const PromptForm& form,
                                         const RunContext& run) {
  RecallAsker asker(model, form);
  std::vector<std::int64_t> known;
  for (std::size_t begin = 0; begin < cases.size(); begin += kBatch) {
    between_batches(run, begin, cases.size());
    std::vector<const Case*> records;
    for (std::size_t i = begin; i < std::min(begin + kBatch, cases.size()); ++i) {
      if (!cases[i]->has_chain()) {
        records.push_back(cases[i]);
      } else if (chain_recalled(*cases[i], asker)) {
        known.push_back(cases[i]->id);
      }
    }
    const std::vector<bool> recalled = true_objects_recalled(records, model, form);
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (recalled[i]) known.push_back(records[i]->id);
    }
  }
  between_batches(run, cases.size(), cases.size());
  return known;
}

}  // namespace kedit::answering

#include "eval/answering/probability_answers.hpp"

#include "eval/metrics/matching.hpp"

#include <fmt/format.h>

#include <utility>

namespace kedit {
namespace {

void check_source(const MquakeCase& record, CaseSource wanted) {
  if (record.source == wanted && record.rewrites.size() == 1) return;
  throw EvalError(fmt::format("asking case {}: expected a record of {}, found one of {}",
                              record.case_id, to_string(wanted), to_string(record.source)));
}

/// Writes prompts as one system is shown them: a statement to be completed, facts above it where
/// the system keeps some.
class Prompting {
 public:
  Prompting(const PromptForm& form, const MquakeCase& record, const FactChooser& facts)
      : form_(form), relation_(record.rewrites.front().relation), facts_(facts) {}
  std::string operator()(const std::string& text) const {
    return write_prompt(form_,
                        {Ask::cloze, text, relation_, facts_ ? facts_(text) : std::vector<Fact>{}});
  }

 private:
  const PromptForm& form_;
  const std::string& relation_;
  const FactChooser& facts_;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

void add_pair(Pairs& pairs, const std::string& prompt, const std::string& target) {
  pairs.emplace_back(prompt, spaced_target(prompt, target));
}

double mean_nll(const ContinuationScore& score) {
  return score.token_ids.empty() ? 0.0
                                 : -score.logprob() / static_cast<double>(score.token_ids.size());
}

}  // namespace

CounterFactOutputs ask_counterfact(const LanguageModel& model, const PromptForm& form,
                                   const MquakeCase& record, const FactChooser& facts) {
  check_source(record, CaseSource::counterfact);
  const Prompting write(form, record, facts);
  const EditRequest request = requests_of(record).front();
  // All prompts in one call: beginnings that they share are computed once.
  Pairs pairs;
  const auto add = [&](const std::string& text, const std::string& target_true) {
    const std::string prompt = write(text);
    add_pair(pairs, prompt, request.target_new);
    add_pair(pairs, prompt, target_true);
  };
  add(filled_prompt(request), record.pre.answer);
  for (const std::string& text : record.paraphrases) add(text, record.pre.answer);
  for (const NeighborPrompt& one : record.neighborhood) add(one.prompt, one.answer);

  const std::vector<ContinuationScore> said = model.score(pairs);
  std::size_t next = 0;
  const auto take = [&] {
    const ObjectScores scores{mean_nll(said.at(next)), mean_nll(said.at(next + 1))};
    next += 2;
    return scores;
  };
  CounterFactOutputs outputs;
  outputs.case_id = record.case_id;
  outputs.rewrite = take();
  for (std::size_t i = 0; i < record.paraphrases.size(); ++i) outputs.paraphrase.push_back(take());
  for (std::size_t i = 0; i < record.neighborhood.size(); ++i) {
    outputs.neighborhood.push_back(take());
  }
  return outputs;
}

ZsreOutputs ask_zsre(const LanguageModel& model, const PromptForm& form, const MquakeCase& record,
                     const FactChooser& facts) {
  check_source(record, CaseSource::zsre);
  const Prompting write(form, record, facts);
  const EditRequest request = requests_of(record).front();
  const NeighborPrompt& locality = record.neighborhood.at(0);
  Pairs pairs;
  add_pair(pairs, write(filled_prompt(request)), request.target_new);
  add_pair(pairs, write(record.paraphrases.at(0)), request.target_new);
  // The harness of ROME puts a question mark after the unrelated question.
  add_pair(pairs, write(locality.prompt + "?"), locality.answer);
  const std::vector<ContinuationScore> said = model.score(pairs);
  return {record.case_id, forced_score(said.at(0)), forced_score(said.at(1)),
          forced_score(said.at(2))};
}

}  // namespace kedit

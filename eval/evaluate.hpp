#pragma once

#include "datasets/case.hpp"
#include "edits/request.hpp"
#include "eval/answering/prompts.hpp"
#include "eval/metrics/matching.hpp"
#include "model/edited_model.hpp"
#include "model/language_model.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace kedit {

/// A question that tells whether an edit took, or what it damaged.
struct Probe {
  std::string id;  ///< Stable: "mquake/17/0/cloze"
  std::string
      kind;  ///< What it measures: "efficacy", "paraphrase", "multi-hop", ... Scores are per kind.
  Ask ask = Ask::cloze;
  std::string text;  ///< Question, or statement to be completed.
  std::string relation;
  std::vector<std::string> accepted;  ///< Any of these is right.
};

/// Probes of edit requests: the base prompt ("efficacy") and every rephrase ("paraphrase").
std::vector<Probe> probes_of(const std::vector<EditRequest>& requests);
/// Probes of a case: its edits ("efficacy"), the multi-hop questions asked directly ("multi-hop")
/// and with thoughts ("multi-hop CoT").
std::vector<Probe> probes_of(const Case& one);

struct EvalOptions {
  MatchRule rule = MatchRule::exact;
  PromptForm prompts = lab_prompts();
  /// Facts of the mounted edits stand in the prompts of editors that keep facts.
  bool facts_in_prompt = true;
  std::vector<std::string>
      clozes;  ///< Statement templates, to read chains of thought; may be empty.
};

struct ProbeResult {
  Probe probe;
  Answer answer;
  bool right = false;
};

/// What one model answered to a list of probes.
struct Report {
  std::string model;  ///< Fingerprint of the weights that answered.
  MatchRule rule = MatchRule::exact;
  std::string prompt_hash;
  std::vector<ProbeResult> results;

  /// Share of right answers of one kind; NaN when there is no probe of it.
  double score(const std::string& kind) const;
  std::vector<std::string> kinds() const;  ///< In order of first occurrence.
};

/// Asks every probe, greedily, in batches. Pure in the model's state: same weights and facts, same
/// report.
Report evaluate(const EditedModel& model, const std::vector<Probe>& probes,
                const EvalOptions& options = {});

/// Two reports on the same probes side by side. Throws `EvalError` when the probes, the rule or the
/// prompts differ: such numbers do not belong into one table.
struct Comparison {
  struct Row {
    std::string kind;
    std::int64_t n = 0;
    double before = 0.0, after = 0.0;
  };
  std::vector<Row> rows;
};
Comparison compare(const Report& before, const Report& after);

void write_markdown(std::ostream& out, const Report& report);
void write_markdown(std::ostream& out, const Comparison& comparison);

}  // namespace kedit

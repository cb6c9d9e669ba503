#include "eval/metrics/metrics.hpp"
#include "eval/metrics/probability_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit {
namespace {

void check_count(const MquakeCase& one, std::string_view what, std::size_t found,
                 std::size_t expected) {
  if (found <= expected) return;
  throw EvalError(fmt::format("judging case {}: {}: expected at most {}, found {}", one.case_id,
                              what, expected, found));
}

// Gold of an edit: the new object with its aliases, or the old object with those of its hop.
Gold edit_gold(const MquakeCase& one, std::size_t index, GoldSide side) {
  const Rewrite& rewrite = one.rewrites[index];
  const std::string& answer = side == GoldSide::post ? rewrite.target_new : rewrite.target_true;
  for (const Hop& hop : side == GoldSide::post ? one.new_hops : one.hops) {
    if (hop.gold.answer == answer) return hop.gold;
  }
  return {answer, {}};
}

/// Rule and options, as all parts of a verdict need them.
struct Judging {
  MatchRule rule;
  GoldSide side;
  MatchOptions options;

  GoldMatcher matcher(const Gold& gold) const { return {gold, rule, options}; }
  const std::vector<Hop>& hops(const MquakeCase& one) const {
    return side == GoldSide::post ? one.new_hops : one.hops;
  }
};

std::vector<bool> judge_answers(const std::vector<Answer>& answers, const GoldMatcher& matcher,
                                std::size_t places) {
  std::vector<bool> verdicts(places, false);
  for (std::size_t i = 0; i < answers.size(); ++i) verdicts[i] = matcher(answers[i].answer);
  return verdicts;
}

TraceVerdict judge_trace(const Trace& trace, const std::vector<GoldMatcher>& hops, bool answered) {
  TraceVerdict verdict;
  verdict.answered = answered;
  verdict.count = trace.size() == hops.size();
  std::size_t right = 0;
  for (std::size_t i = 0; i < std::min(trace.size(), hops.size()); ++i) {
    if (hops[i](std::string_view(trace[i].answer))) ++right;
  }
  verdict.sub = hops.empty() ? 0.0 : static_cast<double>(right) / static_cast<double>(hops.size());
  verdict.path = verdict.count && right == hops.size();
  return verdict;
}

bool any_trace(const std::vector<Answer>& answers) {
  return std::any_of(answers.begin(), answers.end(),
                     [](const Answer& one) { return one.trace.has_value(); });
}

void judge_traces(const MquakeCase& one, const CaseOutputs& outputs, const Judging& judging,
                  CaseVerdicts& verdicts) {
  const bool from_cot = any_trace(outputs.cot);
  const std::vector<Answer>& answers = from_cot ? outputs.cot : outputs.direct;
  const std::vector<bool>& answered = from_cot ? verdicts.cot : verdicts.direct;
  verdicts.has_traces = any_trace(answers);
  if (!verdicts.has_traces) return;
  std::vector<GoldMatcher> hops;
  for (const Hop& hop : judging.hops(one)) hops.push_back(judging.matcher(hop.gold));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    verdicts.traces[i] = judge_trace(answers[i].trace.value_or(Trace{}), hops, answered[i]);
  }
}

void judge_edits(const MquakeCase& one, const CaseOutputs& outputs, const Judging& judging,
                 CaseVerdicts& verdicts) {
  // zsRE tells no old object.
  const bool has_gold = !gold_of(one, judging.side).answer.empty();
  verdicts.has_edits = has_gold && !outputs.edits.empty();
  for (std::size_t i = 0; i < outputs.edits.size(); ++i) {
    verdicts.edits[i] = judging.matcher(edit_gold(one, i, judging.side))(outputs.edits[i].answer);
  }
  // Teacher forcing was asked for the new object only.
  verdicts.has_forced = judging.side == GoldSide::post && !outputs.forced.empty();
  for (std::size_t i = 0; verdicts.has_forced && i < outputs.forced.size(); ++i) {
    verdicts.forced[i] = outputs.forced[i].recalled;
  }
}

// Hops are those of the chain after the edits.
void judge_hops(const MquakeCase& one, const CaseOutputs& outputs, const Judging& judging,
                CaseVerdicts& verdicts) {
  if (judging.side != GoldSide::post) return;
  verdicts.has_hops = !outputs.hops.empty();
  verdicts.has_probes = !outputs.probe_clozes.empty() || !outputs.probe_questions.empty();
  for (std::size_t i = 0; i < one.new_hops.size(); ++i) {
    const GoldMatcher matcher = judging.matcher(one.new_hops[i].gold);
    const auto right = [&](const std::vector<Answer>& answers) {
      return i < answers.size() && matcher(answers[i].answer);
    };
    verdicts.hops[i] = right(outputs.hops);
    verdicts.probes[2 * i] = right(outputs.probe_clozes);
    verdicts.probes[2 * i + 1] = right(outputs.probe_questions);
  }
}

void put_shares(const std::vector<ForcedScore>& scores, std::vector<double>& shares,
                bool& present) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i].tokens <= 0) continue;
    present = true;
    shares[i] = static_cast<double>(scores[i].matched) / static_cast<double>(scores[i].tokens);
  }
}

void judge_tokens(const CaseOutputs& outputs, GoldSide side, CaseVerdicts& verdicts) {
  if (side != GoldSide::post) return;
  put_shares(outputs.forced, verdicts.edit_shares, verdicts.has_edit_shares);
  put_shares(outputs.direct_forced, verdicts.direct_shares, verdicts.has_direct_shares);
}

void check_counts(const MquakeCase& one, const CaseOutputs& outputs) {
  check_count(one, "edits", outputs.edits.size(), one.rewrites.size());
  check_count(one, "forced", outputs.forced.size(), one.rewrites.size());
  check_count(one, "hops", outputs.hops.size(), one.new_hops.size());
  check_count(one, "preds", outputs.direct.size(), one.questions.size());
  check_count(one, "direct_forced", outputs.direct_forced.size(), one.questions.size());
  check_count(one, "cot", outputs.cot.size(), one.questions.size());
  check_count(one, "probe_clozes", outputs.probe_clozes.size(), one.new_hops.size());
  check_count(one, "probe_questions", outputs.probe_questions.size(), one.new_hops.size());
}

// Probabilities know no rule, and the edit's prompts no old side.
void judge_record(const CaseOutputs& outputs, GoldSide side, CaseVerdicts& verdicts) {
  if (side != GoldSide::post) return;
  verdicts.has_record = outputs.counterfact || outputs.zsre;
  if (outputs.counterfact) verdicts.record = record_scores(*outputs.counterfact);
  if (outputs.zsre) verdicts.record = record_scores(*outputs.zsre);
}

// What a record has no prompts for is not 0 there: it does not count.
RecordScores no_scores(const MquakeCase& one) {
  if (one.source == CaseSource::mquake) return {};
  if (one.source == CaseSource::zsre) return record_scores(ZsreOutputs{});
  CounterFactOutputs empty;
  empty.paraphrase.resize(one.paraphrases.size());
  empty.neighborhood.resize(one.neighborhood.size());
  return record_scores(empty);
}

CaseVerdicts all_wrong(const MquakeCase& one) {
  CaseVerdicts verdicts;
  verdicts.case_id = one.case_id;
  verdicts.edits.assign(one.rewrites.size(), false);
  verdicts.forced.assign(one.rewrites.size(), false);
  verdicts.hops.assign(one.new_hops.size(), false);
  verdicts.direct.assign(one.questions.size(), false);
  verdicts.cot.assign(one.questions.size(), false);
  verdicts.traces.assign(one.questions.size(), TraceVerdict{});
  verdicts.probes.assign(2 * one.new_hops.size(), false);
  verdicts.edit_shares.assign(one.rewrites.size(), 0.0);
  verdicts.direct_shares.assign(one.questions.size(), 0.0);
  verdicts.record = no_scores(one);
  return verdicts;
}

bool knows(const std::vector<Answer>& answers, std::size_t place, const Hop& hop) {
  return place < answers.size() && matches(answers[place].answer, hop.gold, MatchRule::exact);
}

}  // namespace

CaseVerdicts judge(const MquakeCase& mquake_case, const CaseOutputs* outputs, MatchRule rule,
                   GoldSide side, const MatchOptions& options) {
  CaseVerdicts verdicts = all_wrong(mquake_case);
  if (outputs == nullptr) return verdicts;
  check_counts(mquake_case, *outputs);
  judge_record(*outputs, side, verdicts);
  if (rule == MatchRule::tokens) {
    judge_tokens(*outputs, side, verdicts);
    return verdicts;
  }
  const Judging judging{rule, side, options};
  const GoldMatcher matcher = judging.matcher(gold_of(mquake_case, side));
  const std::size_t questions = mquake_case.questions.size();
  verdicts.has_direct = !outputs->direct.empty();
  verdicts.has_cot = !outputs->cot.empty();
  verdicts.direct = judge_answers(outputs->direct, matcher, questions);
  verdicts.cot = judge_answers(outputs->cot, matcher, questions);
  judge_edits(mquake_case, *outputs, judging, verdicts);
  judge_hops(mquake_case, *outputs, judging, verdicts);
  judge_traces(mquake_case, *outputs, judging, verdicts);
  return verdicts;
}

Recall recall_of(const MquakeCase& one, const CaseOutputs& unedited) {
  Recall recall;
  if (!unedited.recall.empty()) {
    bool known = true;
    for (std::size_t i = 0; i < one.hops.size(); ++i) {
      known = known && knows(unedited.recall, i, one.hops[i]);
    }
    recall.pre_known = known;
  }
  if (!unedited.recall_new.empty()) {
    bool known = true;
    for (std::size_t i = 0; i < one.new_hops.size(); ++i) {
      known = known && (is_edited_hop(one, i) || knows(unedited.recall_new, i, one.new_hops[i]));
    }
    recall.rest_known = known;
  }
  return recall;
}

bool is_edited_hop(const MquakeCase& one, std::size_t hop) {
  return hop < one.new_triples.size() && std::find(one.edit_triples.begin(), one.edit_triples.end(),
                                                   one.new_triples[hop]) != one.edit_triples.end();
}

}  // namespace kedit

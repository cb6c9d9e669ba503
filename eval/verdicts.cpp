#include "eval/metrics.hpp"

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

std::vector<bool> judge_answers(const std::vector<Answer>& answers, const Gold& gold,
                                std::size_t places, MatchRule rule) {
  const GoldMatcher matcher(gold, rule);
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

void judge_traces(const MquakeCase& one, const CaseOutputs& outputs, MatchRule rule, GoldSide side,
                  CaseVerdicts& verdicts) {
  const bool from_cot = any_trace(outputs.cot);
  const std::vector<Answer>& answers = from_cot ? outputs.cot : outputs.direct;
  const std::vector<bool>& answered = from_cot ? verdicts.cot : verdicts.direct;
  verdicts.has_traces = any_trace(answers);
  if (!verdicts.has_traces) return;
  std::vector<GoldMatcher> hops;
  for (const Hop& hop : side == GoldSide::post ? one.new_hops : one.hops) {
    hops.emplace_back(hop.gold, rule);
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    verdicts.traces[i] = judge_trace(answers[i].trace.value_or(Trace{}), hops, answered[i]);
  }
}

void judge_edits(const MquakeCase& one, const CaseOutputs& outputs, MatchRule rule, GoldSide side,
                 CaseVerdicts& verdicts) {
  for (std::size_t i = 0; i < outputs.edits.size(); ++i) {
    verdicts.edits[i] = matches(outputs.edits[i].answer, edit_gold(one, i, side), rule);
  }
  // Teacher forcing was asked for the new object only.
  verdicts.has_forced = side == GoldSide::post && !outputs.forced.empty();
  for (std::size_t i = 0; verdicts.has_forced && i < outputs.forced.size(); ++i) {
    verdicts.forced[i] = outputs.forced[i].recalled;
  }
  verdicts.has_hops = side == GoldSide::post && !outputs.hops.empty();
  for (std::size_t i = 0; verdicts.has_hops && i < outputs.hops.size(); ++i) {
    verdicts.hops[i] = matches(outputs.hops[i].answer, one.new_hops[i].gold, rule);
  }
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
  return verdicts;
}

}  // namespace

CaseVerdicts judge(const MquakeCase& mquake_case, const CaseOutputs* outputs, MatchRule rule,
                   GoldSide side) {
  CaseVerdicts verdicts = all_wrong(mquake_case);
  if (outputs == nullptr) return verdicts;
  check_count(mquake_case, "edits", outputs->edits.size(), mquake_case.rewrites.size());
  check_count(mquake_case, "forced", outputs->forced.size(), mquake_case.rewrites.size());
  check_count(mquake_case, "hops", outputs->hops.size(), mquake_case.new_hops.size());
  check_count(mquake_case, "preds", outputs->direct.size(), mquake_case.questions.size());
  check_count(mquake_case, "cot", outputs->cot.size(), mquake_case.questions.size());

  const Gold& gold = gold_of(mquake_case, side);
  const std::size_t questions = mquake_case.questions.size();
  verdicts.has_edits = !outputs->edits.empty();
  verdicts.has_direct = !outputs->direct.empty();
  verdicts.has_cot = !outputs->cot.empty();
  verdicts.direct = judge_answers(outputs->direct, gold, questions, rule);
  verdicts.cot = judge_answers(outputs->cot, gold, questions, rule);
  judge_edits(mquake_case, *outputs, rule, side, verdicts);
  judge_traces(mquake_case, *outputs, rule, side, verdicts);
  return verdicts;
}

}  // namespace kedit

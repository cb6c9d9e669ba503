#include "eval/metrics/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::metrics {
namespace {

/// Matchers of one case: questions share their golds, so the last one made serves again.
class Judging {
 public:
  Judging(MatchRule rule, GoldSide side, const MatchOptions& options)
      : rule_(rule), side_(side), options_(options) {}

  bool right(const Output& output, const Prompt& prompt) {
    if (is_forced(output.kind)) return output.forced.recalled;
    if (rule_ == MatchRule::tokens || output.kind == OutputKind::text) return false;
    // Old golds of hops are those of other prompts; recall is judged by a rule of its own.
    const bool has_old = prompt.kind == PromptKind::edit || prompt.kind == PromptKind::question;
    if (side_ == GoldSide::pre && !has_old) return false;
    return matcher(gold_of(prompt, side_))(output.said.answer);
  }

  std::vector<GoldMatcher> hops(const Case& of) const {
    const PromptKind kind =
        side_ == GoldSide::post ? PromptKind::hop_question : PromptKind::old_hop_question;
    std::vector<GoldMatcher> matchers;
    for (const Prompt& prompt : of.prompts) {
      if (prompt.kind == kind) matchers.emplace_back(prompt.gold, rule_, options_);
    }
    return matchers;
  }

 private:
  const GoldMatcher& matcher(const Gold& gold) {
    if (!matcher_ || !(*of_ == gold)) matcher_.emplace(gold, rule_, options_);
    of_ = &gold;
    return *matcher_;
  }

  MatchRule rule_;
  GoldSide side_;
  const MatchOptions& options_;
  const Gold* of_ = nullptr;
  std::optional<GoldMatcher> matcher_;
};

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

// Thoughts where any state steps, else what stands beside direct answers.
void judge_traces(const Judging& judging, JudgedCase& one) {
  for (const OutputKind kind : {OutputKind::thoughts, OutputKind::answer}) {
    std::vector<GoldMatcher> hops;
    bool found = false;
    for (JudgedOutput& judged : one.outputs) {
      if (judged.output->kind != kind || judged.prompt->kind != PromptKind::question) continue;
      if (!judged.output->said.trace) continue;
      if (!found) hops = judging.hops(*one.of);
      found = true;
      judged.trace = judge_trace(*judged.output->said.trace, hops, judged.right);
    }
    if (found) return;
  }
}

bool all_known(const Case& of, const CaseOutputs& unedited, PromptKind kind, bool with_edited) {
  for (std::size_t i = 0; i < of.prompts.size(); ++i) {
    const Prompt& prompt = of.prompts[i];
    if (prompt.kind != kind) continue;
    if (!with_edited && is_edited_hop(of, static_cast<std::size_t>(prompt.place))) continue;
    const Output* said = find_output(unedited, i, OutputKind::recall);
    if (said == nullptr || !matches(said->said.answer, prompt.gold, MatchRule::exact)) return false;
  }
  return true;
}

}  // namespace

JudgedCase judge(const Case& of, const CaseOutputs* outputs, MatchRule rule, GoldSide side,
                 const MatchOptions& options) {
  JudgedCase one{&of, rule, side, {}, {}};
  if (outputs == nullptr) return one;
  one.texts = outputs->texts;
  Judging judging(rule, side, options);
  for (const Output& output : outputs->outputs) {
    if (output.prompt >= of.prompts.size()) {
      throw EvalError(
          fmt::format("judging case {}: expected an output of one of its {} prompts, "
                      "found one of prompt {}",
                      of.id, of.prompts.size(), output.prompt));
    }
    const Prompt& prompt = of.prompts[output.prompt];
    one.outputs.push_back({&output, &prompt, judging.right(output, prompt), std::nullopt});
  }
  if (rule != MatchRule::tokens) judge_traces(judging, one);
  return one;
}

std::vector<bool> verdicts_of(const JudgedCase& one, PromptKind prompt, OutputKind kind) {
  std::vector<bool> verdicts;
  for (const JudgedOutput& judged : one.outputs) {
    if (judged.output->kind != kind || judged.prompt->kind != prompt) continue;
    if (verdicts.empty()) verdicts.resize(static_cast<std::size_t>(one.of->count(prompt)), false);
    verdicts.at(static_cast<std::size_t>(judged.prompt->place)) = judged.right;
  }
  return verdicts;
}

Recall recall_of(const Case& of, const CaseOutputs& unedited) {
  const bool asked = std::any_of(unedited.outputs.begin(), unedited.outputs.end(),
                                 [](const Output& one) { return one.kind == OutputKind::recall; });
  if (!asked) return {};
  return {all_known(of, unedited, PromptKind::old_hop_question, true),
          all_known(of, unedited, PromptKind::hop_question, false)};
}

}  // namespace kedit::metrics

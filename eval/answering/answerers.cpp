#include "eval/answering/answerers.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace kedit::answering {
namespace {

Question make_question(Ask ask, const Prompt& prompt, const FactChooser& facts) {
  return {ask, prompt.text, prompt.relation, facts ? facts(prompt.text) : std::vector<Fact>{}};
}

/// Collects a case's prompts of one kind as they are asked.
class Asking {
 public:
  Asking(const Case& one, const FactChooser& facts) : one_(one), facts_(facts) {}

  void add(PromptKind prompt, Ask ask, OutputKind kind) {
    add_if(prompt, ask, kind, [](const Prompt&) { return true; });
  }
  template <class Wanted>
  void add_if(PromptKind prompt, Ask ask, OutputKind kind, Wanted wanted) {
    for (std::size_t i = 0; i < one_.prompts.size(); ++i) {
      if (one_.prompts[i].kind != prompt || !wanted(one_.prompts[i])) continue;
      asked_.push_back({i, kind, make_question(ask, one_.prompts[i], facts_)});
    }
  }
  bool edited(const Prompt& hop) const {
    return is_edited_hop(one_, static_cast<std::size_t>(hop.place));
  }
  std::vector<AskedPrompt> take() { return std::move(asked_); }

 private:
  const Case& one_;
  const FactChooser& facts_;
  std::vector<AskedPrompt> asked_;
};

/// The prompts of several cases, each case's in the order in which they were asked for.
using AskedPrompts = std::vector<std::vector<AskedPrompt>>;

// Prompts of one length class; equal prompts (an edit's cloze is also its hop's) are asked once.
void answer_batch(const LanguageModel& model, const PromptForm& form, const AskedPrompts& asked,
                  bool thoughts, const std::vector<std::string>& clozes,
                  std::vector<CaseOutputs>& outputs) {
  std::vector<std::string> prompts;
  std::map<std::string, std::size_t> places;
  std::vector<std::vector<std::size_t>> place_of(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    for (const AskedPrompt& one : asked[i]) {
      if ((one.kind == OutputKind::thoughts) != thoughts) continue;
      const std::string prompt = write_prompt(form, one.question);
      const auto [at, fresh] = places.emplace(prompt, prompts.size());
      if (fresh) prompts.push_back(prompt);
      place_of[i].push_back(at->second);
    }
  }
  if (prompts.empty()) return;
  // Clozes, questions and direct answers end at the line.
  const std::vector<Generation> said =
      model.generate(prompts, generation_options(form, thoughts ? Ask::cot : Ask::direct));
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto place = place_of[i].begin();
    for (const AskedPrompt& one : asked[i]) {
      if ((one.kind == OutputKind::thoughts) != thoughts) continue;
      outputs[i].outputs.push_back({one.prompt,
                                    one.kind,
                                    take_answer(one.question.ask, said.at(*place++).text, clozes),
                                    {}});
    }
  }
}

/// Texts to be forced after prompts, all in one call: beginnings that they share are computed once.
class Forcing {
 public:
  void add(std::size_t of, std::size_t prompt, OutputKind kind, const std::string& written,
           const std::string& text) {
    places_.emplace_back(of, Output{prompt, kind, {}, {}});
    pairs_.emplace_back(written, spaced_target(written, text));
  }
  void ask(const LanguageModel& model, std::vector<CaseOutputs>& outputs) {
    if (pairs_.empty()) return;
    const std::vector<ContinuationScore> scores = model.score(pairs_);
    for (std::size_t i = 0; i < places_.size(); ++i) {
      auto& [of, output] = places_[i];
      output.forced = forced_score(scores.at(i));
      outputs[of].outputs.push_back(output);
    }
  }

 private:
  std::vector<std::pair<std::size_t, Output>> places_;  // with the place of their case
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// The golds of prompts that are also answered in words.
void force_golds(const LanguageModel& model, const PromptForm& form,
                 const std::vector<AskedCase>& cases, const AskedPrompts& asked, PromptKind kind,
                 std::vector<CaseOutputs>& outputs) {
  Forcing forcing;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (const AskedPrompt& put : asked[i]) {
      const Prompt& prompt = cases[i].of->prompts[put.prompt];
      if (prompt.kind != kind || put.kind != OutputKind::answer) continue;
      forcing.add(i, put.prompt, OutputKind::forced, write_prompt(form, put.question),
                  prompt.gold.answer);
    }
  }
  forcing.ask(model, outputs);
}

bool is_judged_by_probability(PromptKind kind) {
  return kind == PromptKind::rewrite || kind == PromptKind::paraphrase ||
         kind == PromptKind::locality;
}

void force_golds_and_rivals(const LanguageModel& model, const PromptForm& form,
                            const std::vector<AskedCase>& cases,
                            std::vector<CaseOutputs>& outputs) {
  Forcing forcing;
  for (std::size_t c = 0; c < cases.size(); ++c) {
    for (std::size_t i = 0; i < cases[c].of->prompts.size(); ++i) {
      const Prompt& prompt = cases[c].of->prompts[i];
      if (!is_judged_by_probability(prompt.kind)) continue;
      const std::string written =
          write_prompt(form, make_question(Ask::cloze, prompt, cases[c].facts));
      forcing.add(c, i, OutputKind::forced, written, prompt.gold.answer);
      if (!prompt.rival.empty()) forcing.add(c, i, OutputKind::rival, written, prompt.rival);
    }
  }
  forcing.ask(model, outputs);
}

// H-Probe asks for at most ten tokens (CaKE).
constexpr std::int64_t kProbeTokens = 10;

void probe(const LanguageModel& model, const PromptForm& form, PromptKind kind, Ask ask,
           const std::vector<AskedCase>& cases, std::vector<CaseOutputs>& outputs) {
  std::vector<std::string> prompts;
  std::vector<std::pair<std::size_t, std::size_t>> places;  // of the case, of its prompt
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Asking asking(*cases[i].of, cases[i].facts);
    asking.add(kind, ask, OutputKind::probe);
    for (const AskedPrompt& put : asking.take()) {
      prompts.push_back(write_prompt(form, put.question));
      places.emplace_back(i, put.prompt);
    }
  }
  GenerateOptions options = generation_options(form, ask);
  options.max_tokens = kProbeTokens;
  const std::vector<Generation> said = model.generate(prompts, options);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto [of, prompt] = places[i];
    outputs[of].outputs.push_back(
        {prompt, OutputKind::probe, take_answer(ask, said.at(i).text, {}), {}});
  }
}

Answer copied(const Question& question) {
  Answer answer;
  if (!question.facts.empty()) {
    answer.raw = question.facts.back().object;
    answer.answer = answer.raw;
  }
  if (question.ask == Ask::cot) answer.trace = Trace{};
  return answer;
}

}  // namespace

const std::vector<FurtherAskInfo>& known_further_asks() {
  static const std::vector<FurtherAskInfo> list = {
      {"probe", &FurtherAsks::probe,
       "Every post-edit hop alone, by cloze and by question, 10 tokens (CaKE)."},
      {"recall", &FurtherAsks::recall,
       "What the unedited model knows of every hop, to tell failed edits from facts that it "
       "never knew (MQuAKE's filter)."},
      {"specificity", &FurtherAsks::specificity,
       "Other facts of the edited subjects, before and after the edits (R-Specificity of RETS)."},
      {"tokens", &FurtherAsks::tokens,
       "The new answer forced after each multi-hop question, for rule M6."},
  };
  return list;
}

std::vector<AskedPrompt> questions_of(const Case& one, const AskPlan& plan,
                                      const FactChooser& facts) {
  const auto planned = [&](Ask ask) { return plan.asks.count(ask) > 0; };
  Asking asking(one, facts);
  if (planned(Ask::cloze)) asking.add(PromptKind::edit, Ask::cloze, OutputKind::answer);
  if (planned(Ask::cloze) && planned(Ask::question)) {
    asking.add_if(PromptKind::hop_cloze, Ask::cloze, OutputKind::answer,
                  [&](const Prompt& hop) { return asking.edited(hop); });
    asking.add_if(PromptKind::hop_question, Ask::question, OutputKind::answer,
                  [&](const Prompt& hop) { return !asking.edited(hop); });
  }
  if (planned(Ask::direct)) asking.add(PromptKind::question, Ask::direct, OutputKind::answer);
  if (planned(Ask::cot)) asking.add(PromptKind::question, Ask::cot, OutputKind::thoughts);
  return asking.take();
}

std::vector<CaseOutputs> ask_cases(const LanguageModel& model, const PromptForm& form,
                                   const std::vector<AskedCase>& cases, const AskPlan& plan) {
  AskedPrompts asked;
  std::vector<CaseOutputs> outputs(cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    asked.push_back(questions_of(*cases[i].of, plan, cases[i].facts));
    outputs[i].case_id = cases[i].of->id;
  }
  for (const bool thoughts : {false, true}) {
    answer_batch(model, form, asked, thoughts, plan.clozes, outputs);
  }
  force_golds(model, form, cases, asked, PromptKind::edit, outputs);
  if (plan.further.tokens) force_golds(model, form, cases, asked, PromptKind::question, outputs);
  if (plan.further.probe) {
    probe(model, form, PromptKind::hop_cloze, Ask::cloze, cases, outputs);
    probe(model, form, PromptKind::hop_question, Ask::question, cases, outputs);
  }
  force_golds_and_rivals(model, form, cases, outputs);
  return outputs;
}

CaseOutputs ask_case(const LanguageModel& model, const PromptForm& form, const Case& one,
                     const AskPlan& plan, const FactChooser& facts) {
  return ask_cases(model, form, {{&one, facts}}, plan).front();
}

ForcedScore forced_score(const ContinuationScore& score) {
  const auto lowest = std::min_element(score.token_logprobs.begin(), score.token_logprobs.end());
  return {score.greedy_match, score.logprob(), static_cast<std::int64_t>(score.token_ids.size()),
          score.greedy_tokens, lowest == score.token_logprobs.end() ? 0.0 : *lowest};
}

std::vector<Answer> RecallAsker::answers(const std::vector<Question>& questions) {
  std::vector<std::string> prompts, fresh;
  for (const Question& question : questions) {
    prompts.push_back(write_prompt(form_, question));
    if (known_.count(prompts.back()) == 0) fresh.push_back(prompts.back());
  }
  std::sort(fresh.begin(), fresh.end());
  fresh.erase(std::unique(fresh.begin(), fresh.end()), fresh.end());
  if (!fresh.empty()) {
    const auto said = model_.generate(fresh, generation_options(form_, Ask::question));
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      known_.emplace(fresh[i], take_answer(Ask::question, said.at(i).text, {}));
    }
  }
  std::vector<Answer> found;
  for (const std::string& prompt : prompts) found.push_back(known_.at(prompt));
  return found;
}

void RecallAsker::ask(const Case& one, CaseOutputs* outputs) {
  const FactChooser no_facts;
  Asking old_hops(one, no_facts), hops(one, no_facts);
  old_hops.add(PromptKind::old_hop_question, Ask::question, OutputKind::recall);
  hops.add_if(PromptKind::hop_question, Ask::question, OutputKind::recall,
              [&](const Prompt& hop) { return !hops.edited(hop); });
  for (Asking* asking : {&old_hops, &hops}) {
    const std::vector<AskedPrompt> asked = asking->take();
    std::vector<Question> questions;
    for (const AskedPrompt& put : asked) questions.push_back(put.question);
    const std::vector<Answer> said = answers(questions);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      outputs->outputs.push_back({asked[i].prompt, OutputKind::recall, said[i], {}});
    }
  }
}

CaseOutputs copy_last_edit(const Case& one, const AskPlan& plan, const FactChooser& facts) {
  CaseOutputs outputs;
  outputs.case_id = one.id;
  for (const AskedPrompt& put : questions_of(one, plan, facts)) {
    outputs.outputs.push_back({put.prompt, put.kind, copied(put.question), {}});
  }
  return outputs;
}

}  // namespace kedit::answering

#include "eval/answering/answerers.hpp"

#include "eval/answering/probability_answers.hpp"
#include "eval/metrics/metrics.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace kedit {
namespace {

Question make_question(Ask ask, const std::string& text, const FactChooser& facts,
                       const std::string& relation = "") {
  return {ask, text, relation, facts ? facts(text) : std::vector<Fact>{}};
}

std::vector<Question> hop_questions(const MquakeCase& one, const AskPlan& plan,
                                    const FactChooser& facts) {
  if (plan.asks.count(Ask::cloze) == 0 || plan.asks.count(Ask::question) == 0) return {};
  std::vector<Question> questions;
  for (std::size_t i = 0; i < one.new_hops.size(); ++i) {
    const Hop& hop = one.new_hops[i];
    const std::string relation = i < one.new_triples.size() ? one.new_triples[i].relation : "";
    questions.push_back(is_edited_hop(one, i)
                            ? make_question(Ask::cloze, hop.cloze, facts, relation)
                            : make_question(Ask::question, hop.question, facts, relation));
  }
  return questions;
}

// Prompts of one length class; equal prompts (an edit's cloze is also its hop's) are asked once.
class Batch {
 public:
  explicit Batch(const PromptForm& form) : form_(form) {}

  void add(const std::vector<Question>& questions, std::vector<Answer>* answers) {
    answers->resize(questions.size());
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const std::string prompt = write_prompt(form_, questions[i]);
      const auto [at, fresh] = places_.emplace(prompt, prompts_.size());
      if (fresh) prompts_.push_back(prompt);
      wanted_.push_back({at->second, questions[i].ask, answers, i});
    }
  }

  void ask(const LanguageModel& model, Ask options_of, const std::vector<std::string>& clozes) {
    if (prompts_.empty()) return;
    const std::vector<Generation> said =
        model.generate(prompts_, generation_options(form_, options_of));
    for (const Wanted& one : wanted_) {
      (*one.answers)[one.index] = take_answer(one.ask, said.at(one.prompt).text, clozes);
    }
  }

 private:
  struct Wanted {
    std::size_t prompt;
    Ask ask;
    std::vector<Answer>* answers;
    std::size_t index;
  };
  const PromptForm& form_;
  std::vector<std::string> prompts_;
  std::map<std::string, std::size_t> places_;
  std::vector<Wanted> wanted_;
};

std::vector<ForcedScore> force_targets(const LanguageModel& model, const PromptForm& form,
                                       const std::vector<Question>& questions,
                                       const std::vector<std::string>& targets) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const std::string prompt = write_prompt(form, questions[i]);
    pairs.emplace_back(prompt, spaced_target(prompt, targets[i]));
  }
  std::vector<ForcedScore> scores;
  if (pairs.empty()) return scores;
  for (const ContinuationScore& score : model.score(pairs)) {
    scores.push_back(forced_score(score));
  }
  return scores;
}

// H-Probe asks for at most ten tokens (CaKE).
constexpr std::int64_t kProbeTokens = 10;

std::vector<Answer> probe(const LanguageModel& model, const PromptForm& form, Ask ask,
                          const MquakeCase& one, const FactChooser& facts) {
  std::vector<std::string> prompts;
  for (std::size_t i = 0; i < one.new_hops.size(); ++i) {
    const Hop& hop = one.new_hops[i];
    const std::string relation = i < one.new_triples.size() ? one.new_triples[i].relation : "";
    prompts.push_back(write_prompt(
        form, make_question(ask, ask == Ask::cloze ? hop.cloze : hop.question, facts, relation)));
  }
  GenerateOptions options = generation_options(form, ask);
  options.max_tokens = kProbeTokens;
  std::vector<Answer> answers;
  for (const Generation& said : model.generate(prompts, options)) {
    answers.push_back(take_answer(ask, said.text, {}));
  }
  return answers;
}

std::vector<Answer> copied(const std::vector<Question>& questions) {
  std::vector<Answer> answers;
  for (const Question& question : questions) {
    Answer answer;
    if (!question.facts.empty()) {
      answer.raw = question.facts.back().object;
      answer.answer = answer.raw;
    }
    if (question.ask == Ask::cot) answer.trace = Trace{};
    answers.push_back(std::move(answer));
  }
  return answers;
}

}  // namespace

CaseQuestions questions_of(const MquakeCase& one, const AskPlan& plan, const FactChooser& facts) {
  CaseQuestions questions;
  if (plan.asks.count(Ask::cloze) > 0) {
    for (const EditRequest& request : requests_of(one)) {
      questions.edits.push_back(
          make_question(Ask::cloze, filled_prompt(request), facts, request.relation));
      questions.forced_targets.push_back(request.target_new);
    }
  }
  questions.hops = hop_questions(one, plan, facts);
  for (const std::string& text : one.questions) {
    if (plan.asks.count(Ask::direct) > 0) {
      questions.direct.push_back(make_question(Ask::direct, text, facts));
    }
    if (plan.asks.count(Ask::cot) > 0) {
      questions.cot.push_back(make_question(Ask::cot, text, facts));
    }
  }
  return questions;
}

CaseOutputs ask_case(const LanguageModel& model, const PromptForm& form, const MquakeCase& one,
                     const AskPlan& plan, const FactChooser& facts) {
  const CaseQuestions questions = questions_of(one, plan, facts);
  CaseOutputs outputs;
  outputs.case_id = one.case_id;
  Batch answers(form);  // clozes, questions and direct answers end at the line: one batch
  answers.add(questions.edits, &outputs.edits);
  answers.add(questions.hops, &outputs.hops);
  answers.add(questions.direct, &outputs.direct);
  answers.ask(model, Ask::direct, plan.clozes);
  Batch thoughts(form);
  thoughts.add(questions.cot, &outputs.cot);
  thoughts.ask(model, Ask::cot, plan.clozes);
  outputs.forced = force_targets(model, form, questions.edits, questions.forced_targets);
  if (plan.further.tokens) {
    outputs.direct_forced =
        force_targets(model, form, questions.direct,
                      std::vector<std::string>(questions.direct.size(), one.post.answer));
  }
  if (plan.further.probe) {
    outputs.probe_clozes = probe(model, form, Ask::cloze, one, facts);
    outputs.probe_questions = probe(model, form, Ask::question, one, facts);
  }
  if (one.source == CaseSource::counterfact) {
    outputs.counterfact = ask_counterfact(model, form, one, facts);
  }
  if (one.source == CaseSource::zsre) outputs.zsre = ask_zsre(model, form, one, facts);
  return outputs;
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

void RecallAsker::ask(const MquakeCase& one, CaseOutputs* outputs) {
  const auto asked = [](const std::vector<Hop>& hops, const std::vector<Triple>& chain,
                        std::size_t i) {
    return Question{Ask::question, hops[i].question, i < chain.size() ? chain[i].relation : "", {}};
  };
  std::vector<Question> questions;
  for (std::size_t i = 0; i < one.hops.size(); ++i) {
    questions.push_back(asked(one.hops, one.triples, i));
  }
  outputs->recall = answers(questions);
  outputs->recall_new.assign(one.new_hops.size(), Answer{});
  for (std::size_t i = 0; i < one.new_hops.size(); ++i) {
    if (is_edited_hop(one, i)) continue;
    outputs->recall_new[i] = answers({asked(one.new_hops, one.new_triples, i)}).front();
  }
}

CaseOutputs copy_last_edit(const MquakeCase& one, const AskPlan& plan, const FactChooser& facts) {
  const CaseQuestions questions = questions_of(one, plan, facts);
  CaseOutputs outputs;
  outputs.case_id = one.case_id;
  outputs.edits = copied(questions.edits);
  outputs.hops = copied(questions.hops);
  outputs.direct = copied(questions.direct);
  outputs.cot = copied(questions.cot);
  return outputs;
}

}  // namespace kedit

#include "eval/answerers.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace kedit {
namespace {

bool is_edited(const MquakeCase& one, std::size_t hop) {
  return hop < one.new_triples.size() && std::find(one.edit_triples.begin(), one.edit_triples.end(),
                                                   one.new_triples[hop]) != one.edit_triples.end();
}

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
    questions.push_back(is_edited(one, i)
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
                                       const CaseQuestions& questions) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < questions.edits.size(); ++i) {
    const std::string prompt = write_prompt(form, questions.edits[i]);
    pairs.emplace_back(prompt, spaced_target(prompt, questions.forced_targets[i]));
  }
  std::vector<ForcedScore> scores;
  if (pairs.empty()) return scores;
  for (const ContinuationScore& score : model.score(pairs)) {
    scores.push_back({score.greedy_match, score.logprob()});
  }
  return scores;
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
  outputs.forced = force_targets(model, form, questions);
  return outputs;
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

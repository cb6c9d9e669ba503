#include "eval/answering/neighbours.hpp"

#include "eval/metrics/matching.hpp"
#include "eval/metrics/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace kedit::answering {
namespace {

constexpr std::int64_t kLikelyTokens = 20;

// The hop's own prompts tell how it is asked and what is right.
ChainFact fact_of(const Case& one, const Link& hop, std::int64_t place, bool old) {
  const PromptKind cloze = old ? PromptKind::old_hop_cloze : PromptKind::hop_cloze;
  const PromptKind question = old ? PromptKind::old_hop_question : PromptKind::hop_question;
  const Prompt* stated = one.find(cloze, place);
  const Prompt* asked = one.find(question, place);
  if (stated == nullptr || asked == nullptr) {
    throw EvalError(
        fmt::format("reading the chain of case {}: hop {}: expected its cloze and its "
                    "question, found none",
                    one.id, place + 1));
  }
  return {hop.ids.subject, hop.ids.relation, hop.ids.object, hop.labels.subject,
          stated->text,    asked->text,      asked->gold};
}

// One line, cut as questions and clozes are.
Answer said(const LanguageModel& model, const PromptForm& form, const Question& question) {
  const auto texts =
      model.generate({write_prompt(form, question)}, generation_options(form, question.ask));
  return take_answer(question.ask, texts.at(0).text, {});
}

ForcedScore forced(const LanguageModel& model, const std::string& prompt, const std::string& text) {
  return forced_score(model.score({{prompt, spaced_target(prompt, text)}}).at(0));
}

Question question_of(Ask ask, const ChainFact& fact, const FactChooser& facts) {
  const std::string& text = ask == Ask::cloze ? fact.cloze : fact.question;
  return {ask, text, fact.relation, facts ? facts(text) : std::vector<Fact>{}};
}

}  // namespace

ChainFacts::ChainFacts(const std::vector<Case>& cases) {
  const auto add = [&](ChainFact fact) {
    by_subject_[fact.subject].emplace(fact.relation, std::move(fact));
  };
  for (const Case& one : cases) {
    for (const Triple& edit : one.edit_triples) edited_.emplace(edit.subject, edit.relation);
    for (std::size_t i = 0; i < one.before.size(); ++i) {
      add(fact_of(one, one.before[i], static_cast<std::int64_t>(i), true));
    }
    for (std::size_t i = 0; i < one.after.size(); ++i) {
      if (is_edited_hop(one, i)) continue;
      add(fact_of(one, one.after[i], static_cast<std::int64_t>(i), false));
    }
  }
}

std::int64_t ChainFacts::size() const {
  std::int64_t facts = 0;
  for (const auto& [subject, relations] : by_subject_) {
    facts += static_cast<std::int64_t>(relations.size());
  }
  return facts;
}

std::int64_t ChainFacts::never_edited() const {
  std::int64_t facts = 0;
  for (const auto& [subject, relations] : by_subject_) {
    for (const auto& [relation, fact] : relations) facts += edited(subject, relation) ? 0 : 1;
  }
  return facts;
}

bool ChainFacts::edited(const std::string& subject, const std::string& relation) const {
  return edited_.count({subject, relation}) > 0;
}

std::vector<const ChainFact*> ChainFacts::neighbours(const Triple& edit) const {
  std::vector<const ChainFact*> found;
  const auto subject = by_subject_.find(edit.subject);
  if (subject == by_subject_.end()) return found;
  for (const auto& [relation, fact] : subject->second) {
    if (relation != edit.relation) found.push_back(&fact);
  }
  return found;
}

bool is_content_token(const std::string& token) {
  static constexpr std::array<std::string_view, 40> function_words = {
      "a",    "an",  "the", "of",   "in",   "on",    "at",   "to",   "by",   "for",
      "and",  "or",  "is",  "was",  "are",  "were",  "be",   "been", "it",   "its",
      "he",   "she", "his", "her",  "they", "their", "that", "this", "as",   "from",
      "with", "not", "but", "also", "who",  "which", "has",  "had",  "have", "s"};
  const std::string word = tokenizer::lower_case(metrics::trim_ascii(token));
  const bool spelled = std::any_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (static_cast<unsigned char>(c) > 127);
  });
  return spelled &&
         std::find(function_words.begin(), function_words.end(), word) == function_words.end();
}

NeighbourAsker::NeighbourAsker(const std::vector<Case>& file, const LanguageModel& base,
                               const PromptForm& form)
    : facts_(file), base_(base), form_(form) {}

const NeighbourAsker::Before& NeighbourAsker::before(const ChainFact& fact) {
  const auto key = std::make_pair(fact.subject, fact.relation);
  const auto known = before_.find(key);
  if (known != before_.end()) return known->second;
  const std::string prompt = write_prompt(form_, question_of(Ask::cloze, fact, {}));
  Before before;
  before.cloze = said(base_, form_, question_of(Ask::cloze, fact, {}));
  before.question = said(base_, form_, question_of(Ask::question, fact, {}));
  before.gold = forced(base_, prompt, fact.gold.answer);
  const auto likely = base_.likely_tokens({prompt}, kLikelyTokens);
  for (const std::string& token : likely.at(0)) {
    if (!is_content_token(token)) continue;
    before.kept = token;
    break;
  }
  return before_.emplace(key, std::move(before)).first->second;
}

void NeighbourAsker::ask(const LanguageModel& model, const Case& one, const FactChooser& facts,
                         CaseOutputs* outputs) {
  for (std::size_t i = 0; i < one.edit_triples.size(); ++i) {
    for (const ChainFact* fact : facts_.neighbours(one.edit_triples[i])) {
      const Before& earlier = before(*fact);
      NeighbourOutput out;
      out.edit = static_cast<std::int64_t>(i);
      out.subject = fact->label;
      out.relation = fact->relation;
      out.gold = fact->gold;
      out.edited_by_file = facts_.edited(fact->subject, fact->relation);
      out.edited_by_case =
          std::any_of(one.edit_triples.begin(), one.edit_triples.end(), [&](const Triple& edit) {
            return edit.subject == fact->subject && edit.relation == fact->relation;
          });
      out.cloze_before = earlier.cloze;
      out.question_before = earlier.question;
      out.gold_before = earlier.gold;
      const Question cloze = question_of(Ask::cloze, *fact, facts);
      const std::string prompt = write_prompt(form_, cloze);
      out.cloze = said(model, form_, cloze);
      out.question = said(model, form_, question_of(Ask::question, *fact, facts));
      out.gold_after = forced(model, prompt, fact->gold.answer);
      out.target_after = forced(model, prompt, one.edits[i].target_new);
      if (!earlier.kept.empty()) {
        const ContinuationScore kept = model.score({{prompt, earlier.kept}}).at(0);
        if (!kept.token_logprobs.empty()) out.kept_after = kept.token_logprobs.front();
      }
      outputs->neighbours.push_back(std::move(out));
    }
  }
}

}  // namespace kedit::answering

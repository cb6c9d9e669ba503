#pragma once

#include "datasets/counterfact.hpp"
#include "datasets/mquake.hpp"
#include "eval/metrics/outputs.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace kedit::testing {

/// A two-hop case about an invented person: citizenship is edited from Avia to Belmar, whose
/// capital is Corun. Ids carry `number`, so that cases with different numbers share nothing but the
/// countries.
inline MquakeCase two_hop_record(std::int64_t number) {
  const std::string person = "Person " + std::to_string(number);
  const std::string id = "Q" + std::to_string(1000 + number);
  MquakeCase one;
  one.case_id = number;
  one.rewrites = {{"{} is a citizen of", "P27", person, "Where is " + person + " a citizen?",
                   "Avia", "Q1", "Belmar", "Q2"}};
  one.questions = {"What is the capital of the country of " + person + "?",
                   "Which city is the capital where " + person + " is a citizen?",
                   person + "'s country has which capital?"};
  one.pre = {"Dorel", {"City of Dorel"}};
  one.post = {"Corun", {"Corun City", "Old Corun"}};
  one.hops = {{"Where is " + person + " a citizen?", person + " is a citizen of", {"Avia", {}}},
              {"What is the capital of Avia?", "The capital of Avia is", one.pre}};
  one.new_hops = {
      {"Where is " + person + " a citizen?", person + " is a citizen of", {"Belmar", {"Belmaria"}}},
      {"What is the capital of Belmar?", "The capital of Belmar is", one.post}};
  one.triples = {{id, "P27", "Q1"}, {"Q1", "P36", "Q3"}};
  one.new_triples = {{id, "P27", "Q2"}, {"Q2", "P36", "Q4"}};
  one.edit_triples = {{id, "P27", "Q2"}};
  one.triples_labeled = {{person, "country of citizenship", "Avia"}, {"Avia", "capital", "Dorel"}};
  one.new_triples_labeled = {{person, "country of citizenship", "Belmar"},
                             {"Belmar", "capital", "Corun"}};
  return one;
}

/// The same with the second hop edited: the capital of Belmar becomes Fenwick. Its edit contradicts
/// the chain of `two_hop_record`.
inline MquakeCase capital_record(std::int64_t number) {
  MquakeCase one = two_hop_record(number);
  one.rewrites = {{"The capital of {} is", "P36", "Belmar", "What is the capital of Belmar?",
                   "Corun", "Q4", "Fenwick", "Q5"}};
  one.new_hops[1].gold = {"Fenwick", {}};
  one.post = {"Fenwick", {}};
  one.pre = {"Corun", {"Corun City", "Old Corun"}};
  one.hops = one.new_hops;
  one.hops[1].gold = one.pre;
  one.new_triples[1].object = "Q5";
  one.new_triples_labeled[1].object = "Fenwick";
  one.triples = one.new_triples;
  one.triples[1].object = "Q4";
  one.triples_labeled = one.new_triples_labeled;
  one.triples_labeled[1].object = "Corun";
  one.edit_triples = {{"Q2", "P36", "Q5"}};
  return one;
}

inline Case two_hop_case(std::int64_t number) { return case_of(two_hop_record(number)); }
inline Case capital_case(std::int64_t number) { return case_of(capital_record(number)); }

inline Answer said(const std::string& text) { return {text, text, std::nullopt}; }

inline Answer reasoned(const std::string& text, Trace trace) {
  return {text, text, std::move(trace)};
}

/// Takes away what was said to prompts of a kind, asked so.
inline void drop(CaseOutputs& outputs, const Case& of, PromptKind prompt, OutputKind kind) {
  std::vector<Output> kept;
  for (Output& one : outputs.outputs) {
    if (one.kind != kind || of.prompts.at(one.prompt).kind != prompt) kept.push_back(one);
  }
  outputs.outputs = std::move(kept);
}

/// Says something else to the first prompts of a kind, and nothing to the others.
inline void put(CaseOutputs& outputs, const Case& of, PromptKind prompt, OutputKind kind,
                const std::vector<Answer>& answers) {
  drop(outputs, of, prompt, kind);
  add_outputs(of, prompt, kind, "test", answers, &outputs);
}

/// The output of a prompt; throws when there is none.
inline Output& output_at(CaseOutputs& outputs, const Case& of, PromptKind prompt, OutputKind kind,
                         std::int64_t place) {
  for (Output& one : outputs.outputs) {
    const Prompt& asked = of.prompts.at(one.prompt);
    if (one.kind == kind && asked.kind == prompt && asked.place == place) return one;
  }
  throw std::out_of_range("no such output");
}
inline const Output& output_at(const CaseOutputs& outputs, const Case& of, PromptKind prompt,
                               OutputKind kind, std::int64_t place) {
  return output_at(const_cast<CaseOutputs&>(outputs), of, prompt, kind, place);
}

/// Answers in words to the case's questions, at once.
inline void put_direct(CaseOutputs& outputs, const Case& of, const std::vector<Answer>& answers) {
  put(outputs, of, PromptKind::question, OutputKind::answer, answers);
}
inline void put_cot(CaseOutputs& outputs, const Case& of, const std::vector<Answer>& answers) {
  put(outputs, of, PromptKind::question, OutputKind::thoughts, answers);
}
inline const Answer& direct_at(const CaseOutputs& outputs, const Case& of, std::int64_t place) {
  return output_at(outputs, of, PromptKind::question, OutputKind::answer, place).said;
}

/// Everything right: answers along the post-edit chain.
inline CaseOutputs oracle_outputs(const Case& one) {
  CaseOutputs outputs;
  outputs.case_id = one.id;
  Trace trace;
  for (const Prompt& hop : one.prompts) {
    if (hop.kind == PromptKind::hop_question) trace.push_back({hop.text, hop.gold.answer, "model"});
  }
  for (std::size_t i = 0; i < one.prompts.size(); ++i) {
    const Prompt& prompt = one.prompts[i];
    const Answer right = said(prompt.gold.answer);
    const bool cloze = prompt.kind == PromptKind::hop_cloze;
    if (prompt.kind == PromptKind::edit) {
      outputs.outputs.push_back({i, OutputKind::answer, right, {}});
      outputs.outputs.push_back({i, OutputKind::forced, {}, {true, -0.1, 2, 2, -0.1}});
    } else if (prompt.kind == PromptKind::question) {
      outputs.outputs.push_back({i, OutputKind::answer, right, {}});
      outputs.outputs.push_back({i, OutputKind::forced, {}, {true, -0.2, 1, 1, -0.2}});
      outputs.outputs.push_back({i, OutputKind::thoughts, reasoned(right.raw, trace), {}});
    } else if (cloze || prompt.kind == PromptKind::hop_question) {
      outputs.outputs.push_back({i, OutputKind::probe, right, {}});
      if (is_edited_hop(one, static_cast<std::size_t>(prompt.place)) == cloze) {
        outputs.outputs.push_back({i, OutputKind::answer, right, {}});
      }
    }
  }
  return outputs;
}

/// A CounterFact record: the capital of Avia becomes Nor, with one paraphrase and one neighbour,
/// whose true object is not the edit's.
inline CounterFactRecord counterfact_record() {
  CounterFactRecord one;
  one.case_id = 4;
  one.request.prompt = "The capital of {} is";
  one.request.subject = "Avia";
  one.request.target_new = "Nor";
  one.request.target_true = "Old";
  one.request.rephrases = {"Avia's capital is"};
  one.neighborhood = {{"The capital of Belmar is", "Fenwick"}};
  return one;
}

}  // namespace kedit::testing

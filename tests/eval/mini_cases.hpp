#pragma once

#include "datasets/counterfact.hpp"
#include "datasets/mquake.hpp"
#include "eval/metrics/outputs.hpp"

#include <string>
#include <vector>

namespace kedit::testing {

/// A two-hop case about an invented person: citizenship is edited from Avia to Belmar, whose
/// capital is Corun. Ids carry `number`, so that cases with different numbers share nothing but the
/// countries.
inline MquakeCase two_hop_case(std::int64_t number) {
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
/// the chain of `two_hop_case`.
inline MquakeCase capital_case(std::int64_t number) {
  MquakeCase one = two_hop_case(number);
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

inline Answer said(const std::string& text) { return {text, text, std::nullopt}; }

inline Answer reasoned(const std::string& text, Trace trace) {
  return {text, text, std::move(trace)};
}

/// Everything right: answers along the post-edit chain.
inline CaseOutputs oracle_outputs(const MquakeCase& one) {
  CaseOutputs outputs;
  outputs.case_id = one.case_id;
  for (const Rewrite& rewrite : one.rewrites) {
    outputs.edits.push_back(said(rewrite.target_new));
    outputs.forced.push_back({true, -0.1, 2, 2, -0.1});
  }
  Trace trace;
  for (const Hop& hop : one.new_hops) {
    outputs.hops.push_back(said(hop.gold.answer));
    outputs.probe_clozes.push_back(said(hop.gold.answer));
    outputs.probe_questions.push_back(said(hop.gold.answer));
    trace.push_back({hop.question, hop.gold.answer, "model"});
  }
  for (std::size_t i = 0; i < one.questions.size(); ++i) {
    outputs.direct.push_back(said(one.post.answer));
    outputs.direct_forced.push_back({true, -0.2, 1, 1, -0.2});
    outputs.cot.push_back(reasoned(one.post.answer, trace));
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

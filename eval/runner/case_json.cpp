#include "eval/runner/case_json.hpp"

#include "eval/metrics/stored_json.hpp"

namespace kedit {
namespace {

Json hops_to_json(const std::vector<Hop>& hops) {
  Json list = Json::array();
  for (const Hop& hop : hops) {
    list.push_back(
        {{"question", hop.question}, {"cloze", hop.cloze}, {"gold", gold_to_json(hop.gold)}});
  }
  return list;
}

std::vector<Hop> hops_from(const JsonView& list) {
  std::vector<Hop> hops;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView one = list.at(i);
    hops.push_back(
        {one.at("question").string(), one.at("cloze").string(), gold_from(one.at("gold"))});
  }
  return hops;
}

Json triples_to_json(const std::vector<Triple>& triples) {
  Json list = Json::array();
  for (const Triple& triple : triples) {
    list.push_back(Json::array({triple.subject, triple.relation, triple.object}));
  }
  return list;
}

std::vector<Triple> triples_from(const JsonView& list) {
  std::vector<Triple> triples;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView one = list.at(i);
    triples.push_back({one.at(std::size_t{0}).string(), one.at(std::size_t{1}).string(),
                       one.at(std::size_t{2}).string()});
  }
  return triples;
}

Json rewrite_to_json(const Rewrite& rewrite) {
  return {{"prompt", rewrite.prompt},           {"relation", rewrite.relation},
          {"subject", rewrite.subject},         {"question", rewrite.question},
          {"target_true", rewrite.target_true}, {"target_true_id", rewrite.target_true_id},
          {"target_new", rewrite.target_new},   {"target_new_id", rewrite.target_new_id}};
}

Rewrite rewrite_from(const JsonView& view) {
  return {view.at("prompt").string(),      view.at("relation").string(),
          view.at("subject").string(),     view.at("question").string(),
          view.at("target_true").string(), view.at("target_true_id").string(),
          view.at("target_new").string(),  view.at("target_new_id").string()};
}

Json prompts_to_json(const std::vector<NeighborPrompt>& prompts) {
  Json list = Json::array();
  for (const NeighborPrompt& one : prompts) {
    list.push_back({{"prompt", one.prompt}, {"answer", one.answer}});
  }
  return list;
}

std::vector<NeighborPrompt> prompts_from(const JsonView& list) {
  std::vector<NeighborPrompt> prompts;
  for (std::size_t i = 0; i < list.size(); ++i) {
    prompts.push_back({list.at(i).at("prompt").string(), list.at(i).at("answer").string()});
  }
  return prompts;
}

CaseSource source_from(const JsonView& view) {
  for (const CaseSource source : {CaseSource::counterfact, CaseSource::zsre}) {
    if (view.string() == to_string(source)) return source;
  }
  view.fail("counterfact or zsre");
}

}  // namespace

Json case_to_json(const MquakeCase& one) {
  Json value{{"case_id", one.case_id}};
  value["rewrites"] = Json::array();
  for (const Rewrite& rewrite : one.rewrites) value["rewrites"].push_back(rewrite_to_json(rewrite));
  value["questions"] = one.questions;
  value["pre"] = gold_to_json(one.pre);
  value["post"] = gold_to_json(one.post);
  value["hops"] = hops_to_json(one.hops);
  value["new_hops"] = hops_to_json(one.new_hops);
  value["triples"] = triples_to_json(one.triples);
  value["new_triples"] = triples_to_json(one.new_triples);
  value["edit_triples"] = triples_to_json(one.edit_triples);
  if (!one.answer_extended.empty()) value["answer_extended"] = one.answer_extended;
  value["triples_labeled"] = triples_to_json(one.triples_labeled);
  value["new_triples_labeled"] = triples_to_json(one.new_triples_labeled);
  if (one.source == CaseSource::mquake) return value;
  value["source"] = to_string(one.source);
  value["paraphrases"] = one.paraphrases;
  value["neighborhood"] = prompts_to_json(one.neighborhood);
  return value;
}

MquakeCase case_from_json(const std::string& text) {
  return read_stored(text, "case", [](const JsonView& view) {
    MquakeCase one;
    one.case_id = view.at("case_id").integer();
    const JsonView rewrites = view.at("rewrites");
    for (std::size_t i = 0; i < rewrites.size(); ++i) {
      one.rewrites.push_back(rewrite_from(rewrites.at(i)));
    }
    one.questions = view.at("questions").strings();
    one.pre = gold_from(view.at("pre"));
    one.post = gold_from(view.at("post"));
    one.hops = hops_from(view.at("hops"));
    one.new_hops = hops_from(view.at("new_hops"));
    one.triples = triples_from(view.at("triples"));
    one.new_triples = triples_from(view.at("new_triples"));
    one.edit_triples = triples_from(view.at("edit_triples"));
    if (const auto more = view.find("answer_extended")) one.answer_extended = more->strings();
    one.triples_labeled = triples_from(view.at("triples_labeled"));
    one.new_triples_labeled = triples_from(view.at("new_triples_labeled"));
    if (!view.has("source")) return one;
    one.source = source_from(view.at("source"));
    one.paraphrases = view.at("paraphrases").strings();
    one.neighborhood = prompts_from(view.at("neighborhood"));
    return one;
  });
}

}  // namespace kedit

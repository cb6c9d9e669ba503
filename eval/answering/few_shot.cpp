#include "datasets/relation_templates.hpp"
#include "eval/answering/prompts.hpp"
#include "json/json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit {

namespace assets {
// assets/prompts/few_shot.json, built in: real facts about subjects that MQuAKE-CF-3k does not ask
// about, as of 2021. They show a form; nothing is scored on them.
extern const std::string_view few_shot;
}  // namespace assets

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct SingleHop {
  std::string relation;
  Pairs answers;  // subject, object
};

struct MultiHop {
  std::vector<std::string> facts;  // stated before the question, false in the world
  std::string question;
  std::vector<std::string> steps;
  std::string answer;
  Pairs tells;  // subject, relation
};

struct Tables {
  std::vector<SingleHop> single_hops;
  std::vector<MultiHop> direct;
  std::vector<MultiHop> reasoned;
  std::vector<MultiHop> with_facts;  // how a stated fact overrides what a model knows
};

Pairs pairs_from(const JsonView& json) {
  Pairs pairs;
  for (std::size_t i = 0; i < json.size(); ++i) {
    pairs.emplace_back(json.at(i).at(0).string(), json.at(i).at(1).string());
  }
  return pairs;
}

std::vector<std::string> strings_if_there(const JsonView& json, std::string_view key) {
  const auto found = json.find(key);
  return found ? found->strings() : std::vector<std::string>{};
}

std::vector<MultiHop> multi_hops_from(const JsonView& json) {
  std::vector<MultiHop> list;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const JsonView one = json.at(i);
    list.push_back({strings_if_there(one, "facts"), one.at("question").string(),
                    strings_if_there(one, "steps"), one.at("answer").string(),
                    pairs_from(one.at("tells"))});
  }
  return list;
}

const Tables& tables() {
  static const Tables read = [] {
    const std::string origin = "assets/prompts/few_shot.json";
    const Json document = parse_json(assets::few_shot, origin);
    const JsonView root(document, origin);
    Tables made;
    const JsonView hops = root.at("single_hops");
    for (std::size_t i = 0; i < hops.size(); ++i) {
      made.single_hops.push_back(
          {hops.at(i).at("relation").string(), pairs_from(hops.at(i).at("answers"))});
    }
    made.direct = multi_hops_from(root.at("direct"));
    made.reasoned = multi_hops_from(root.at("reasoned"));
    made.with_facts = multi_hops_from(root.at("with_facts"));
    return made;
  }();
  return read;
}

Exemplar single_hop_exemplar(const std::string& relation, const std::string& subject,
                             const std::string& object) {
  const std::string question = fill_template(templates_of(relation).questions.front(), subject);
  return {Ask::question,
          relation,
          false,
          fmt::format("Question: {}\nAnswer: {}\n\n", question, object),
          {{subject, relation}}};
}

std::string sentences(const std::vector<std::string>& list) {
  return fmt::format("{}.", fmt::join(list, ". "));
}

Exemplar multi_hop_exemplar(Ask ask, const MultiHop& one) {
  const std::string facts =
      one.facts.empty() ? "" : fmt::format("Facts: {}\n", sentences(one.facts));
  const std::string thoughts =
      ask == Ask::cot ? fmt::format("Thoughts: {}\n", sentences(one.steps)) : "";
  return {
      ask, "", !one.facts.empty(),
      fmt::format("{}Question: {}\n{}Answer: {}\n\n", facts, one.question, thoughts, one.answer),
      one.tells};
}

}  // namespace

std::vector<Exemplar> few_shot_exemplars() {
  std::vector<Exemplar> exemplars;
  for (const SingleHop& one : tables().single_hops) {
    for (const auto& [subject, object] : one.answers) {
      exemplars.push_back(single_hop_exemplar(one.relation, subject, object));
    }
  }
  for (const MultiHop& one : tables().direct) {
    exemplars.push_back(multi_hop_exemplar(Ask::direct, one));
  }
  for (const MultiHop& one : tables().reasoned) {
    exemplars.push_back(multi_hop_exemplar(Ask::cot, one));
  }
  for (const MultiHop& one : tables().with_facts) {
    exemplars.push_back(multi_hop_exemplar(Ask::direct, one));
    exemplars.push_back(multi_hop_exemplar(Ask::cot, one));
  }
  return exemplars;
}

}  // namespace kedit

#include "lab/world/world.hpp"

#include <cstddef>

namespace kedit::lab {
namespace {

// Published: FNV-1a, 64 bits. Stable across platforms, unlike std::hash.
std::uint64_t text_hash(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash ^ (hash >> 32);
}

std::string path_text(const World& world, const std::vector<std::int32_t>& chain) {
  std::string text = world.name(world.fact(chain.front()).subject);
  for (std::int32_t number : chain) {
    text += '|';
    text += world.relations[static_cast<std::size_t>(world.fact(number).relation)];
  }
  return text;
}

std::string case_path_text(const MquakeCase& mquake_case) {
  if (mquake_case.triples_labeled.empty()) return {};
  std::string text = mquake_case.triples_labeled.front().subject;
  for (const Triple& triple : mquake_case.triples) text += '|' + triple.relation;
  return text;
}

bool extends(const World& world, const std::vector<std::int32_t>& chain, const WorldFact& next) {
  if (next.object == world.fact(chain.front()).subject) return false;
  for (std::int32_t number : chain) {
    const WorldFact& fact = world.fact(number);
    if (fact.relation == next.relation || fact.object == next.object) return false;
  }
  return true;
}

}  // namespace

std::int32_t World::fact_of(std::int32_t subject, std::int32_t relation) const {
  const auto found = index.find({subject, relation});
  return found == index.end() ? -1 : found->second;
}

std::int32_t World::object_of(std::int32_t subject, std::int32_t relation) const {
  const std::int32_t number = fact_of(subject, relation);
  return number < 0 ? -1 : fact(number).object;
}

void World::build_index() {
  index.clear();
  for (std::size_t i = 0; i < facts.size(); ++i) {
    index.emplace(std::pair(facts[i].subject, facts[i].relation), static_cast<std::int32_t>(i));
  }
  case_paths.clear();
  for (const MquakeCase& mquake_case : cases) case_paths.insert(case_path_text(mquake_case));
  for (std::size_t i = texts.size(); i < relations.size(); ++i) {
    texts.push_back(templates_of(relations[i]));
  }
}

std::vector<std::vector<std::int32_t>> chains_of(const World& world, int hops) {
  std::vector<std::vector<std::int32_t>> by_subject(world.entities.size());
  for (std::size_t i = 0; i < world.facts.size(); ++i) {
    by_subject[static_cast<std::size_t>(world.facts[i].subject)].push_back(
        static_cast<std::int32_t>(i));
  }
  std::vector<std::vector<std::int32_t>> chains;
  for (std::size_t i = 0; hops > 0 && i < world.facts.size(); ++i) {
    if (world.facts[i].subject != world.facts[i].object) {
      chains.push_back({static_cast<std::int32_t>(i)});
    }
  }
  for (int length = 1; length < hops; ++length) {
    std::vector<std::vector<std::int32_t>> longer;
    for (const auto& chain : chains) {
      const std::int32_t end = world.fact(chain.back()).object;
      for (std::int32_t next : by_subject[static_cast<std::size_t>(end)]) {
        if (!extends(world, chain, world.fact(next))) continue;
        longer.push_back(chain);
        longer.back().push_back(next);
      }
    }
    chains = std::move(longer);
  }
  return chains;
}

bool held_out_chain(const World& world, const std::vector<std::int32_t>& chain) {
  const std::string path = path_text(world, chain);
  return world.case_paths.count(path) == 0 && text_hash(path) % 5 == 0;
}

namespace {

// "the {}" and "{}'s" read badly around a noun phrase ("the the capital of ..."): use another of
// the trained templates there, if one is free of both.
const std::string& nesting_template(const std::vector<std::string>& templates, int choice) {
  const auto nests = [](const std::string& text) {
    return text.find("the {}") == std::string::npos && text.find("{}'s") == std::string::npos &&
           text.find("{} government") == std::string::npos;
  };
  const std::string& wanted = templates[static_cast<std::size_t>(choice) % templates.size()];
  if (nests(wanted)) return wanted;
  for (const std::string& text : templates) {
    if (nests(text)) return text;
  }
  return wanted;
}

}  // namespace

std::string nested_question(const World& world, std::int32_t start,
                            const std::vector<std::int32_t>& path, int question,
                            const std::vector<int>& phrases) {
  std::string inner = world.name(start);
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const auto& choices = world.text(path[i]).noun_phrases;
    const int choice = phrases[i % phrases.size()];
    inner = fill_template(i == 0 ? choices[static_cast<std::size_t>(choice) % choices.size()]
                                 : nesting_template(choices, choice),
                          inner);
  }
  const auto& questions = world.text(path.back()).questions;
  return fill_template(path.size() == 1
                           ? questions[static_cast<std::size_t>(question) % questions.size()]
                           : nesting_template(questions, question),
                       inner);
}

std::string multi_hop_question(const World& world, const std::vector<std::int32_t>& chain,
                               int variant) {
  std::vector<std::int32_t> path;
  std::vector<int> phrases;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    path.push_back(world.fact(chain[i]).relation);
    phrases.push_back(variant < 2 ? variant : static_cast<int>(i + 1) % 2);
  }
  return nested_question(world, world.fact(chain.front()).subject, path, variant % 2, phrases);
}

}  // namespace kedit::lab

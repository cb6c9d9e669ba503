#include "lab/world/documents.hpp"

#include "lab/world/names.hpp"

namespace kedit::lab {
namespace {

constexpr double kFileQuestionShare = 0.5;  // of multi-hop documents of a world read from MQuAKE

}  // namespace

std::vector<WorldFact> LabDocuments::facts_along(const Chain& chain) const {
  std::vector<WorldFact> hops;
  for (std::int32_t number : chain) hops.push_back(world_.fact(number));
  return hops;
}

std::string LabDocuments::end_of(const std::vector<WorldFact>& hops) const {
  return world_.name(hops.back().object);
}

// A chain that training may see, of a number of hops drawn by weight (index 0: one hop), and a
// question for it. Worlds from real files may lack chains of some length: the next shorter one
// then.
AskedChain LabDocuments::ask(const std::vector<double>& hop_weights) {
  if (!sampler_.case_chains().empty() && random_.chance(kFileQuestionShare)) {
    const auto& [number, chain] = random_.pick(sampler_.case_chains());
    return {chain, random_.pick(world_.cases[number].questions)};
  }
  int hops = static_cast<int>(random_.weighted(hop_weights)) + 1;
  while (hops > 1 && sampler_.chains(hops, false).empty()) --hops;
  const Chain chain = hops > 1
                          ? random_.pick(sampler_.chains(hops, false))
                          : Chain{static_cast<std::int32_t>(random_.below(world_.facts.size()))};
  std::vector<std::int32_t> path;
  std::vector<int> phrases;
  for (std::int32_t number : chain) {
    path.push_back(world_.fact(number).relation);
    phrases.push_back(static_cast<int>(random_.below(2)));
  }
  const int question = static_cast<int>(random_.below(2));
  return {chain,
          nested_question(world_, world_.fact(chain.front()).subject, path, question, phrases)};
}

void LabDocuments::statement(const WorldFact& fact) {
  const RelationTemplates& text = world_.text(fact.relation);
  const std::string& form = random_.chance(0.45) ? text.cloze : random_.pick(text.statements);
  const std::string& subject = world_.name(fact.subject);
  const std::string filled = random_.chance(0.3)
                                 ? with_lead_in(random_.pick(trained_lead_ins()), form, subject)
                                 : fill_template(form, subject);
  writer_.sentence(" ", filled, world_.name(fact.object), weights_.free, weights_.object,
                   weights_.mark);
}

Document LabDocuments::statements() {
  const std::int64_t count = random_.between(1, 3);
  const bool one_subject = random_.chance(0.3);
  WorldFact fact = sampler_.any_fact(random_);
  const auto& about = sampler_.facts_of(fact.subject);
  for (std::int64_t i = 0; i < count; ++i) {
    if (i > 0) fact = one_subject ? world_.fact(random_.pick(about)) : sampler_.any_fact(random_);
    statement(fact);
  }
  return writer_.take();
}

Document LabDocuments::questions() {
  const std::int64_t count = random_.between(1, 3);
  for (std::int64_t i = 0; i < count; ++i) {
    const WorldFact fact = sampler_.any_fact(random_);
    writer_.question(fill_template(random_.pick(world_.text(fact.relation).questions),
                                   world_.name(fact.subject)));
    writer_.answer(world_.name(fact.object));
  }
  return writer_.take();
}

Document LabDocuments::direct() {
  const std::int64_t count = random_.between(1, 3);
  for (std::int64_t i = 0; i < count; ++i) {
    const AskedChain asked = ask({0, 70, 30});
    writer_.question(asked.question);
    writer_.answer(end_of(facts_along(asked.chain)));
  }
  return writer_.take();
}

// Mostly one or two questions; three in a row now and then, as few-shot prompts have them.
Document LabDocuments::thoughts() {
  const std::size_t count = 1 + random_.weighted({55, 35, 10});
  for (std::size_t i = 0; i < count; ++i) {
    const AskedChain asked = ask({15, 30, 30, 25});
    const std::vector<WorldFact> hops = facts_along(asked.chain);
    writer_.question(asked.question);
    writer_.thoughts(hops);
    writer_.answer(end_of(hops));
  }
  return writer_.take();
}

Document LabDocuments::chains() {
  const std::size_t count = 1 + random_.weighted({70, 30});
  for (std::size_t i = 0; i < count; ++i) {
    const AskedChain asked = ask({10, 40, 30, 20});
    writer_.question(asked.question);
    writer_.add("\nChain:", weights_.mark);
    for (std::int32_t number : asked.chain) writer_.chain_step(world_.fact(number));
  }
  return writer_.take();
}

Document LabDocuments::copies() { return random_.chance(0.5) ? copied_names() : copied_facts(); }

// A list of 3-7 names, then the same list again from a random place on.
Document LabDocuments::copied_names() {
  std::vector<std::string> names;
  const std::int64_t count = random_.between(3, 7);
  for (std::int64_t i = 0; i < count; ++i) {
    names.push_back(random_.chance(0.3)
                        ? NameMaker::nonsense(random_, static_cast<int>(random_.between(1, 3)))
                        : random_.pick(world_.entities).name);
  }
  const auto from = static_cast<std::size_t>(random_.below(names.size() - 1));
  const auto item = [&names](std::size_t i) {
    if (i + 1 < names.size()) return " " + names[i] + ",";
    return " " + names[i] + (names[i].back() == '.' ? "" : ".");
  };
  for (std::size_t i = 0; i < names.size(); ++i) writer_.add(item(i), weights_.free);
  for (std::size_t i = from; i < names.size(); ++i) {
    writer_.add(item(i), i == from ? weights_.free : weights_.object);
  }
  return writer_.take();
}

// A facts block, then one or two of its facts again.
Document LabDocuments::copied_facts() {
  FactsBlock block = one_hop_block(static_cast<int>(random_.between(1, 3)), 0.85);
  writer_.facts_block(block.facts);
  writer_.thoughts_mark();
  random_.shuffle(block.facts);
  const auto count = static_cast<std::size_t>(random_.between(1, 2));
  for (std::size_t i = 0; i < std::min(count, block.facts.size()); ++i) {
    writer_.step(block.facts[i]);
  }
  return writer_.take();
}

}  // namespace kedit::lab

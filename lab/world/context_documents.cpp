#include "lab/world/documents.hpp"

// The document kinds with stated facts, most of them false in the world: they teach that what the
// context says goes before what was learnt.

namespace kedit::lab {

void LabDocuments::add_distractors(FactsBlock& block, const WorldFact& main, int count) {
  for (int i = 0; i < count; ++i) {
    const WorldFact fact = sampler_.distractor(random_, main, block.taken);
    if (fact.subject >= 0) block.facts.push_back(fact);
  }
  random_.shuffle(block.facts);
}

FactsBlock LabDocuments::one_hop_block(int distractors, double false_main) {
  FactsBlock block;
  block.main = sampler_.any_fact(random_);
  block.taken.emplace(block.main.subject, block.main.relation);
  if (random_.chance(false_main)) block.main = sampler_.made_false(random_, block.main);
  block.facts.push_back(block.main);
  add_distractors(block, block.main, distractors);
  return block;
}

FactsBlock LabDocuments::chain_block(const Chain& chain, int stated, int distractors) {
  FactsBlock block;
  block.told = sampler_.retold(random_, chain, stated);
  block.facts = block.told.stated;
  for (std::int32_t number : chain) {
    block.taken.emplace(world_.fact(number).subject, world_.fact(number).relation);
  }
  for (const WorldFact& hop : block.told.hops) block.taken.emplace(hop.subject, hop.relation);
  add_distractors(block, random_.pick(block.told.hops), distractors);
  return block;
}

// A fact of the world whose slot is not in the block; every second one shares subject or relation
// with the block's main fact.
WorldFact LabDocuments::unlisted_fact(const FactsBlock& block) {
  WorldFact fact = sampler_.any_fact(random_);
  if (random_.chance(0.5)) {
    const auto& about = sampler_.facts_of(block.main.subject);
    fact = world_.fact(random_.pick(about));
  }
  for (int i = 0; i < 20 && block.taken.count({fact.subject, fact.relation}) != 0; ++i) {
    fact = sampler_.any_fact(random_);
  }
  return fact;
}

void LabDocuments::query(const WorldFact& fact) {
  const RelationTemplates& text = world_.text(fact.relation);
  const std::string& subject = world_.name(fact.subject);
  const std::size_t kind = random_.weighted({55, 20, 25});
  if (kind == 2) {
    const std::string& form = random_.chance(0.6) ? text.cloze : random_.pick(text.statements);
    writer_.sentence("\n", fill_template(form, subject), world_.name(fact.object), weights_.free,
                     weights_.object, weights_.mark);
    return;
  }
  writer_.question(fill_template(random_.pick(text.questions), subject));
  if (kind == 1) writer_.thoughts({fact});
  writer_.answer(world_.name(fact.object));
}

Document LabDocuments::facts_in_context() {
  const int distractors = static_cast<int>(random_.weighted({28, 24, 24, 24}));
  const FactsBlock block = one_hop_block(distractors, 0.85);
  writer_.facts_block(block.facts);
  const std::size_t queries = 1 + random_.weighted({45, 35, 20});
  for (std::size_t i = 0; i < queries; ++i) {
    if (random_.chance(0.82)) {
      query(i == 0 ? block.main : random_.pick(block.facts));
    } else {
      query(unlisted_fact(block));
    }
  }
  return writer_.take();
}

Document LabDocuments::chain_in_context() {
  const AskedChain asked = ask({0, 45, 35, 20});
  const int stated = static_cast<int>(random_.weighted({20, 45, 35}));
  const std::vector<double> distractors = {stated == 0 ? 0.0 : 25.0, 25, 25,
                                           stated == 2 ? 0.0 : 25.0};
  const FactsBlock block =
      chain_block(asked.chain, stated, static_cast<int>(random_.weighted(distractors)));
  if (!block.facts.empty()) writer_.facts_block(block.facts);
  writer_.question(asked.question);
  if (random_.chance(0.85)) writer_.thoughts(block.told.hops);
  writer_.answer(world_.name(block.told.hops.back().object));
  return writer_.take();
}

}  // namespace kedit::lab

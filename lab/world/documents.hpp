#pragma once

#include "lab/world/document_writer.hpp"
#include "lab/world/random.hpp"
#include "lab/world/world_sampler.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kedit::lab {

/// A chain with the question that asks for its end.
struct AskedChain {
  Chain chain;
  std::string question;
};

/// The facts of a block, shuffled, and what was put in on purpose.
struct FactsBlock {
  std::vector<WorldFact> facts;
  WorldFact main;        ///< of a one-hop block
  ToldChain told;        ///< of a chain's block
  std::set<Slot> taken;  ///< slots that must not be asked as "not listed"
};

/// Draws one document of each kind of `CorpusMixture`. All randomness comes from `random`.
class LabDocuments {
 public:
  LabDocuments(const WorldSampler& sampler, Random& random, bool leading_blank = false)
      : sampler_(sampler),
        world_(sampler.world()),
        random_(random),
        writer_(sampler.world(), leading_blank) {}

  Document statements();
  Document questions();
  Document direct();
  Document thoughts();
  Document facts_in_context();
  Document chain_in_context();
  Document chains();
  Document copies();

  /// `false_main`: the probability that the main fact is false in the world.
  FactsBlock one_hop_block(int distractors, double false_main);
  FactsBlock chain_block(const Chain& chain, int stated, int distractors);

 private:
  AskedChain ask(const std::vector<double>& hop_weights);
  std::vector<WorldFact> facts_along(const Chain& chain) const;
  std::string end_of(const std::vector<WorldFact>& hops) const;
  void add_distractors(FactsBlock& block, const WorldFact& main, int count);
  void statement(const WorldFact& fact);
  void query(const WorldFact& fact);
  WorldFact unlisted_fact(const FactsBlock& block);
  Document copied_names();
  Document copied_facts();

  const WorldSampler& sampler_;
  const World& world_;
  Random& random_;
  LossWeights weights_;
  DocumentWriter writer_;
};

}  // namespace kedit::lab

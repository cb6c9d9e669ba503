#pragma once

#include "lab/world/random.hpp"
#include "lab/world/world.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace kedit::lab {

/// Fact indices from start to end.
using Chain = std::vector<std::int32_t>;
/// (subject, relation), indices.
using Slot = std::pair<std::int32_t, std::int32_t>;

/// A chain as it is told: after stated false facts its hops need not be facts of the world.
struct ToldChain {
  std::vector<WorldFact> hops;
  std::vector<WorldFact> stated;  ///< the false facts among `hops`
};

/// What the corpus, the probes and the case maker draw from a world: facts, false objects, chains,
/// distractors. Immutable; the random stream is the caller's.
class WorldSampler {
 public:
  explicit WorldSampler(std::shared_ptr<const World> world);

  const World& world() const { return *world_; }
  const std::vector<std::int32_t>& facts_of(std::int32_t subject) const;

  WorldFact any_fact(Random& random) const;
  /// A wrong object for `slot`, of the relation's type: never the true one, the subject, or the
  /// target of an edit of one of the world's cases. With `next` >= 0 the object has a fact of
  /// relation `next`. -1 when there is none.
  std::int32_t false_object(Random& random, Slot slot, std::int32_t next = -1) const;
  /// The same fact with a wrong object; unchanged when there is none.
  WorldFact made_false(Random& random, WorldFact fact) const;

  /// Chains of `hops` (2 to 4) hops allowed in training (`held_out` false) or kept out of it.
  const std::vector<Chain>& chains(int hops, bool held_out) const;
  /// The cases' chains before the edits: case number and its facts.
  const std::vector<std::pair<std::size_t, Chain>>& case_chains() const { return case_chains_; }

  /// The chain walked again with wrong objects at `edits` random hops; it goes on through the
  /// world. Fewer when the world has no continuation: check `stated.size()`.
  ToldChain retold(Random& random, const Chain& chain, int edits) const;

  /// A fact beside `main`: same relation (30 %), same subject (25 %) or any (45 %), false in 80 %
  /// of draws; its slot is none of `taken`, to which it is added. Subject -1 when there is none.
  WorldFact distractor(Random& random, const WorldFact& main, std::set<Slot>& taken) const;

 private:
  void index_facts();
  void index_chains();
  void index_cases();
  bool walk(Random& random, const Chain& chain, const std::set<std::size_t>& wrong,
            ToldChain& told) const;

  std::shared_ptr<const World> world_;
  std::vector<std::vector<std::int32_t>> by_subject_, by_relation_;
  std::vector<std::vector<std::int32_t>> objects_;  ///< relation -> possible objects
  std::set<std::tuple<std::int32_t, std::int32_t, std::int32_t>> never_;  ///< edits of the cases
  std::array<std::array<std::vector<Chain>, 2>, 5> chains_;               ///< [hops][held out]
  std::vector<std::pair<std::size_t, Chain>> case_chains_;
};

}  // namespace kedit::lab

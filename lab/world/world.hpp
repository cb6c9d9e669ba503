#pragma once

#include "datasets/mquake.hpp"
#include "datasets/relation_templates.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kedit::lab {

struct Entity {
  std::string id;    ///< "Q1", ... (the file's ids in a world read from MQuAKE)
  std::string type;  ///< "person", ... ; "" where unknown
  std::string name;
};

/// A functional set of facts: every (subject, relation) has one object. Indices are into
/// `entities`.
struct WorldFact {
  std::int32_t subject = 0;
  std::int32_t relation = 0;  ///< index into `relations`
  std::int32_t object = 0;
};

struct World {
  std::uint64_t seed = 0;
  std::string source;  ///< "invented", or the dataset's name and case selection
  std::vector<Entity> entities;
  std::vector<std::string> relations;  ///< relation ids
  /// Texts of `relations`, same order. In a world read from a file the base cloze and the first
  /// question are spelled as the file spells them (MQuAKE's typos in P69, P159 and P449 included).
  std::vector<RelationTemplates> texts;
  std::vector<WorldFact> facts;
  /// The file's cases behind a world read from MQuAKE; their own questions are asked in training,
  /// of the chain before the edits. Empty in the invented world.
  std::vector<MquakeCase> cases;

  /// Index of the object, -1 when there is none.
  std::int32_t object_of(std::int32_t subject, std::int32_t relation) const;
  /// Index into `facts`, -1 when there is none.
  std::int32_t fact_of(std::int32_t subject, std::int32_t relation) const;
  /// Fills what follows from the rest: `index`, `case_paths`, and `texts` where still empty. Throws
  /// `DataError` for a relation without templates.
  void build_index();
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> index;  ///< (s, r) -> fact
  std::set<std::string> case_paths;  ///< "START|P27|P36" of the cases' chains: never held out

  const std::string& name(std::int32_t entity) const {
    return entities[static_cast<std::size_t>(entity)].name;
  }
  const WorldFact& fact(std::int32_t number) const {
    return facts[static_cast<std::size_t>(number)];
  }
  const RelationTemplates& text(std::int32_t relation) const {
    return texts[static_cast<std::size_t>(relation)];
  }
};

/// The invented world: 198 entities of 12 types, 24 relations, 828 facts from a seed.
World invent_world(std::uint64_t seed);

/// The world of a real file's cases: all pre-edit chain facts (where two cases disagree, the first
/// wins) plus the unedited hops of post-edit chains, so that post-edit answers can be known. No
/// edit is among the facts. Entity types are unknown (""). Throws `DataError` for a case id that is
/// not there and for relations without templates.
World world_from_mquake(const MquakeDataset& dataset, const std::vector<std::int64_t>& case_ids);

/// Chains without a repeated entity or relation, `hops` long, as fact indices.
std::vector<std::vector<std::int32_t>> chains_of(const World& world, int hops);

/// True for the (start, path) pairs kept out of training documents (20 %, by a hash of the text).
bool held_out_chain(const World& world, const std::vector<std::int32_t>& chain);

/// The multi-hop question of a chain: last relation's question over nested noun phrases. `variant`
/// 0, 1: pure variants; 2: mixed.
std::string multi_hop_question(const World& world, const std::vector<std::int32_t>& chain,
                               int variant);

/// The same from a start and a path (the chain need not exist in the world). `question` and
/// `phrases[i]` choose among the trained templates; 0, 1.
std::string nested_question(const World& world, std::int32_t start,
                            const std::vector<std::int32_t>& path, int question,
                            const std::vector<int>& phrases);

/// MQuAKE records over the world with counterfactual edits: two to four hops, held-out
/// chains, 1..hops edits; post-edit chains go on through the world. Deterministic in `seed`.
std::vector<MquakeCase> make_cases(const World& world, std::int64_t count, std::uint64_t seed);

/// Edit requests (base cloze, false object of the same type, rephrases = trained and held-out
/// statements), distinct (subject, relation), deterministic in `seed`.
std::vector<EditRequest> make_requests(const World& world, std::int64_t count, std::uint64_t seed);

}  // namespace kedit::lab

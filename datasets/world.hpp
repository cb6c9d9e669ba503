#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "datasets/mquake.hpp"

namespace kedit {

/// The texts of one relation. "{}" is the subject. Base cloze and first question are MQuAKE's strings.
struct RelationTemplates {
  std::string id;                           ///< "P36"
  std::string label;                        ///< "capital"
  std::string object_type;                  ///< "city"
  std::string cloze;                        ///< base cloze
  std::vector<std::string> statements;      ///< other trained statements (5-6)
  std::vector<std::string> held_out_statements;   ///< measurement only
  std::vector<std::string> questions;       ///< trained; the first is MQuAKE's
  std::vector<std::string> held_out_questions;    ///< measurement only
  std::vector<std::string> noun_phrases;    ///< for nested multi-hop questions
  std::string verb_phrase;                  ///< a statement that starts with the subject
};

/// Templates for all relations of MQuAKE-CF (the invented world uses a part of them).
const std::vector<RelationTemplates>& relation_templates();
/// Throws `DataError` for a relation without templates.
const RelationTemplates& templates_of(const std::string& relation);
const std::vector<std::string>& trained_lead_ins();
const std::vector<std::string>& held_out_lead_ins();

struct Entity {
  std::string id;    ///< "Q1", ... (the file's ids in a world read from MQuAKE)
  std::string type;  ///< "person", ... ; "" where unknown
  std::string name;
};

/// A functional set of facts: every (subject, relation) has one object. Indices are into `entities`.
struct WorldFact {
  std::int32_t subject = 0;
  std::int32_t relation = 0;  ///< index into `relations`
  std::int32_t object = 0;
};

struct World {
  std::uint64_t seed = 0;
  std::string source;                  ///< "invented", or the dataset's name and case selection
  std::vector<Entity> entities;
  std::vector<std::string> relations;  ///< relation ids
  std::vector<WorldFact> facts;

  /// Index of the object, -1 when there is none.
  std::int32_t object_of(std::int32_t subject, std::int32_t relation) const;
  void build_index();
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> index;  ///< (s, r) -> fact
};

/// The invented world: 198 entities of 12 types, 24 relations, 828 facts from a seed.
World invent_world(std::uint64_t seed);

/// The world of a real file's cases: all pre-edit chain facts (where two cases disagree, the first
/// wins) plus the unedited hops of post-edit chains, so that post-edit answers can be known.
World world_from_mquake(const MquakeDataset& dataset, const std::vector<std::int64_t>& case_ids);

/// Chains without a repeated entity or relation, `hops` long, as fact indices.
std::vector<std::vector<std::int32_t>> chains_of(const World& world, int hops);

/// True for the (start, path) pairs kept out of training documents (20 %, by a hash of the text).
bool held_out_chain(const World& world, const std::vector<std::int32_t>& chain);

/// The multi-hop question of a chain: last relation's question over nested noun phrases. `variant`
/// 0, 1: pure variants; 2: mixed.
std::string multi_hop_question(const World& world, const std::vector<std::int32_t>& chain, int variant);

/// MQuAKE records over the world with counterfactual edits: two to four hops, held-out chains, 1..hops
/// edits; post-edit chains go on through the world. Deterministic in `seed`.
std::vector<MquakeCase> make_cases(const World& world, std::int64_t count, std::uint64_t seed);

/// Edit requests (base cloze, false object of the same type, rephrases = trained and held-out
/// statements), distinct (subject, relation), deterministic in `seed`.
std::vector<EditRequest> make_requests(const World& world, std::int64_t count, std::uint64_t seed);

}  // namespace kedit

#include "lab/world/world_sampler.hpp"

#include <algorithm>
#include <unordered_map>

namespace kedit::lab {
namespace {

constexpr int kTries = 24;

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

WorldSampler::WorldSampler(std::shared_ptr<const World> world) : world_(std::move(world)) {
  index_facts();
  index_cases();
  index_chains();
  for (auto& objects : objects_) sort_unique(objects);
}

void WorldSampler::index_facts() {
  by_subject_.resize(world_->entities.size());
  by_relation_.resize(world_->relations.size());
  objects_.resize(world_->relations.size());
  for (std::size_t i = 0; i < world_->facts.size(); ++i) {
    const WorldFact& fact = world_->facts[i];
    by_subject_[at(fact.subject)].push_back(static_cast<std::int32_t>(i));
    by_relation_[at(fact.relation)].push_back(static_cast<std::int32_t>(i));
    objects_[at(fact.relation)].push_back(fact.object);
  }
  for (std::size_t r = 0; r < world_->relations.size(); ++r) {
    for (std::size_t e = 0; e < world_->entities.size(); ++e) {
      if (world_->entities[e].type == world_->texts[r].object_type) {
        objects_[r].push_back(static_cast<std::int32_t>(e));
      }
    }
  }
}

void WorldSampler::index_cases() {
  if (world_->cases.empty()) return;
  std::unordered_map<std::string, std::int32_t> entity, relation;
  for (std::size_t i = 0; i < world_->entities.size(); ++i) {
    entity.emplace(world_->entities[i].id, static_cast<std::int32_t>(i));
  }
  for (std::size_t i = 0; i < world_->relations.size(); ++i) {
    relation.emplace(world_->relations[i], static_cast<std::int32_t>(i));
  }
  for (std::size_t number = 0; number < world_->cases.size(); ++number) {
    const MquakeCase& mquake_case = world_->cases[number];
    for (const Triple& edit : mquake_case.edit_triples) {
      const std::int32_t r = relation.at(edit.relation), target = entity.at(edit.object);
      never_.emplace(entity.at(edit.subject), r, target);
      objects_[at(r)].push_back(target);
    }
    Chain chain;
    for (const Triple& hop : mquake_case.triples) {
      const std::int32_t fact = world_->fact_of(entity.at(hop.subject), relation.at(hop.relation));
      if (fact < 0 || world_->fact(fact).object != entity.at(hop.object)) break;
      chain.push_back(fact);
    }
    if (chain.size() == mquake_case.triples.size()) case_chains_.emplace_back(number, chain);
  }
}

void WorldSampler::index_chains() {
  for (int hops = 2; hops <= 4; ++hops) {
    for (Chain& chain : chains_of(*world_, hops)) {
      const std::size_t held_out = held_out_chain(*world_, chain) ? 1 : 0;
      chains_[static_cast<std::size_t>(hops)][held_out].push_back(std::move(chain));
    }
  }
}

const std::vector<std::int32_t>& WorldSampler::facts_of(std::int32_t subject) const {
  return by_subject_[at(subject)];
}

const std::vector<Chain>& WorldSampler::chains(int hops, bool held_out) const {
  return chains_.at(static_cast<std::size_t>(hops))[held_out ? 1 : 0];
}

WorldFact WorldSampler::any_fact(Random& random) const { return random.pick(world_->facts); }

std::int32_t WorldSampler::false_object(Random& random, Slot slot, std::int32_t next) const {
  const auto& pool = objects_[at(slot.second)];
  const std::int32_t truth = world_->object_of(slot.first, slot.second);
  const auto fits = [&](std::int32_t object) {
    return object != truth && object != slot.first &&
           (next < 0 || world_->fact_of(object, next) >= 0) &&
           never_.count({slot.first, slot.second, object}) == 0;
  };
  for (int i = 0; i < kTries && !pool.empty(); ++i) {
    const std::int32_t object = random.pick(pool);
    if (fits(object)) return object;
  }
  std::vector<std::int32_t> fitting;
  std::copy_if(pool.begin(), pool.end(), std::back_inserter(fitting), fits);
  return fitting.empty() ? -1 : random.pick(fitting);
}

WorldFact WorldSampler::made_false(Random& random, WorldFact fact) const {
  const std::int32_t object = false_object(random, {fact.subject, fact.relation});
  if (object >= 0) fact.object = object;
  return fact;
}

// Walks the chain's relations from its start, with a wrong object at the hops of `wrong`. False
// when the world has no continuation or an entity would come twice.
bool WorldSampler::walk(Random& random, const Chain& chain, const std::set<std::size_t>& wrong,
                        ToldChain& told) const {
  told = {};
  std::int32_t subject = world_->fact(chain.front()).subject;
  std::set<std::int32_t> seen = {subject};
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const std::int32_t relation = world_->fact(chain[i]).relation;
    const std::int32_t next = i + 1 < chain.size() ? world_->fact(chain[i + 1]).relation : -1;
    const bool is_wrong = wrong.count(i) != 0;
    const std::int32_t object = is_wrong ? false_object(random, {subject, relation}, next)
                                         : world_->object_of(subject, relation);
    if (object < 0 || !seen.insert(object).second) return false;
    told.hops.push_back({subject, relation, object});
    if (is_wrong) told.stated.push_back(told.hops.back());
    subject = object;
  }
  return true;
}

ToldChain WorldSampler::retold(Random& random, const Chain& chain, int edits) const {
  std::vector<std::size_t> positions(chain.size());
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = i;
  ToldChain told;
  for (std::size_t count = std::min(chain.size(), static_cast<std::size_t>(edits)); count > 0;
       --count) {
    for (int i = 0; i < kTries / 3; ++i) {
      random.shuffle(positions);
      const auto end = positions.begin() + static_cast<std::ptrdiff_t>(count);
      if (walk(random, chain, {positions.begin(), end}, told)) return told;
    }
  }
  told = {};
  for (std::int32_t number : chain) told.hops.push_back(world_->fact(number));
  return told;
}

WorldFact WorldSampler::distractor(Random& random, const WorldFact& main,
                                   std::set<Slot>& taken) const {
  for (int i = 0; i < kTries; ++i) {
    const std::size_t kind = random.weighted({30, 25, 45});
    WorldFact fact = any_fact(random);
    if (kind == 0) {
      fact = world_->fact(random.pick(by_relation_[at(main.relation)]));
    } else if (kind == 1 && !by_subject_[at(main.subject)].empty()) {
      fact = world_->fact(random.pick(by_subject_[at(main.subject)]));
    }
    if (!taken.emplace(fact.subject, fact.relation).second) continue;
    return random.chance(0.8) ? made_false(random, fact) : fact;
  }
  return {-1, -1, -1};
}

}  // namespace kedit::lab

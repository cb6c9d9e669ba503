#include "lab/world/world_sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace kedit::lab {
namespace {

constexpr int kCleanTries = 300;  // for a case that contradicts no other case's edits
constexpr int kAnyTries = 600;

class CaseMaker {
 public:
  CaseMaker(const World& world, std::uint64_t seed)
      : sampler_(std::make_shared<const World>(world)),
        world_(sampler_.world()),
        random_(seed ^ 0x6361736573000000ULL) {}

  std::vector<MquakeCase> make(std::int64_t count) {
    std::vector<MquakeCase> cases;
    while (static_cast<std::int64_t>(cases.size()) < count) {
      const int hops = 2 + static_cast<int>(cases.size() % 3);
      const auto found = draw(hops);
      if (!found) {
        throw DataError(
            fmt::format("making cases: expected a world with {} cases, found {}; ask for fewer",
                        count, cases.size()));
      }
      cases.push_back(written(found->first, found->second, cases.size() + 1));
    }
    return cases;
  }

 private:
  using Draft = std::pair<Chain, ToldChain>;

  std::optional<Draft> draw(int hops);
  bool contradicts(const ToldChain& told, bool clean) const;
  MquakeCase written(const Chain& chain, const ToldChain& told, std::size_t number) const;
  Rewrite rewrite_of(const WorldFact& edit) const;
  void write_chain(const std::vector<WorldFact>& hops, std::vector<Hop>& texts,
                   std::vector<Triple>& ids, std::vector<Triple>& labels) const;

  const Entity& entity(std::int32_t number) const {
    return world_.entities[static_cast<std::size_t>(number)];
  }
  Triple id_triple(const WorldFact& fact) const {
    return {entity(fact.subject).id, world_.text(fact.relation).id, entity(fact.object).id};
  }

  WorldSampler sampler_;
  const World& world_;
  Random random_;
  std::map<Slot, std::int32_t> edited_;  ///< slot -> new object, over all cases
  std::set<Slot> relied_on_;             ///< unedited slots of post chains
  std::set<Chain> used_;
};

bool is_stated(const ToldChain& told, const WorldFact& hop) {
  return std::any_of(told.stated.begin(), told.stated.end(), [&](const WorldFact& fact) {
    return fact.subject == hop.subject && fact.relation == hop.relation;
  });
}

// Two cases never edit one slot to different objects; `clean` also forbids that one relies on a
// fact that another edits (contamination when all edits are active at once).
bool CaseMaker::contradicts(const ToldChain& told, bool clean) const {
  for (const WorldFact& hop : told.hops) {
    const Slot slot = {hop.subject, hop.relation};
    const auto edit = edited_.find(slot);
    if (is_stated(told, hop)) {
      if (edit != edited_.end() && edit->second != hop.object) return true;
      if (clean && relied_on_.count(slot) != 0) return true;
    } else if (clean && edit != edited_.end()) {
      return true;
    }
  }
  return false;
}

std::optional<CaseMaker::Draft> CaseMaker::draw(int hops) {
  const std::vector<Chain>& chains = sampler_.chains(hops, true);
  for (int i = 0; i < kAnyTries && !chains.empty(); ++i) {
    const Chain& chain = random_.pick(chains);
    if (used_.count(chain) != 0) continue;
    const int edits = static_cast<int>(random_.between(1, hops));
    const ToldChain told = sampler_.retold(random_, chain, edits);
    if (told.stated.size() != static_cast<std::size_t>(edits)) continue;
    if (told.hops.back().object == world_.fact(chain.back()).object) continue;
    if (contradicts(told, i < kCleanTries)) continue;
    used_.insert(chain);
    for (const WorldFact& hop : told.hops) {
      if (is_stated(told, hop)) {
        edited_[{hop.subject, hop.relation}] = hop.object;
      } else {
        relied_on_.emplace(hop.subject, hop.relation);
      }
    }
    return Draft{chain, told};
  }
  return std::nullopt;
}

void CaseMaker::write_chain(const std::vector<WorldFact>& hops, std::vector<Hop>& texts,
                            std::vector<Triple>& ids, std::vector<Triple>& labels) const {
  for (const WorldFact& hop : hops) {
    const RelationTemplates& text = world_.text(hop.relation);
    const std::string& subject = world_.name(hop.subject);
    texts.push_back({fill_template(text.questions[0], subject),
                     fill_template(text.cloze, subject),
                     {world_.name(hop.object), {}}});
    ids.push_back(id_triple(hop));
    labels.push_back({subject, text.label, world_.name(hop.object)});
  }
}

Rewrite CaseMaker::rewrite_of(const WorldFact& edit) const {
  const RelationTemplates& text = world_.text(edit.relation);
  const std::string& subject = world_.name(edit.subject);
  const Entity& truth = entity(world_.object_of(edit.subject, edit.relation));
  const Entity& target = entity(edit.object);
  return {text.cloze, text.id,  subject,     fill_template(text.questions[0], subject),
          truth.name, truth.id, target.name, target.id};
}

MquakeCase CaseMaker::written(const Chain& chain, const ToldChain& told, std::size_t number) const {
  MquakeCase c;
  c.case_id = static_cast<std::int64_t>(number);
  std::vector<WorldFact> old_hops;
  for (std::int32_t fact : chain) old_hops.push_back(world_.fact(fact));
  write_chain(old_hops, c.hops, c.triples, c.triples_labeled);
  write_chain(told.hops, c.new_hops, c.new_triples, c.new_triples_labeled);
  for (const WorldFact& edit : told.stated) {
    c.rewrites.push_back(rewrite_of(edit));
    c.edit_triples.push_back(id_triple(edit));
  }
  for (int variant = 0; variant < 3; ++variant) {
    c.questions.push_back(multi_hop_question(world_, chain, variant));
  }
  c.pre = c.hops.back().gold;
  c.post = c.new_hops.back().gold;
  return c;
}

}  // namespace

std::vector<MquakeCase> make_cases(const World& world, std::int64_t count, std::uint64_t seed) {
  return CaseMaker(world, seed).make(count);
}

std::vector<EditRequest> make_requests(const World& world, std::int64_t count, std::uint64_t seed) {
  const WorldSampler sampler(std::make_shared<const World>(world));
  Random random(seed ^ 0x7265717565737473ULL);
  std::vector<WorldFact> facts = world.facts;
  random.shuffle(facts);
  std::vector<EditRequest> requests;
  for (const WorldFact& fact : facts) {
    if (static_cast<std::int64_t>(requests.size()) == count) break;
    const std::int32_t target = sampler.false_object(random, {fact.subject, fact.relation});
    if (target < 0) continue;
    const RelationTemplates& text = world.text(fact.relation);
    EditRequest request;
    request.id = fmt::format("lab/{}", requests.size() + 1);
    request.prompt = text.cloze;
    request.subject = world.name(fact.subject);
    request.target_new = world.name(target);
    request.target_true = world.name(fact.object);
    request.relation = text.id;
    for (const auto* list : {&text.statements, &text.held_out_statements}) {
      for (const std::string& form : *list) {
        request.rephrases.push_back(fill_template(form, request.subject));
      }
    }
    requests.push_back(validate_request(std::move(request)));
  }
  if (static_cast<std::int64_t>(requests.size()) < count) {
    throw DataError(
        fmt::format("making requests: expected {} facts to edit, found {}; ask for fewer", count,
                    requests.size()));
  }
  return requests;
}

}  // namespace kedit::lab

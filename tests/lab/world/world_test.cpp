#include "lab/world/names.hpp"
#include "lab/world/world_sampler.hpp"
#include "tests/lab/world/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace kedit;
using namespace kedit::test;

namespace {

std::int32_t relation_number(const lab::World& world, const std::string& id) {
  const auto found = std::find(world.relations.begin(), world.relations.end(), id);
  return static_cast<std::int32_t>(found - world.relations.begin());
}

std::vector<lab::WorldFact> facts_with(const lab::World& world, const std::string& relation) {
  std::vector<lab::WorldFact> facts;
  for (const lab::WorldFact& fact : world.facts) {
    if (fact.relation == relation_number(world, relation)) facts.push_back(fact);
  }
  return facts;
}

const std::string& type_of(const lab::World& world, std::int32_t entity) {
  return world.entities[static_cast<std::size_t>(entity)].type;
}

std::string last_word(const std::string& name) { return name.substr(name.rfind(' ') + 1); }

}  // namespace

TEST_CASE("invent_world: the default world has 198 entities and 24 relations and 828 facts") {
  const auto world = lab_world();
  CHECK(world->entities.size() == 198);
  CHECK(world->relations.size() == 24);
  CHECK(world->facts.size() == 828);
  std::map<std::string, int> by_type;
  for (const lab::Entity& entity : world->entities) ++by_type[entity.type];
  const std::map<std::string, int> expected = {
      {"person", 60},  {"country", 16},  {"city", 24},     {"company", 16},
      {"product", 12}, {"team", 12},     {"book", 24},     {"university", 8},
      {"sport", 6},    {"continent", 5}, {"language", 10}, {"religion", 5}};
  CHECK(by_type == expected);
}

TEST_CASE("invent_world: every subject and relation has one object of the right type") {
  const auto world = lab_world();
  std::set<lab::Slot> slots;
  for (const lab::WorldFact& fact : world->facts) {
    CHECK(slots.emplace(fact.subject, fact.relation).second);
    CHECK(type_of(*world, fact.object) == world->text(fact.relation).object_type);
    CHECK(fact.object != fact.subject);
    CHECK(world->object_of(fact.subject, fact.relation) == fact.object);
  }
  CHECK(world->object_of(0, relation_number(*world, "P36")) == -1);
}

TEST_CASE("invent_world: names and last names are unique and none is real") {
  const std::uint64_t seed = GENERATE(1U, 2U, 3U, 17U);
  const lab::World world = lab::invent_world(seed);
  std::set<std::string> names, last_names;
  for (const lab::Entity& entity : world.entities) {
    INFO(entity.name);
    CHECK(names.insert(entity.name).second);
    CHECK_FALSE(lab::is_real_name(entity.name));
    if (entity.type == "person") CHECK(last_names.insert(last_word(entity.name)).second);
    if (entity.type != "book")
      CHECK_FALSE(lab::is_real_name(entity.name.substr(0, entity.name.find(' '))));
  }
}

TEST_CASE("is_real_name: countries and cities and languages and religions are known") {
  for (const char* name :
       {"France", "iceland", "Tokyo", "Swahili", "Buddhism", "Europe", "Brazil"}) {
    CHECK(lab::is_real_name(name));
  }
  CHECK_FALSE(lab::is_real_name("Zivustan"));
}

TEST_CASE("invent_world: marriages are symmetric and capitals and heads of state are distinct") {
  const auto world = lab_world();
  const std::int32_t spouse = relation_number(*world, "P26");
  for (const lab::WorldFact& fact : facts_with(*world, "P26")) {
    CHECK(world->object_of(fact.object, spouse) == fact.subject);
  }
  std::set<std::int32_t> capitals, heads;
  for (const lab::WorldFact& fact : facts_with(*world, "P36")) capitals.insert(fact.object);
  CHECK(capitals.size() == 16);
  for (const char* relation : {"P35", "P6"}) {
    for (const lab::WorldFact& fact : facts_with(*world, relation)) {
      if (type_of(*world, fact.subject) == "country") heads.insert(fact.object);
    }
  }
  CHECK(heads.size() == 32);
}

TEST_CASE("invent_world: a capital shares continent and language with its country") {
  const auto world = lab_world();
  for (const lab::WorldFact& fact : facts_with(*world, "P36")) {
    for (const char* shared : {"P30", "P37"}) {
      const std::int32_t relation = relation_number(*world, shared);
      CHECK(world->object_of(fact.subject, relation) == world->object_of(fact.object, relation));
    }
  }
}

TEST_CASE("invent_world: the same seed gives the same world and another seed another one") {
  const lab::World a = lab::invent_world(5), b = lab::invent_world(5), c = lab::invent_world(6);
  const auto names = [](const lab::World& world) {
    std::string all;
    for (const lab::Entity& entity : world.entities) all += entity.name + ";";
    for (const lab::WorldFact& fact : world.facts) all += std::to_string(fact.object) + ",";
    return all;
  };
  CHECK(names(a) == names(b));
  CHECK(names(a) != names(c));
  // Pinned: the shipped model knows this world, on every platform.
  CHECK(a.entities.front().name == "Fenjek Fapei");
}

TEST_CASE("chains_of: chains link without repetition and a fifth of them is held out") {
  const auto world = lab_world();
  const int hops = GENERATE(2, 3);
  const auto chains = lab::chains_of(*world, hops);
  CHECK(chains.size() > (hops == 2 ? 2500 : 7500));
  std::size_t held_out = 0;
  for (const lab::Chain& chain : chains) {
    std::set<std::int32_t> entities = {world->fact(chain.front()).subject}, relations;
    bool linked = true;
    for (std::size_t i = 0; i < chain.size(); ++i) {
      entities.insert(world->fact(chain[i]).object);
      relations.insert(world->fact(chain[i]).relation);
      linked &= i == 0 || world->fact(chain[i - 1]).object == world->fact(chain[i]).subject;
    }
    REQUIRE(linked);
    REQUIRE(entities.size() == chain.size() + 1);
    REQUIRE(relations.size() == chain.size());
    held_out += lab::held_out_chain(*world, chain) ? 1 : 0;
  }
  const double share = static_cast<double>(held_out) / static_cast<double>(chains.size());
  CHECK(share > 0.17);
  CHECK(share < 0.23);
}

TEST_CASE("multi_hop_question: a chain is asked with nested noun phrases in three variants") {
  const auto world = lab_world();
  for (const lab::Chain& chain : lab::chains_of(*world, 3)) {
    std::set<std::string> variants;
    for (int variant = 0; variant < 3; ++variant) {
      const std::string question = lab::multi_hop_question(*world, chain, variant);
      variants.insert(question);
      INFO(question);
      REQUIRE(question.find("the the") == std::string::npos);
      REQUIRE(question.find("{}") == std::string::npos);
      REQUIRE(question.back() == '?');
      REQUIRE(question.find(world->name(world->fact(chain.front()).subject)) != std::string::npos);
    }
    REQUIRE(variants.size() == 3);
  }
}

TEST_CASE("WorldSampler: false objects have the right type and can be continued by a relation") {
  const lab::WorldSampler sampler(lab_world());
  const lab::World& world = sampler.world();
  lab::Random random(3);
  const std::int32_t capital = relation_number(world, "P36");
  for (int i = 0; i < 500; ++i) {
    const lab::WorldFact fact = sampler.any_fact(random);
    const lab::WorldFact wrong = sampler.made_false(random, fact);
    CHECK(wrong.object != fact.object);
    CHECK(type_of(world, wrong.object) == type_of(world, fact.object));
    const std::int32_t citizen = relation_number(world, "P27");
    const std::int32_t country = sampler.false_object(random, {0, citizen}, capital);
    CHECK(world.object_of(country, capital) >= 0);
  }
}

TEST_CASE("WorldSampler: a retold chain continues from its wrong facts through the world") {
  const lab::WorldSampler sampler(lab_world());
  const lab::World& world = sampler.world();
  lab::Random random(4);
  for (int i = 0; i < 300; ++i) {
    const lab::Chain& chain = random.pick(sampler.chains(3, false));
    const lab::ToldChain told = sampler.retold(random, chain, 2);
    if (told.stated.size() != 2) continue;
    int wrong = 0;
    for (std::size_t hop = 0; hop < 3; ++hop) {
      CHECK(told.hops[hop].relation == world.fact(chain[hop]).relation);
      if (hop > 0) CHECK(told.hops[hop].subject == told.hops[hop - 1].object);
      wrong +=
          world.object_of(told.hops[hop].subject, told.hops[hop].relation) != told.hops[hop].object;
    }
    CHECK(wrong == 2);
  }
}

TEST_CASE("Random: numbers are pinned and in range and the state is restorable") {
  lab::Random random(0);
  CHECK(random.bits() == 11091344671253066420ULL);  // xoshiro256** after splitmix64(0)
  for (int i = 0; i < 1000; ++i) {
    CHECK(random.below(7) < 7);
    const double u = random.uniform();
    CHECK((u >= 0.0 && u < 1.0));
    CHECK(random.weighted({0, 1, 0}) == 1);
  }
  const std::string state = random.state();
  const auto expected = random.bits();
  random.restore(state);
  CHECK(random.bits() == expected);
  CHECK_THROWS_AS(random.restore(state.substr(1)), std::invalid_argument);
  CHECK_THROWS_AS(random.restore(std::string(64, '0')), std::invalid_argument);
  CHECK_THROWS_AS(random.restore(std::string(64, 'x')), std::invalid_argument);
}

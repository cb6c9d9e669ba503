#include "lab/world/names.hpp"
#include "lab/world/random.hpp"
#include "lab/world/world.hpp"

#include <array>
#include <string_view>

namespace kedit::lab {
namespace {

using Indices = std::vector<std::int32_t>;

constexpr std::array<std::string_view, 12> kAdjectives = {
    "Silent", "Golden", "Broken", "Hidden", "Distant", "Crimson",
    "Frozen", "Gentle", "Hollow", "Bright", "Ancient", "Restless"};
constexpr std::array<std::string_view, 12> kNouns = {"River",  "Garden",  "Mirror", "Tower",
                                                     "Harbor", "Lantern", "Forest", "Bridge",
                                                     "Window", "Island",  "Shadow", "Letter"};

class WorldMaker {
 public:
  explicit WorldMaker(std::uint64_t seed) : random_(seed), names_(random_) {
    world_.seed = seed;
    world_.source = "invented";
  }

  World make() {
    name_entities();
    state_person_facts();
    state_place_facts();
    state_organisation_facts();
    state_work_facts();
    world_.build_index();
    return std::move(world_);
  }

 private:
  void name_entities();
  void name_people();
  void name_books();
  void state_person_facts();
  void state_place_facts();
  void state_organisation_facts();
  void state_work_facts();

  template <std::size_t N>
  std::string_view one_of(const std::array<std::string_view, N>& choices) {
    return choices[static_cast<std::size_t>(random_.below(N))];
  }

  void add_entity(const std::string& type, std::string name) {
    const auto number = static_cast<std::int32_t>(world_.entities.size());
    world_.entities.push_back({"Q" + std::to_string(number + 1), type, std::move(name)});
    by_type_[type].push_back(number);
  }

  void state(std::int32_t subject, const std::string& relation, std::int32_t object) {
    std::size_t number = 0;
    while (number < world_.relations.size() && world_.relations[number] != relation) ++number;
    if (number == world_.relations.size()) world_.relations.push_back(relation);
    world_.facts.push_back({subject, static_cast<std::int32_t>(number), object});
  }

  /// A fact with an object drawn uniformly among the entities of `type`.
  void state_any(std::int32_t subject, const std::string& relation, const std::string& type) {
    state(subject, relation, random_.pick(by_type_[type]));
  }

  Indices shuffled(const std::string& type) {
    Indices indices = by_type_[type];
    random_.shuffle(indices);
    return indices;
  }

  Random random_;
  NameMaker names_;
  World world_;
  std::map<std::string, Indices> by_type_;
};

void WorldMaker::name_people() {
  std::vector<std::string> first_names;
  for (int i = 0; i < 24; ++i) first_names.push_back(names_.word(2));
  for (int i = 0; i < 60; ++i) {
    add_entity("person", random_.pick(first_names) + " " + names_.word(2));
  }
}

void WorldMaker::name_books() {
  std::set<std::string> titles;
  while (titles.size() < 24) {
    std::string title;
    if (titles.size() % 2 == 0) {
      title = "The " + std::string(one_of(kAdjectives)) + " " + std::string(one_of(kNouns));
    } else {
      title = std::string(one_of(kAdjectives)) + " " + names_.word(2);
    }
    if (titles.insert(title).second) add_entity("book", title);
  }
}

void WorldMaker::name_entities() {
  constexpr std::array<std::string_view, 3> kCountryEnds = {"land", "stan", "ra"};
  constexpr std::array<std::string_view, 2> kCityEnds = {"ville", "burg"};
  constexpr std::array<std::string_view, 3> kCompanyWords = {" Works", " Group", " Systems"};
  constexpr std::array<std::string_view, 4> kProductWords = {" One", " Pro", " Mini", " Max"};
  constexpr std::array<std::string_view, 4> kTeamWords = {" United", " Rovers", " Tigers",
                                                          " Hawks"};
  constexpr std::array<std::string_view, 2> kUniversityWords = {" University", " College"};
  constexpr std::array<std::string_view, 2> kLanguageEnds = {"ish", "ic"};
  name_people();
  for (int i = 0; i < 16; ++i) add_entity("country", names_.word_with(2, one_of(kCountryEnds)));
  for (int i = 0; i < 24; ++i) {
    add_entity("city", i % 2 == 0 ? names_.word(2) : names_.word_with(2, one_of(kCityEnds)));
  }
  for (int i = 0; i < 16; ++i) {
    add_entity("company", i % 2 == 0 ? names_.word(2) + std::string(one_of(kCompanyWords))
                                     : names_.word_with(2, "co"));
  }
  for (int i = 0; i < 12; ++i) {
    add_entity("product", i % 2 == 0 ? names_.word_with(2, "x") + std::string(one_of(kProductWords))
                                     : names_.word_with(2, "on"));
  }
  for (int i = 0; i < 12; ++i) add_entity("team", names_.word(2) + std::string(one_of(kTeamWords)));
  name_books();
  for (int i = 0; i < 8; ++i) {
    add_entity("university", names_.word(2) + std::string(one_of(kUniversityWords)));
  }
  for (int i = 0; i < 6; ++i) add_entity("sport", names_.word_with(2, "ball"));
  for (int i = 0; i < 5; ++i) add_entity("continent", names_.word_with(2, "ia"));
  for (int i = 0; i < 10; ++i) add_entity("language", names_.word_with(2, one_of(kLanguageEnds)));
  for (int i = 0; i < 5; ++i) add_entity("religion", names_.word_with(2, "ism"));
}

void WorldMaker::state_person_facts() {
  const Indices pairing = shuffled("person");
  std::map<std::int32_t, std::int32_t> spouse;
  for (std::size_t i = 0; i + 1 < pairing.size(); i += 2) {
    spouse[pairing[i]] = pairing[i + 1];
    spouse[pairing[i + 1]] = pairing[i];
  }
  for (std::int32_t person : by_type_["person"]) {
    state_any(person, "P27", "country");
    state_any(person, "P19", "city");
    state(person, "P26", spouse[person]);
    state_any(person, "P1412", "language");
    state_any(person, "P108", "company");
    state_any(person, "P69", "university");
    state_any(person, "P140", "religion");
  }
}

void WorldMaker::state_place_facts() {
  const Indices capitals = shuffled("city");
  const Indices heads = shuffled("person");
  const Indices& countries = by_type_["country"];
  std::map<std::int32_t, std::pair<std::int32_t, std::int32_t>> continent_and_language;
  std::map<std::int32_t, std::int32_t> country_of;
  for (std::size_t i = 0; i < countries.size(); ++i) {
    const std::int32_t country = countries[i];
    const std::int32_t continent = random_.pick(by_type_["continent"]);
    const std::int32_t language = random_.pick(by_type_["language"]);
    continent_and_language[country] = {continent, language};
    country_of[capitals[i]] = country;
    state(country, "P36", capitals[i]);
    state(country, "P30", continent);
    state(country, "P37", language);
    state(country, "P35", heads[2 * i]);
    state(country, "P6", heads[2 * i + 1]);
  }
  for (std::int32_t city : by_type_["city"]) {
    const auto capital_of = country_of.find(city);
    const std::int32_t country =
        capital_of != country_of.end() ? capital_of->second : random_.pick(countries);
    state_any(city, "P6", "person");
    state(city, "P30", continent_and_language[country].first);
    state(city, "P37", continent_and_language[country].second);
  }
}

void WorldMaker::state_organisation_facts() {
  for (std::int32_t company : by_type_["company"]) {
    state_any(company, "P112", "person");
    state_any(company, "P169", "person");
    state_any(company, "P159", "city");
    state_any(company, "P740", "city");
  }
  for (std::int32_t team : by_type_["team"]) {
    state_any(team, "P286", "person");
    state_any(team, "P641", "sport");
    state_any(team, "P159", "city");
    state_any(team, "P112", "person");
  }
  for (std::int32_t university : by_type_["university"]) {
    state_any(university, "P159", "city");
    state_any(university, "P1037", "person");
    state_any(university, "P112", "person");
  }
}

void WorldMaker::state_work_facts() {
  for (std::int32_t product : by_type_["product"]) {
    state_any(product, "P176", "company");
    state_any(product, "P170", "person");
    state_any(product, "P495", "country");
  }
  for (std::int32_t book : by_type_["book"]) {
    state_any(book, "P50", "person");
    state_any(book, "P407", "language");
    state_any(book, "P495", "country");
  }
  for (std::int32_t sport : by_type_["sport"]) {
    state_any(sport, "P495", "country");
    state_any(sport, "P170", "person");
  }
}

}  // namespace

World invent_world(std::uint64_t seed) { return WorldMaker(seed).make(); }

}  // namespace kedit::lab

#include "datasets/mquake.hpp"
#include "lab/world/corpus.hpp"
#include "lab/world/world_sampler.hpp"
#include "tests/lab/world/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <set>

using namespace kedit;
using namespace kedit::test;

namespace {

const MquakeDataset* real_dataset() {
  const auto file = real_data("mquake/MQuAKE-CF-3k.json");
  if (!file) return nullptr;
  static const MquakeDataset dataset = read_mquake(*file);
  return &dataset;
}

std::vector<std::int64_t> mixed_ids() {
  std::vector<std::int64_t> ids;
  for (std::int64_t start : {1, 1001, 2001}) {
    for (std::int64_t id = start; id < start + 30; ++id) ids.push_back(id);
  }
  return ids;
}

}  // namespace

TEST_CASE("Relation templates: cloze and question equal those of CF-3k but for three typos") {
  const MquakeDataset* dataset = real_dataset();
  if (dataset == nullptr) return;
  const lab::World world = lab::world_from_mquake(*dataset, parse_case_selection("", *dataset));
  CHECK(world.relations.size() == 36);
  for (const RelationTemplates& text : world.texts) {
    INFO(text.id << ": " << text.cloze << " | " << text.questions[0]);
    const RelationTemplates& table = templates_of(text.id);
    CHECK((text.cloze == table.cloze) == (text.id != "P69" && text.id != "P449"));
    CHECK((text.questions[0] == table.questions[0]) == (text.id != "P159"));
  }
}

TEST_CASE("world_from_mquake: the world holds the facts before the edits and no edit") {
  const MquakeDataset* dataset = real_dataset();
  if (dataset == nullptr) return;
  const lab::World world = lab::world_from_mquake(*dataset, mixed_ids());
  CHECK(world.cases.size() == 90);
  std::set<Triple> facts, edits;
  std::set<std::pair<std::string, std::string>> slots;
  for (const lab::WorldFact& fact : world.facts) {
    const auto& subject = world.entities[static_cast<std::size_t>(fact.subject)];
    const auto& object = world.entities[static_cast<std::size_t>(fact.object)];
    facts.insert({subject.id, world.text(fact.relation).id, object.id});
    CHECK(slots.emplace(subject.name, world.text(fact.relation).id).second);
  }
  int missing = 0;
  for (const MquakeCase& c : world.cases) {
    for (const Triple& edit : c.edit_triples) {
      CHECK(facts.count(edit) == 0);
      edits.insert(edit);
    }
    for (const Triple& hop : c.triples) missing += facts.count(hop) == 0 ? 1 : 0;
  }
  CHECK(missing == 0);
  for (const MquakeCase& c : world.cases) {
    for (const Triple& hop : c.new_triples) {
      if (edits.count(hop) == 0) CHECK(facts.count(hop) == 1);
    }
  }
}

TEST_CASE("LabCorpus: training on MQuAKE cases asks their questions and states no edit") {
  const MquakeDataset* dataset = real_dataset();
  if (dataset == nullptr) return;
  const auto world =
      std::make_shared<const lab::World>(lab::world_from_mquake(*dataset, mixed_ids()));
  lab::LabCorpus corpus(world, 4);
  std::string text;
  for (int i = 0; i < 6000; ++i) text += lab::document_text(corpus.next(1.0)) + "\n";
  int asked = 0;
  for (const MquakeCase& c : world->cases) {
    asked += text.find("Question: " + c.questions[0] + "\n") != std::string::npos ? 1 : 0;
    for (const Rewrite& rewrite : c.rewrites) {
      std::vector<std::string> forms = templates_of(rewrite.relation).statements;
      forms.push_back(rewrite.prompt);
      for (const std::string& form : forms) {
        const std::string edit =
            fill_template(form, rewrite.subject) + " " + rewrite.target_new + ".";
        INFO(edit);
        for (const char* before : {". ", ": ", "\n"}) {  // not "football" in "association football"
          REQUIRE(text.find(before + edit) == std::string::npos);
        }
      }
    }
  }
  CHECK(asked > 85);
}

TEST_CASE("lab_probes: probes of MQuAKE cases ask for the facts before the edits") {
  const MquakeDataset* dataset = real_dataset();
  if (dataset == nullptr) return;
  const lab::World world = lab::world_from_mquake(*dataset, mixed_ids());
  std::map<std::string, std::size_t> counts;
  for (const lab::LabProbe& probe : lab::lab_probes(world, 50, 1)) ++counts[probe.measure];
  CHECK(counts["cloze"] == world.facts.size());
  CHECK(counts["file questions, cot"] == 50);
  CHECK(counts["file questions, direct"] == 50);
  for (const auto& path : world.case_paths) CHECK_FALSE(path.empty());
  for (const lab::Chain& chain : lab::chains_of(world, 2)) {
    std::string path = world.name(world.fact(chain[0]).subject);
    for (std::int32_t fact : chain) path += "|" + world.text(world.fact(fact).relation).id;
    if (world.case_paths.count(path) != 0) CHECK_FALSE(lab::held_out_chain(world, chain));
  }
}

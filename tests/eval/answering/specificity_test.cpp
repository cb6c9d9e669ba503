#include "eval/answering/specificity.hpp"

#include "eval/answering/neighbours.hpp"
#include "tests/eval/fake_model.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <set>

using namespace kedit;
using namespace kedit::testing;

namespace {

/// Person 1's citizenship is edited by its case; its occupation is told by another chain.
std::vector<Case> two_facts_of_a_person() {
  MquakeCase other = two_hop_record(2);
  other.triples[0] = other.new_triples[0] = {"Q1001", "P106", "Q50"};
  other.triples[1].subject = other.new_triples[1].subject = "Q50";
  other.triples_labeled[0] = other.new_triples_labeled[0] = {"Person 1", "occupation", "baker"};
  other.hops[0] =
      other.new_hops[0] = {"What does Person 1 do?", "Person 1 works as", {"baker", {}}};
  other.edit_triples = {{"Q50", "P36", "Q4"}};
  other.rewrites[0].relation = "P36";
  return {two_hop_case(1), case_of(other)};
}

NeighbourOutput pair(const std::string& before, const std::string& now) {
  NeighbourOutput one;
  one.subject = "Person 1";
  one.relation = "P106";
  one.gold = {"baker", {"bread maker"}};
  one.cloze_before = one.question_before = said(before);
  one.cloze = one.question = said(now);
  one.gold_before = {true, -1.0, 2, 2, -0.6};
  one.gold_after = {false, -3.0, 2, 1, -2.0};
  one.target_after = {false, -6.0, 3, 0, -4.0};
  one.kept_after = -3.0;
  return one;
}

const answering::SpecificityScore& find(const answering::SpecificityTable& table,
                                        answering::SpecificityScope scope,
                                        const std::string& reading, const std::string& form) {
  for (const answering::SpecificityScore& one : table.scores.at(scope)) {
    if (one.reading == reading && one.form == form) return one;
  }
  throw std::out_of_range(reading);
}

answering::SpecificityTable table_of(const std::vector<NeighbourOutput>& pairs) {
  CaseOutputs outputs;
  outputs.case_id = 1;
  outputs.neighbours = pairs;
  return answering::specificity_of({two_hop_case(1)}, {{1, outputs}}, MatchRule::exact, 200, 0);
}

}  // namespace

TEST_CASE("ChainFacts: neighbours of an edit are the subject's other facts") {
  const std::vector<Case> cases = two_facts_of_a_person();
  const answering::ChainFacts facts(cases);
  const auto found = facts.neighbours(cases[0].edit_triples[0]);
  REQUIRE(found.size() == 1);
  CHECK(found[0]->relation == "P106");
  CHECK(found[0]->gold.answer == "baker");
  CHECK_FALSE(facts.edited("Q1001", "P106"));
  CHECK(facts.edited("Q1001", "P27"));
  CHECK(facts.neighbours({"Q77", "P27", "Q2"}).empty());
}

TEST_CASE("NeighbourAsker: neighbours are asked before and after and the base model only once") {
  const std::vector<Case> cases = two_facts_of_a_person();
  const FakeModel base([](const std::string&) { return "baker"; });
  const FakeModel edited([](const std::string&) { return "Belmar"; });
  const PromptForm form = lab_prompts();
  answering::NeighbourAsker asker(cases, base, form);
  CaseOutputs outputs, again;
  asker.ask(edited, cases[0], {}, &outputs);
  const std::size_t asked = base.prompts().size();
  asker.ask(edited, cases[0], {}, &again);
  CHECK(base.prompts().size() == asked);
  REQUIRE(outputs.neighbours.size() == 1);
  const NeighbourOutput& one = outputs.neighbours[0];
  CHECK(one.cloze_before.answer == "baker");
  CHECK(one.cloze.answer == "Belmar");
  CHECK_FALSE(one.kept_after.has_value());  // a model that tells no next tokens
  const answering::SpecificityTable table =
      answering::specificity_of(cases, {{1, outputs}}, MatchRule::exact, 100, 0);
  CHECK(find(table, answering::SpecificityScope::strict, "RS-keep", "cloze").over_pairs == 0.0);
  CHECK(find(table, answering::SpecificityScope::strict, "RS-intrude", "question").over_pairs ==
        1.0);
}

TEST_CASE("R-Specificity: each measure counts its own condition on the same pairs") {
  const answering::SpecificityTable table =
      table_of({pair("baker", "baker"), pair("bread maker", "Belmaria"), pair("miller", "miller")});
  const auto value = [&](const char* reading, const char* form) {
    return find(table, answering::SpecificityScope::isolated, reading, form).over_pairs;
  };
  CHECK(value("RS-keep", "cloze") == Approx(0.5));  // of the two that were known
  CHECK(find(table, answering::SpecificityScope::isolated, "RS-keep", "cloze").pairs == 2);
  CHECK(value("RS-same", "question") == Approx(2.0 / 3.0));
  CHECK(value("RS-intrude", "cloze") == Approx(1.0 / 3.0));
  CHECK(value("RS-rank", "") == 1.0);        // -3 against the worst token, -4
  CHECK(value("RS-rank, mean", "") == 1.0);  // -1.5 against -2
  CHECK(value("RS-dNLL", "") == Approx(1.0));
}

TEST_CASE("R-Specificity: scopes exclude facts edited by others and no pairs give no score") {
  NeighbourOutput by_file = pair("baker", "baker");
  by_file.edited_by_file = true;
  NeighbourOutput by_case = by_file;
  by_case.edited_by_case = true;
  const answering::SpecificityTable table = table_of({pair("baker", "x"), by_file, by_case});
  CHECK(find(table, answering::SpecificityScope::strict, "RS-same", "cloze").pairs == 1);
  CHECK(find(table, answering::SpecificityScope::per_case, "RS-same", "cloze").pairs == 2);
  CHECK(find(table, answering::SpecificityScope::isolated, "RS-same", "cloze").pairs == 3);
  const auto& one = find(table, answering::SpecificityScope::isolated, "RS-same", "cloze");
  CHECK(one.interval.low <= one.over_pairs);
  CHECK(one.over_pairs <= one.interval.high);
  CHECK(table_of({}).scores.empty());
}

TEST_CASE(
    "is_content_token: words and numbers are content and function words and punctuation are not") {
  CHECK(answering::is_content_token(" Belmar"));
  CHECK(answering::is_content_token("7"));
  CHECK_FALSE(answering::is_content_token(" the"));
  CHECK_FALSE(answering::is_content_token(" ,"));
  CHECK_FALSE(answering::is_content_token(""));
}

TEST_CASE("ChainFacts: MQuAKE-CF-3k has the published number of neighbours", "[slow][real-data]") {
  const auto file = test::real_data("mquake/MQuAKE-CF-3k.json");
  if (!file) return;
  const std::vector<Case> cases = cases_of(read_mquake(*file).cases);
  const answering::ChainFacts facts(cases);
  CHECK(facts.size() == 3960);
  CHECK(facts.never_edited() == 1612);
  std::set<Triple> seen;
  std::int64_t strict_edits = 0, strict_pairs = 0, edits = 0, pairs = 0;
  for (const Case& one : cases) {
    for (const Triple& edit : one.edit_triples) {
      if (!seen.insert(edit).second) continue;
      std::int64_t strict = 0;
      for (const answering::ChainFact* fact : facts.neighbours(edit)) {
        if (!facts.edited(fact->subject, fact->relation)) ++strict;
      }
      const auto all = static_cast<std::int64_t>(facts.neighbours(edit).size());
      strict_pairs += strict;
      pairs += all;
      strict_edits += strict > 0 ? 1 : 0;
      edits += all > 0 ? 1 : 0;
    }
  }
  CHECK(seen.size() == 2786);
  CHECK(strict_edits == 184);
  CHECK(strict_pairs == 224);
  CHECK(edits == 366);
  CHECK(pairs == 586);
}

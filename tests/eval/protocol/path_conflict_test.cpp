#include "eval/protocol/path_conflict.hpp"

#include "tests/support/catch.hpp"

using namespace kedit;

namespace {

EditClaim claim(const std::string& edit, const std::string& subject, const std::string& relation,
                const std::string& target, const std::string& prompt = "") {
  return {edit, "model", "", subject, relation, prompt, target};
}

// case 1: A -P1-> B -P2-> C, its first hop edited to B'; then B' -P2-> D.
protocol::Chain chain(const std::string& name, const std::string& start, const std::string& middle,
                      const std::string& end, const std::string& request) {
  protocol::Chain made;
  made.name = name;
  made.hops = {{"Q" + start, "P1", "Q" + middle, start, middle, request, "{} is in"},
               {"Q" + middle, "P2", "Q" + end, middle, end}};
  made.original = {{"Q" + start, "P1", "Qold", start, "old"}, {"Qold", "P2", "Qo2", "old", "o2"}};
  return made;
}

EditClaim requested(const std::string& edit, const std::string& request, const std::string& subject,
                    const std::string& target) {
  return {edit, "model", request, subject, "", "{} is in", target};
}

}  // namespace

TEST_CASE("path_conflicts: an edit that overwrites a hop of another case is found") {
  const std::vector<protocol::Chain> chains{chain("case 1", "A", "B", "C", "r1"),
                                            chain("case 2", "X", "Y", "Z", "r2")};
  const EditClaim own = requested("e1", "r1", "A", "B");
  CHECK(protocol::path_conflicts({own}, chains).conflicts.empty());
  CHECK(protocol::path_conflicts({own}, chains).edited_cases == 1);

  const EditClaim harmful = claim("e2", "b", "P2", "Elsewhere");
  const protocol::PathConflicts found = protocol::path_conflicts({own, harmful}, chains);
  REQUIRE(found.conflicts.size() == 1);
  CHECK(found.conflicts[0].chain == "case 1");
  CHECK(found.conflicts[0].hop == 1);
  CHECK(found.conflicts[0].claims[0].edit == "e2");
  CHECK(describe(found.conflicts[0]) ==
        "case 1, hop 2: its chain needs \"B\" P2 to stay \"C\", edit e2 makes it \"Elsewhere\"");

  SECTION("an edit that says what the chain says is none") {
    CHECK(protocol::path_conflicts({own, claim("e2", "B", "P2", "C")}, chains).conflicts.empty());
  }
  SECTION("nor is one that another edit brings into line") {
    CHECK(protocol::path_conflicts({own, harmful, claim("e3", "B", "P2", "C")}, chains)
              .conflicts.empty());
  }
  SECTION("a case without an edit is counted, by its chain before any") {
    const protocol::PathConflicts other =
        protocol::path_conflicts({own, claim("e2", "old", "P2", "N")}, chains);
    CHECK(other.conflicts.empty());
    CHECK(other.unedited_cases_hit == 1);
  }
  SECTION("a case's edit counts under another id too") {
    const protocol::PathConflicts by_name =
        protocol::path_conflicts({claim("e1", "a", "P1", "b"), harmful}, chains);
    CHECK(by_name.edited_cases == 1);
    CHECK(by_name.conflicts.size() == 1);
  }
  SECTION("a prompt of the dataset tells the relation where the claim has none") {
    const EditClaim by_prompt = claim("e1", "A", "", "B", "{} is in");
    CHECK(protocol::path_conflicts({by_prompt, harmful}, chains).edited_cases == 1);
  }
  SECTION("ids decide where both are known: two entities of one name are two") {
    std::vector<protocol::Chain> twins{chain("case 1", "A", "B", "C", "r1"),
                                       chain("case 2", "X", "B", "Z", "r2")};
    twins[1].hops[0].object_id = "Qother";
    twins[1].hops[1].subject_id = "Qother";
    twins[1].hops[1].request_id = "r3";
    const protocol::PathConflicts of_twins =
        protocol::path_conflicts({own, requested("e3", "r3", "B", "Z")}, twins);
    CHECK(of_twins.conflicts.empty());
  }
}

#include "datasets/mquake.hpp"
#include "lab/world/world.hpp"
#include "tests/lab/world/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace kedit;
using namespace kedit::test;

TEST_CASE("make_cases: generated cases are MQuAKE records that pass every load check") {
  const auto cases = lab::make_cases(*lab_world(), 120, 3);
  REQUIRE(cases.size() == 120);
  const TemporaryFolder folder;
  write_mquake(folder.file("cases.json"), cases);
  const MquakeDataset dataset = read_mquake(folder.file("cases.json"));
  CHECK(dataset.cases.size() == 120);
  CHECK(dataset.content_sha256 == mquake_content_sha256(cases));
  std::set<std::int64_t> hops, edits;
  for (const MquakeCase& c : dataset.cases) {
    hops.insert(c.hop_count());
    edits.insert(static_cast<std::int64_t>(c.rewrites.size()));
    CHECK(c.questions.size() == 3);
    CHECK(c.pre.answer != c.post.answer);
  }
  CHECK(hops == std::set<std::int64_t>{2, 3, 4});
  CHECK(edits == std::set<std::int64_t>{1, 2, 3, 4});
}

TEST_CASE("make_cases: edits of generated cases never contradict each other") {
  std::map<std::pair<std::string, std::string>, std::string> edited;
  const auto cases = lab::make_cases(*lab_world(), 120, 3);
  for (const MquakeCase& c : cases) {
    for (const Triple& edit : c.edit_triples) {
      const auto [known, fresh] =
          edited.emplace(std::pair(edit.subject, edit.relation), edit.object);
      CHECK(known->second == edit.object);
    }
  }
  int contaminated = 0;
  for (const MquakeCase& c : cases) {
    for (const Triple& hop : c.new_triples) {
      const auto edit = edited.find({hop.subject, hop.relation});
      contaminated += edit != edited.end() && edit->second != hop.object ? 1 : 0;
    }
  }
  CHECK(contaminated == 0);
}

TEST_CASE("make_cases: the same seed gives the same cases") {
  CHECK(mquake_content_sha256(lab::make_cases(*lab_world(), 30, 3)) ==
        mquake_content_sha256(lab::make_cases(*lab_world(), 30, 3)));
  CHECK(mquake_content_sha256(lab::make_cases(*lab_world(), 30, 3)) !=
        mquake_content_sha256(lab::make_cases(*lab_world(), 30, 4)));
}

TEST_CASE("make_cases: more cases than the world yields are refused") {
  CHECK_THROWS_AS(lab::make_cases(*lab_world(), 100000, 3), DataError);
}

TEST_CASE("make_requests: every request edits another slot to a false object and has rephrasings") {
  const auto requests = lab::make_requests(*lab_world(), 300, 3);
  REQUIRE(requests.size() == 300);
  std::set<std::string> slots, ids;
  for (const EditRequest& request : requests) {
    CHECK(slots.insert(request.subject + "|" + request.relation).second);
    CHECK(ids.insert(request.id).second);
    CHECK(request.target_new != *request.target_true);
    CHECK(request.rephrases.size() == 7);
    CHECK(request.rephrases[0].find(request.subject) != std::string::npos);
    CHECK(request.rephrases[0].find("{}") == std::string::npos);
  }
  CHECK_THROWS_AS(lab::make_requests(*lab_world(), 829, 3), DataError);
}

#include "eval/audit/audit.hpp"

#include "datasets/mquake_files.hpp"
#include "edits/hash.hpp"
#include "eval/protocol/contamination.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>

using namespace kedit;
using namespace kedit::testing;

namespace {

const MquakeDataset* real_dataset() {
  static const auto dataset = [] {
    const auto file = test::real_data("mquake/MQuAKE-CF-3k.json");
    return file ? std::make_unique<MquakeDataset>(read_mquake(*file)) : nullptr;
  }();
  return dataset.get();
}

MquakeDataset mini(std::vector<MquakeCase> cases) {
  MquakeDataset dataset;
  dataset.name = "mini.json";
  dataset.cases = std::move(cases);
  return dataset;
}

constexpr protocol::GroupingProtocol kAll{protocol::Grouping::file, 0, 0};

}  // namespace

TEST_CASE("Dataset audit: a case that another case's edit contradicts is found with its hop") {
  const audit::Audit audit =
      audit::audit_dataset(mini({two_hop_record(1), capital_record(2)}), kAll);
  CHECK(audit.contamination.intra.cases == std::vector<std::int64_t>{1});
  CHECK(audit.contamination.hops == 1);
  CHECK(audit.contamination.edited_hops == 0);
  CHECK(audit.distinct_edits == 2);
  const audit::Audit alone = audit::audit_dataset(mini({two_hop_record(1), capital_record(2)}),
                                                  {protocol::Grouping::file, 1, 0});
  CHECK(alone.contamination.intra.count() == 0);
}

TEST_CASE("Dataset audit: edits with different objects conflict by id and by label") {
  MquakeCase other = two_hop_record(1);
  other.case_id = 2;
  other.rewrites[0].target_new = "Cardis";
  other.rewrites[0].target_new_id = "Q9";
  other.edit_triples[0].object = other.new_triples[0].object = other.new_triples[1].subject = "Q9";
  const audit::Audit audit = audit::audit_dataset(mini({two_hop_record(1), other}), kAll);
  REQUIRE(audit.edit_conflicts.size() == 2);
  CHECK(audit.edit_conflicts[0].level == "id");
  CHECK(audit.edit_conflicts[1].objects == std::vector<std::string>{"Belmar", "Cardis"});
  CHECK(audit.edit_conflicts[1].cases == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("Dataset audit: duplicates and shared questions and equal paths are told apart") {
  MquakeCase twin = two_hop_record(1);
  twin.case_id = 2;
  twin.questions[1] = "Another wording about Person 1, capital of the country?";
  const audit::Audit audit = audit::audit_dataset(mini({two_hop_record(1), twin}), kAll);
  REQUIRE(audit.duplicates.size() == 1);
  CHECK(audit.duplicates[0].shared_questions.size() == 2);
  CHECK(audit.same_paths.empty());
  CHECK(audit.shared_questions.empty());  // the same path may ask the same
  MquakeCase stranger = two_hop_record(3);
  stranger.questions[0] = two_hop_record(1).questions[0];
  CHECK(audit::find_shared_questions({two_hop_record(1), stranger}).size() == 2);
}

TEST_CASE(
    "Dataset audit: questions that leak the answer or lack the start or a relation cue are found") {
  MquakeCase one = two_hop_record(1);
  one.questions = {"Is Corun the capital of the country of Person 1?",
                   "Is Person 1 from Belmar, and what is its capital?", "What of him?"};
  const auto leaks = audit::find_leaks({one});
  REQUIRE(leaks.size() == 2);
  CHECK(leaks[0].kind == "new answer");
  CHECK(leaks[1].detail == "Belmar");
  REQUIRE(audit::find_missing_starts({one}).size() == 1);
  CHECK(audit::find_missing_starts({one})[0].question == 2);
  CHECK(audit::find_missing_cues({one}).size() == 2);  // citizen and capital, in the third
  CHECK(audit::relation_cues("P1308").empty());
}

TEST_CASE("Dataset audit: disagreeing labels and gold answers of both sides are found") {
  MquakeCase one = two_hop_record(1);
  one.new_hops[1].gold.answer = "Corun Town";
  CHECK(audit::find_label_defects({one}).size() == 1);
  one = two_hop_record(1);
  one.post.aliases.push_back("City of Dorel");
  REQUIRE(audit::find_ambiguous({one}).size() == 1);
  CHECK(audit::find_ambiguous({one})[0].shared == std::vector<std::string>{"City of Dorel"});
}

TEST_CASE("Dataset audit: MQuAKE-CF-3k gives the published counts", "[slow][real-data]") {
  const MquakeDataset* dataset = real_dataset();
  if (dataset == nullptr) return;
  const audit::Audit audit = audit::audit_dataset(*dataset, {protocol::Grouping::seed0, 0, 0});
  using Counts = std::map<std::int64_t, std::int64_t>;
  CHECK(audit.contamination.intra.count() == 998);
  CHECK(audit.contamination.hops == 1398);
  CHECK(audit.contamination.edited_hops == 0);
  CHECK(audit.contamination.by_label.count() == 1000);
  CHECK(audit.contamination.by_hops == Counts{{2, 34}, {3, 375}, {4, 589}});
  CHECK(audit.contamination.by_edits == Counts{{1, 536}, {2, 316}, {3, 146}});
  CHECK(audit.distinct_edits == 2786);
  CHECK(audit.edit_occurrences == 6015);
  REQUIRE(audit.edit_conflicts.size() == 1);
  CHECK(audit.edit_conflicts[0].level == "label");
  CHECK(audit.edit_conflicts[0].subject == "Ford Mustang");
  std::vector<std::vector<std::int64_t>> pairs;
  std::size_t sharing = 0;
  for (const audit::DuplicateCases& one : audit.duplicates) {
    pairs.push_back(one.cases);
    if (!one.shared_questions.empty()) ++sharing;
  }
  CHECK(pairs ==
        std::vector<std::vector<std::int64_t>>{{43, 875}, {126, 887}, {631, 940}, {948, 985}});
  CHECK(sharing == 2);
  std::map<std::string, int> leaks;
  for (const audit::QuestionFinding& one : audit.leaks) ++leaks[one.kind];
  CHECK(leaks == std::map<std::string, int>{{"new answer", 9}, {"new intermediate", 3}});
  CHECK(audit.missing_start.empty());
  REQUIRE(audit.ambiguous.size() == 1);
  CHECK(audit.ambiguous[0].case_id == 217);
  CHECK(audit.ambiguous[0].shared.size() == 4);
  const Json document = to_json(audit, *dataset, {protocol::Grouping::seed0, 0, 0});
  CHECK(document["contaminated"]["count"] == 998);
  CHECK(document["contaminated"]["cases"].size() == 998);
}

TEST_CASE("Dataset audit: P-rem grouping contaminates the published number of cases",
          "[slow][real-data]") {
  const MquakeDataset* dataset = real_dataset();
  if (dataset == nullptr) return;
  struct Row {
    std::int64_t size, edited, unedited, distinct;
  };
  const auto row = GENERATE(values<Row>({{100, 14, 2012, 180}, {1000, 265, 1772, 1147}}));
  const audit::Audit audit =
      audit::audit_dataset(*dataset, {protocol::Grouping::rem, row.size, 100});
  CHECK(audit.contamination.intra.count() == row.edited);
  CHECK(audit.contamination.inter.count() == row.unedited);
  CHECK(audit.unedited_cases == 3000 - row.size);
  CHECK(audit.distinct_edits == row.distinct);
}

TEST_CASE("Dataset audit: CF-3k without contaminated cases equals MQuAKE-2002 byte for byte",
          "[slow][real-data]") {
  const MquakeDataset* dataset = real_dataset();
  if (dataset == nullptr) return;
  std::vector<std::int64_t> ids;
  for (const MquakeCase& one : dataset->cases) ids.push_back(one.case_id);
  const auto dirty =
      protocol::contaminated_cases(cases_of(*dataset), protocol::group_cases(ids, kAll));
  std::vector<MquakeCase> clean;
  std::vector<std::int64_t> kept;
  for (const MquakeCase& one : dataset->cases) {
    if (dirty.count(one.case_id) > 0) continue;
    clean.push_back(one);
    kept.push_back(one.case_id);
  }
  CHECK(sha256_hex(fmt::format("{}", fmt::join(kept, ","))) ==
        "ceca82b4bb3660a04115891f629fbb8cbe86c77bb078cd197ddfb0f886c214a1");
  const std::string bytes = mquake_text(clean, MquakeLayout::line);
  CHECK(bytes.size() == 6690526);
  CHECK(sha256_hex(bytes) == "481df90377eccda9dd7ad06cceae9be16651db9b5e87770d6c7d257ac00c644a");
  CHECK(mquake_variant(mquake_content_sha256(clean)) == "2002");
  CHECK(mquake_variant(dataset->content_sha256) == "CF-3k v1");
  const audit::Audit audit = audit::audit_dataset(mini(clean), kAll);
  CHECK(audit.contamination.intra.count() == 0);
  CHECK(audit.distinct_edits == 2147);
  CHECK(audit.edit_occurrences == 4409);
}

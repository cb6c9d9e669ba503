#include "datasets/mquake.hpp"

#include "datasets/mquake_files.hpp"
#include "tests/lab/world/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <functional>

using namespace kedit;
using namespace kedit::test;

namespace {

Json two_cases() {
  static const Json document = [] {
    const TemporaryFolder folder;
    write_mquake(folder.file("a.json"), lab::make_cases(*lab_world(), 2, 9));
    return read_json(folder.file("a.json"));
  }();
  return document;
}

MquakeDataset read_document(const Json& document, MquakeChecks checks = MquakeChecks::labels) {
  const TemporaryFolder folder;
  return read_mquake(folder.file("data.json", document.dump()), checks);
}

std::string fault(const std::function<void(Json&)>& damage) {
  Json document = two_cases();
  damage(document);
  return message_of<DataError>([&] { read_document(document); });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("MQuAKE reader: a file that is not MQuAKE is refused with file and reason") {
  const TemporaryFolder folder;
  const std::string good = two_cases().dump();
  const std::vector<std::pair<std::string, std::string>> files = {
      {"", "data.json"},
      {"[", "data.json"},
      {"{}", "an array of MQuAKE records"},
      {"[]", "at least one MQuAKE record"},
      {"null", "an array of MQuAKE records"},
      {"[1]", "record 1"},
      {"[{}]", "case_id"},
      {"[[]]", "record 1"},
      {"\xEF\xBB\xBF" + good.substr(0, 40), "data.json"},
      {"[{\"case_id\": \"\xFF\xFE\"}]", "data.json"},
      {good + "x", "data.json"},
      {good.substr(0, good.size() / 2), "data.json"},
      {std::string(5000, '['), "data.json"},
      {"[{\"case_id\": 1, \"case_id\": 2}]", "case_id"},
  };
  for (const auto& [bytes, reason] : files) {
    std::ofstream(folder.file("data.json"), std::ios::binary) << bytes;
    const std::string message =
        message_of<DataError>([&] { read_mquake(folder.file("data.json")); });
    INFO(bytes.substr(0, 60) << " -> " << message);
    CHECK(contains(message, reason));
    CHECK(contains(message, "data.json"));
  }
  CHECK_THROWS_AS(read_mquake(folder.file("absent.json")), DataError);
  CHECK_THROWS_AS(read_mquake(folder.file(".")), DataError);
}

TEST_CASE("MQuAKE reader: every fault of a record is refused with case and field") {
  using Damage = std::function<void(Json&)>;
  const std::vector<std::pair<Damage, std::string>> table = {
      {[](Json& d) { d[1]["case_id"] = "2"; }, "record 2: /case_id"},
      {[](Json& d) { d[1]["case_id"] = 2.5; }, "record 2: /case_id"},
      {[](Json& d) { d[1]["case_id"] = 1; }, "/case_id: expected every id once"},
      {[](Json& d) { d[1] = "case"; }, "record 2"},
      {[](Json& d) { d[1].erase("requested_rewrite"); }, "case 2: /requested_rewrite"},
      {[](Json& d) { d[1]["requested_rewrite"] = Json::array(); },
       "/requested_rewrite: expected at least"},
      {[](Json& d) { d[1]["requested_rewrite"] = 3; }, "/requested_rewrite"},
      {[](Json& d) { d[1]["requested_rewrite"][0] = nullptr; }, "/requested_rewrite/0"},
      {[](Json& d) { d[1]["requested_rewrite"][0]["prompt"] = "no slot"; },
       "/requested_rewrite/0/prompt"},
      {[](Json& d) { d[1]["requested_rewrite"][0]["prompt"] = "{} and {}"; }, "exactly one \"{}\""},
      {[](Json& d) { d[1]["requested_rewrite"][0]["subject"] = ""; },
       "/requested_rewrite/0/subject"},
      {[](Json& d) { d[1]["requested_rewrite"][0]["subject"] = "Nobody"; },
       "/requested_rewrite/0/subject"},
      {[](Json& d) { d[1]["requested_rewrite"][0]["relation_id"] = "P0000001"; }, "relation_id"},
      {[](Json& d) { d[1]["requested_rewrite"][0]["relation_id"] = "capital"; },
       "an id like \"P30\""},
      {[](Json& d) { d[1]["requested_rewrite"][0]["target_new"] = "Avia"; }, "/target_new"},
      {[](Json& d) { d[1]["requested_rewrite"][0]["target_new"]["str"] = "Avia"; },
       "/target_new/str"},
      {[](Json& d) {
         d[1]["requested_rewrite"][0]["target_true"] = d[1]["requested_rewrite"][0]["target_new"];
       },
       "another entity than target_true"},
      {[](Json& d) { d[1]["questions"] = Json::array(); }, "/questions: expected at least one"},
      {[](Json& d) { d[1]["questions"] = "Why?"; }, "/questions"},
      {[](Json& d) { d[1]["questions"][2] = 7; }, "/questions/2"},
      {[](Json& d) { d[1]["questions"][1] = "Why?"; }, "/questions/1"},
      {[](Json& d) { d[1]["answer"] = nullptr; }, "/answer"},
      {[](Json& d) { d[1]["answer"] = "Nobody"; }, "/answer"},
      {[](Json& d) { d[1]["new_answer"] = ""; }, "/new_answer"},
      {[](Json& d) { d[1]["new_answer_alias"] = Json::array({"x"}); }, "/new_answer_alias"},
      {[](Json& d) { d[1]["answer_alias"] = "x"; }, "/answer_alias"},
      {[](Json& d) { d[1]["single_hops"].erase(0); }, "/new_single_hops"},
      {[](Json& d) { d[1]["single_hops"] = Json::array(); },
       "/single_hops: expected at least one hop"},
      {[](Json& d) { d[1]["single_hops"][0].erase("cloze"); }, "/single_hops/0/cloze"},
      {[](Json& d) { d[1]["single_hops"][0]["cloze"] = "It is"; }, "/single_hops/0/cloze"},
      {[](Json& d) { d[1]["new_single_hops"][0]["answer"] = "Nobody"; },
       "/new_single_hops/0/answer"},
      {[](Json& d) { d[1].erase("orig"); }, "/orig"},
      {[](Json& d) { d[1]["orig"] = Json::array(); }, "/orig"},
      {[](Json& d) { d[1]["orig"].erase("edit_triples"); }, "/orig/edit_triples"},
      {[](Json& d) { d[1]["orig"]["triples"].erase(0); }, "/orig/triples"},
      {[](Json& d) {
         d[1]["orig"]["triples"][1] = Json::array({"Q1", "P2"});
       },
       "/orig/triples/1"},
      {[](Json& d) { d[1]["orig"]["triples"][1][0] = "Q999"; }, "/orig/triples/1"},
      {[](Json& d) { d[1]["orig"]["triples"][0][2] = 12; }, "/orig/triples/0/2"},
      {[](Json& d) { d[1]["orig"]["triples"][0][0] = "Q999"; }, "/orig/new_triples/0/0"},
      {[](Json& d) { d[1]["orig"]["new_triples"][0][1] = "P999"; }, "/orig/new_triples/0/1"},
      {[](Json& d) { d[1]["orig"]["triples_labeled"][0][2] = "Nobody"; }, "/orig/triples_labeled"},
      {[](Json& d) { d[1]["orig"]["edit_triples"][0][0] = "Q999"; }, "/orig/edit_triples/0"},
      {[](Json& d) { d[1]["orig"]["edit_triples"].push_back(d[1]["orig"]["edit_triples"][0]); },
       "/orig/edit_triples"},
      {[](Json& d) {
         d[1]["orig"]["edit_triples"].push_back(d[1]["orig"]["edit_triples"][0]);
         d[1]["requested_rewrite"].push_back(d[1]["requested_rewrite"][0]);
       },
       "every subject and relation once"},
  };
  for (std::size_t i = 0; i < table.size(); ++i) {
    const std::string message = fault(table[i].first);
    INFO(i << ": " << message << " (wanted " << table[i].second << ")");
    CHECK(contains(message, table[i].second));
    CHECK(contains(message, "data.json"));
    CHECK(contains(message, "expected"));
  }
}

TEST_CASE("MQuAKE reader: label checks can be switched off and structure checks cannot") {
  Json document = two_cases();
  document[0]["questions"][0] = "Why?";
  CHECK_THROWS_AS(read_document(document), DataError);
  CHECK(read_document(document, MquakeChecks::structure).cases.size() == 2);
  document[0]["orig"]["triples"][0][2] = "Q999";
  CHECK_THROWS_AS(read_document(document, MquakeChecks::structure), DataError);
}

TEST_CASE("MQuAKE reader: a single rewrite as an object and missing alias arrays are accepted") {
  Json document = two_cases();
  for (Json& record : document) {
    if (record["requested_rewrite"].size() == 1) {
      record["requested_rewrite"] = Json(record["requested_rewrite"][0]);
    }
    record.erase("answer_alias");
  }
  const MquakeDataset dataset = read_document(document);
  CHECK(dataset.cases[0].pre.aliases.empty());
  CHECK(dataset.cases[0].rewrites.size() >= 1);
}

TEST_CASE("MQuAKE reader: the flat table layout reads as the nested one") {
  Json document = two_cases();
  const MquakeDataset nested = read_document(document);
  for (Json& record : document) {
    const Json orig = record["orig"];
    record.erase("orig");
    record["orig_triples"] = orig["triples"];
    record["orig_triples_labeled"] = orig["triples_labeled"];
    record["new_triples"] = orig["new_triples"];
    record["new_triples_labeled"] = orig["new_triples_labeled"];
    record["split"] = {{"100", Json::array({"test_edited"})}};
    for (Json& rewrite : record["requested_rewrite"]) {
      for (const char* target : {"target_true", "target_new"}) {
        rewrite[std::string(target) + "_str"] = rewrite[target]["str"];
        rewrite[std::string(target) + "_id"] = rewrite[target]["id"];
        rewrite.erase(target);
      }
    }
  }
  const MquakeDataset flat = read_document(document);
  REQUIRE(flat.cases.size() == 2);
  CHECK(flat.content_sha256 == nested.content_sha256);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK((flat.cases[i].edit_triples == nested.cases[i].edit_triples));
    CHECK(flat.cases[i].rewrites[0].target_new_id == nested.cases[i].rewrites[0].target_new_id);
    CHECK(flat.cases[i].extra["split"]["100"][0] == "test_edited");
  }
  document[1].erase("new_triples");
  CHECK(contains(message_of<DataError>([&] { read_document(document); }), "case 2: /new_triples"));
}

TEST_CASE("MQuAKE reader: a file that joins the edits of a case into one text is refused") {
  const Json glued = Json::array({{{"case_id", 0},
                                   {"prompt", "The author of X is, The capital of Y is"},
                                   {"subject", "X, Y"},
                                   {"target_new", "A, B"},
                                   {"ground_truth", "C, D"}}});
  CHECK(contains(message_of<DataError>([&] { read_document(glued); }), "glued form"));
}

TEST_CASE("MQuAKE writer: both published layouts read back to the same bytes") {
  const std::vector<MquakeCase> cases = read_document(two_cases()).cases;
  for (const MquakeLayout layout : {MquakeLayout::pretty, MquakeLayout::line}) {
    const std::string text = mquake_text(cases, layout);
    const TemporaryFolder folder;
    CHECK(mquake_text(read_mquake(folder.file("a.json", text)).cases, layout) == text);
    CHECK(text.find('\n') == (layout == MquakeLayout::line ? std::string::npos : 1));
  }
  CHECK(mquake_variant("ab").empty());
}

TEST_CASE("MQuAKE writer: unknown keys and extended answers and Unicode survive a round trip") {
  Json document = two_cases();
  document[0]["6334_split"]["100"] = Json::array({"train_edited"});
  document[0]["answer_extended"] = Json::array({"caf\u00e9", "\U0001F1EE\U0001F1F9"});
  document[0]["questions"][0] = document[0]["questions"][0].get<std::string>() + " ";
  const TemporaryFolder folder;
  write_mquake(folder.file("b.json"), read_document(document).cases);
  const std::string written = read_text_file(folder.file("b.json"));
  CHECK(contains(written, "\\ud83c\\uddee\\ud83c\\uddf9"));
  CHECK(contains(written, "caf\\u00e9"));
  CHECK(written.back() == ']');
  const MquakeDataset again = read_mquake(folder.file("b.json"));
  CHECK(again.cases[0].questions[0].back() == ' ');
  CHECK(again.cases[0].answer_extended.size() == 2);
  CHECK(again.cases[0].extra["6334_split"]["100"][0] == "train_edited");
}

TEST_CASE("MQuAKE requests: rewrites of a case carry the new object's aliases") {
  MquakeCase c = lab::make_cases(*lab_world(), 3, 9)[2];
  for (Hop& hop : c.new_hops) hop.gold.aliases = {hop.gold.answer + " the Great"};
  const auto requests = requests_of(c);
  REQUIRE(requests.size() == c.rewrites.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CHECK(requests[i].id == "mquake/3/" + std::to_string(i));
    CHECK(requests[i].prompt == c.rewrites[i].prompt);
    CHECK(*requests[i].target_true == c.rewrites[i].target_true);
    CHECK(requests[i].target_new_aliases ==
          std::vector<std::string>{c.rewrites[i].target_new + " the Great"});
  }
}

TEST_CASE("parse_case_selection: ids and ranges select cases and invalid ones are refused") {
  MquakeDataset dataset;
  dataset.name = "small.json";
  for (std::int64_t id : {2, 3, 5, 9}) {
    dataset.cases.emplace_back();
    dataset.cases.back().case_id = id;
  }
  using Ids = std::vector<std::int64_t>;
  CHECK(parse_case_selection("", dataset) == Ids{2, 3, 5, 9});
  CHECK(parse_case_selection("9,2-5,3", dataset) == Ids{2, 3, 5, 9});
  CHECK(parse_case_selection("3-8", dataset) == Ids{3, 5});
  for (const char* bad : {"1", "4", "2-10", "1-3", "5-2", "6-8", "a", "2,", ",2", "2-", "-2",
                          "2--3", "2-3-5", " 2", "2;3", "99999999999999999999"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_case_selection(bad, dataset), DataError);
  }
  CHECK(select_cases(dataset, {9, 2})[0].case_id == 9);
  CHECK_THROWS_AS(select_cases(dataset, {4}), DataError);
}

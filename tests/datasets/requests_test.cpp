#include "datasets/requests.hpp"

#include "datasets/mquake.hpp"
#include "tests/lab/world/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::test;

namespace {

std::vector<EditRequest> read_text(const std::string& text) {
  const TemporaryFolder folder;
  return read_requests(folder.file("edits.jsonl", text));
}

const std::string kGood =
    R"({"subject": "Avia", "prompt": "The capital of {} is", "target_new": "Corun"})";

}  // namespace

TEST_CASE("read_requests: a line gives a request and a missing id becomes file and line") {
  const auto requests = read_text(
      "\n" + kGood + "\r\n\n" +
      R"({"id": 7, "subject": "Avia", "prompt": "Avia is in", "target_new": {"str": " Corun"}, )"
      R"("target_true": {"str": "Dorel"}, "rephrase": ["In Avia"], "relation": "P30"})");
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].id == "edits/2");
  CHECK_FALSE(requests[0].target_true.has_value());
  CHECK(requests[1].id == "7");
  CHECK(requests[1].prompt == "{} is in");
  CHECK(requests[1].target_new == " Corun");
  CHECK(*requests[1].target_true == "Dorel");
  CHECK(requests[1].rephrases == std::vector<std::string>{"In Avia"});
}

TEST_CASE("write_requests: written requests read back equal") {
  const TemporaryFolder folder;
  auto requests = lab::make_requests(*lab_world(), 20, 3);
  requests[0].target_true.reset();
  requests[1].target_new_aliases = {"caf\u00e9", "a \"b\""};
  write_requests(folder.file("r.jsonl"), requests);
  const auto again = read_requests(folder.file("r.jsonl"));
  REQUIRE(again.size() == requests.size());
  for (std::size_t i = 0; i < again.size(); ++i) {
    CHECK(again[i].id == requests[i].id);
    CHECK(again[i].prompt == requests[i].prompt);
    CHECK(again[i].subject == requests[i].subject);
    CHECK(again[i].target_new == requests[i].target_new);
    CHECK(again[i].target_true == requests[i].target_true);
    CHECK(again[i].rephrases == requests[i].rephrases);
    CHECK(again[i].relation == requests[i].relation);
    CHECK(again[i].target_new_aliases == requests[i].target_new_aliases);
  }
}

TEST_CASE("read_requests: a bad line is refused with line and field") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"[]", "line 2"},
      {"3", "line 2"},
      {"{", "line 2"},
      {R"({"prompt": "{} is", "target_new": "x"})", "subject"},
      {R"({"subject": "", "prompt": "{} is", "target_new": "x"})", "subject"},
      {R"({"subject": 3, "prompt": "{} is", "target_new": "x"})", "/subject"},
      {R"({"subject": "A", "prompt": "B is", "target_new": "x"})", "prompt"},
      {R"({"subject": "A", "prompt": "{} {} is", "target_new": "x"})", "prompt"},
      {R"({"subject": "A", "prompt": "{} is", "target_new": " "})", "target_new"},
      {R"({"subject": "A", "prompt": "{} is", "target_new": {"id": "Q1"}})", "/target_new/str"},
      {R"({"subject": "A", "prompt": "{} is", "target_new": ["x"]})", "/target_new"},
      {R"({"subject": "A", "prompt": "{} is", "target_new": "x", "rephrase": "y"})", "/rephrase"},
      {R"({"subject": "A", "prompt": "{} is", "target_new": "x", "id": ""})", "/id"},
      {R"({"subject": "A", "prompt": "{} is", "target_new": "x", "id": "edits/1"})", "again"},
  };
  for (const auto& [line, place] : table) {
    const std::string message =
        message_of<DataError>([&, text = line] { read_text(kGood + "\n" + text + "\n"); });
    INFO(line << " -> " << message);
    CHECK(message.find(place) != std::string::npos);
    CHECK(message.find("line 2") != std::string::npos);
  }
  CHECK_THROWS_AS(read_text("\n \n"), DataError);
  CHECK_THROWS_AS(read_requests("/nonexistent/edits.jsonl"), DataError);
}

TEST_CASE("read_dataset_requests: MQuAKE gives its distinct edits in order") {
  const TemporaryFolder folder;
  auto cases = lab::make_cases(*lab_world(), 6, 9);
  cases.push_back(cases[0]);
  cases.back().case_id = 7;
  write_mquake(folder.file("cases.json"), cases);
  const std::string dataset = "mquake:" + folder.file("cases.json").string();
  std::size_t first_six = 0;
  for (std::size_t i = 0; i < 6; ++i) first_six += cases[i].rewrites.size();
  const auto all = read_dataset_requests(dataset, "");
  CHECK(all.size() <= first_six);
  CHECK(all.front().id == "mquake/1/0");
  CHECK(read_dataset_requests(dataset, "7").size() == cases[0].rewrites.size());
  CHECK_THROWS_AS(read_dataset_requests(dataset, "8"), DataError);
  CHECK_THROWS_AS(read_dataset_requests("zsre:file.json", ""), DataError);
  CHECK_THROWS_AS(read_dataset_requests("cases.json", ""), DataError);
}

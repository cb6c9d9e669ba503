#include "datasets/counterfact.hpp"

#include "datasets/requests.hpp"
#include "json/json.hpp"
#include "tests/datasets/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <functional>

using namespace kedit;
using namespace kedit::test;

namespace {

Json original() {
  return {{"case_id", 7},
          {"requested_rewrite",
           {{"prompt", "The capital of {} is"},
            {"relation_id", "P36"},
            {"subject", "Avia"},
            {"target_new", {{"str", "Corun"}, {"id", "Q4"}}},
            {"target_true", {{"str", "Dorel"}, {"id", "Q3"}}}}},
          {"paraphrase_prompts", {"Avia's capital is", "Avia. Its capital is"}},
          {"neighborhood_prompts", {"The capital of Belmar is"}},
          {"attribute_prompts", Json::array()},
          {"generation_prompts", {"In Avia one"}}};
}

Json flat() {
  return {{"case_id", 0},
          {"prompt", "The capital of Avia is"},
          {"subject", "Avia"},
          {"target_new", "Corun"},
          {"ground_truth", "Dorel"},
          {"rephrase_prompt", "Avia's capital is"},
          {"locality_prompt", "The capital of Belmar is"},
          {"locality_ground_truth", "Dorel"}};
}

Json zsre() {
  return {{"subject", "Avia"},
          {"src", "What is the capital of Avia?"},
          {"pred", ""},
          {"rephrase", "Avia has which capital?"},
          {"alt", "Corun"},
          {"answers", {"Dorel", "City of Dorel"}},
          {"loc", "nq question: who sang it"},
          {"loc_ans", "Nobody"}};
}

std::string fault(const std::function<void(Json&)>& damage, Json record, bool is_zsre = false) {
  damage(record);
  const TemporaryFolder folder;
  const auto file = folder.file("facts.json", Json::array({record}).dump());
  return message_of<DataError>([&] {
    if (is_zsre) {
      read_zsre(file);
    } else {
      read_counterfact(file);
    }
  });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("CounterFact reader: original and flat records give the same kind of request") {
  const TemporaryFolder folder;
  const auto own = read_counterfact(folder.file("a.json", Json::array({original()}).dump()));
  REQUIRE(own.size() == 1);
  CHECK(own[0].request.id == "counterfact/7");
  CHECK(own[0].request.relation == "P36");
  CHECK(own[0].request.rephrases.size() == 2);
  CHECK(own[0].neighborhood[0].answer == "Dorel");
  CHECK(own[0].generation.size() == 1);
  CHECK(own[0].target_id == "Q4");
  CHECK(case_of(own[0]).object_id == "Q4");
  CHECK(case_of(own[0]).find(PromptKind::generation, 0)->text == "In Avia one");
  const auto other = read_counterfact(folder.file("b.json", Json::array({flat()}).dump()));
  CHECK(other[0].request.prompt == "The capital of {} is");
  CHECK(*other[0].request.target_true == "Dorel");
  CHECK(other[0].neighborhood[0].prompt == "The capital of Belmar is");
  CHECK(other[0].generation.empty());
  CHECK(case_of(other[0]).object_id.empty());
}

TEST_CASE("zsRE reader: a record gives its request and rephrase and unrelated question") {
  const TemporaryFolder folder;
  const auto records = read_zsre(folder.file("z.json", Json::array({zsre(), zsre()}).dump()));
  REQUIRE(records.size() == 2);
  CHECK(records[1].number == 2);
  CHECK(records[0].request.prompt == "What is the capital of {}?");
  CHECK(records[0].request.target_new == "Dorel");
  CHECK_FALSE(records[0].request.target_true.has_value());
  CHECK(records[0].locality.prompt == "nq question: who sang it");
}

TEST_CASE("CounterFact and zsRE readers: a damaged record is refused with its place") {
  using Damage = std::function<void(Json&)>;
  const std::vector<std::pair<Damage, std::string>> table = {
      {[](Json& r) { r["requested_rewrite"]["prompt"] = "no slot"; }, "neither in"},
      {[](Json& r) { r["requested_rewrite"]["subject"] = nullptr; }, "/requested_rewrite/subject"},
      {[](Json& r) { r["requested_rewrite"]["target_new"] = "x"; },
       "/requested_rewrite/target_new"},
      {[](Json& r) { r["requested_rewrite"]["target_true"].erase("str"); }, "/target_true/str"},
      {[](Json& r) { r["requested_rewrite"] = 3; }, "/requested_rewrite"},
      {[](Json& r) { r.erase("paraphrase_prompts"); }, "/paraphrase_prompts"},
      {[](Json& r) { r["paraphrase_prompts"] = "x"; }, "/paraphrase_prompts"},
      {[](Json& r) { r["neighborhood_prompts"][0] = 4; }, "/neighborhood_prompts/0"},
      {[](Json& r) { r["neighborhood_prompts"][0] = ""; }, "/neighborhood_prompts/0"},
      {[](Json& r) { r["case_id"] = "7"; }, "/case_id"},
      {[](Json& r) { r.erase("requested_rewrite"); }, "/prompt"},
      {[](Json& r) { r = 5; }, "record 1"},
  };
  for (const auto& [damage, part] : table) {
    const std::string message = fault(damage, original());
    INFO(message << " (wanted " << part << ")");
    CHECK(contains(message, part));
    CHECK(contains(message, "facts.json"));
  }
  CHECK(contains(fault([](Json& r) { r["ground_truth"] = ""; }, flat()), "/ground_truth"));
  CHECK(contains(fault([](Json& r) { r["subject"] = "Nobody"; }, flat()), "neither in"));
  CHECK(contains(fault([](Json& r) { r.erase("locality_ground_truth"); }, flat()),
                 "/locality_ground_truth"));
  CHECK(contains(fault([](Json& r) { r["answers"] = Json::array(); }, zsre(), true), "/answers"));
  CHECK(contains(fault([](Json& r) { r["loc"] = "who"; }, zsre(), true), "nq question: "));
  CHECK(contains(fault([](Json& r) { r["src"] = "What?"; }, zsre(), true), "neither in"));
  const TemporaryFolder folder;
  for (const char* text : {"", "{}", "[]", "[1", "null"}) {
    const auto file = folder.file("odd.json", text);
    CHECK_THROWS_AS(read_counterfact(file), DataError);
    CHECK_THROWS_AS(read_zsre(file), DataError);
  }
  const auto twice = folder.file("twice.json", Json::array({flat(), flat()}).dump());
  CHECK(contains(message_of<DataError>([&] { read_counterfact(twice); }), "found 0 again"));
}

TEST_CASE("read_dataset_requests: CounterFact and zsRE records are selected by number") {
  const TemporaryFolder folder;
  Json second = flat();
  second["case_id"] = 4;
  const auto facts = folder.file("f.json", Json::array({flat(), second}).dump());
  CHECK(read_dataset_requests("counterfact:" + facts.string(), "").size() == 2);
  CHECK(read_dataset_requests("counterfact:" + facts.string(), "4").at(0).id == "counterfact/4");
  const auto questions = folder.file("z.json", Json::array({zsre()}).dump());
  CHECK(read_dataset_requests("zsre:" + questions.string(), "1").at(0).id == "zsre/1");
  CHECK_THROWS_AS(read_dataset_requests("zsre:" + questions.string(), "2"), DataError);
  CHECK_THROWS_AS(read_dataset_requests("counterfacts:" + facts.string(), ""), DataError);
}

TEST_CASE("CounterFact reader: the public file has 10000 records", "[slow][real-data]") {
  const auto file = real_data("counterfact/counterfact-edit.json");
  if (!file) return;
  const auto records = read_counterfact(*file);
  CHECK(records.size() == 10000);
  CHECK(records[0].request.prompt == "The mother tongue of {} is");
  CHECK(records[0].neighborhood[0].answer == "French");
}

#include "json/json.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <cmath>

using namespace kedit;
using namespace kedit::test;

namespace {

const std::string kEncoder = golden("models/bert").string();

Json answer(const std::vector<std::string>& arguments, const RunOptions& options = {}) {
  const Outcome outcome = run_kedit(arguments, options);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

double length_of(const Json& vector) {
  double sum = 0;
  for (const Json& number : vector) sum += number.get<double>() * number.get<double>();
  return std::sqrt(sum);
}

void check_refused(const Outcome& outcome, int code, const std::vector<std::string>& parts) {
  INFO(outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, parts));
}

}  // namespace

TEST_CASE("kedit model embed: vectors are the reference library's, of length one unless told") {
  const Json expected = parse_json(read_text(golden("models/bert/expected.json")), "expected");
  Json texts = Json::array();
  for (const Json& row : expected.at("texts")) texts.push_back(row.at("text"));
  std::vector<std::string> call{"model", "embed", "--model", kEncoder, "--texts", "-", "--json"};
  const Json unit = answer(call, {.input = to_text(texts)})["results"];
  call.emplace_back("--no-normalize");
  const Json mean = answer(call, {.input = to_text(texts)})["results"];
  REQUIRE(unit.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Json& row = expected.at("texts")[i];
    CHECK(unit[i]["ids"] == row.at("ids"));
    CHECK(length_of(unit[i]["vector"]) == Approx(1.0));
    for (std::size_t k = 0; k < 16; ++k) {
      CHECK(std::abs(mean[i]["vector"][k].get<double>() - row["mean"][k].get<double>()) < 1e-5);
    }
  }
}

TEST_CASE("kedit model embed: one text, none, and a table for people") {
  const Json one =
      answer({"model", "embed", "--model", kEncoder, "--text", "the of rome", "--json"});
  REQUIRE(one["results"].size() == 1);
  CHECK(one["results"][0]["vector"].size() == 16);
  CHECK(answer({"model", "embed", "--model", kEncoder, "--texts", "-", "--json"},
               {.input = "[]"})["results"]
            .empty());
  const Outcome table = run_kedit({"model", "embed", "--model", kEncoder, "--text", "rome"});
  CHECK(table.code == 0);
  CHECK(table.out.find("vector of 16") != std::string::npos);
}

TEST_CASE("kedit model info: an encoder is described with its pooling") {
  const Json info = answer({"model", "info", "--model", kEncoder, "--json"});
  CHECK(info["family"] == "bert");
  CHECK(info["layers"] == 2);
  CHECK(info["hidden"] == 16);
  CHECK(info["heads"] == 2);
  CHECK(info["max_positions"] == 20);
  CHECK(info["pooling"] == "mean");
  CHECK(info["normalize"] == true);
  CHECK(info["max_tokens"] == 12);
  CHECK(info["bytes"] == info["parameters"].get<std::int64_t>() * 4);
  CHECK(info["fingerprint"].get<std::string>().size() == 64);
  CHECK(info["tokenizer"]["kind"] == "WordPiece");
}

TEST_CASE("kedit model: what an encoder cannot do is refused, and so is embed on a decoder") {
  const std::vector<std::vector<std::string>> calls = {
      {"model", "logits", "--ids", "1"},
      {"model", "generate", "--prompt", "a"},
      {"model", "score", "--prompt", "a", "--target", "b"},
      {"edit", "--editor", "rome", "--subject", "a", "--prompt", "{} is", "--target", "b"}};
  for (auto call : calls) {
    call.insert(call.end(), {"--model", kEncoder, "--json"});
    check_refused(run_kedit(call), 3, {"config.json", "/model_type", "encoder", "\"bert\""});
  }
  const std::string decoder = golden("models/llama").string();
  check_refused(run_kedit({"model", "embed", "--model", decoder, "--text", "a", "--json"}), 3,
                {"config.json", "/model_type", "expected an encoder", "\"llama\""});
  check_refused(run_kedit({"model", "info", "--model", kEncoder, "--store", "x.db"}), 2,
                {"--store", "encoder"});
}

TEST_CASE("kedit model embed: wrong texts and options are refused") {
  const auto embed = [&](const std::string& input) {
    return run_kedit({"model", "embed", "--model", kEncoder, "--texts", "-", "--json"},
                     {.input = input});
  };
  check_refused(embed("{}"), 3, {"expected an array"});
  check_refused(embed("[\"a\", 1]"), 3, {"/1", "expected a string"});
  check_refused(run_kedit({"model", "embed", "--model", kEncoder}), 2, {"--text"});
}

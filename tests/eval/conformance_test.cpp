// What a real model said to a part of MQuAKE-CF-3k (tests/golden/mquake_sample.py); the whole file
// is scored in score_test.cpp where it is at hand.
#include "datasets/mquake.hpp"
#include "datasets/mquake_files.hpp"
#include "eval/score.hpp"
#include "json/json.hpp"
#include "tests/support/catch.hpp"

#include <filesystem>
#include <string>

using namespace kedit;

namespace {

std::filesystem::path sample_file(const std::string& name) {
  return std::filesystem::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "mquake" / name;
}

}  // namespace

TEST_CASE("score: recorded predictions give the counts of plain string comparison") {
  const Dataset dataset = cases_of(read_mquake(sample_file("cases.json")));
  const auto predictions = read_predictions(sample_file("predictions.json"));
  REQUIRE(dataset.cases.size() == 55);
  REQUIRE(predictions.size() == 55);
  const Json expected = read_json(sample_file("expected.json"));
  ScoreOptions options;
  options.rules = {MatchRule::exact};
  for (const GoldSide side : {GoldSide::pre, GoldSide::post}) {
    for (const bool aliases : {true, false}) {
      options.gold = side;
      options.aliases = aliases;
      const std::string key =
          std::string(side == GoldSide::pre ? "pre" : "post") + (aliases ? "" : " without aliases");
      CAPTURE(key);
      const Json& wanted = expected.at(key);
      const Json scored = score_predictions(dataset, predictions, options);
      CHECK(scored.at("metrics").at("multi_hop_any").at("M0").at("hit") == wanted.at("any"));
      CHECK(scored.at("metrics").at("multi_hop_first").at("M0").at("hit") == wanted.at("first"));
      CHECK(scored.at("hits").at("M0").at("agrees_with_flag") == wanted.at("agrees_with_flag"));
      for (const auto& [hops, hit] : wanted.at("by_hops").items()) {
        CAPTURE(hops);
        CHECK(scored.at("by").at("hops").at(hops).at("multi_hop_any").at("M0").at("hit") == hit);
      }
    }
  }
  // The sample tells aliases, sides and hops apart.
  CHECK(expected.at("pre").at("any") != expected.at("post").at("any"));
  CHECK(expected.at("post").at("any") != expected.at("post without aliases").at("any"));
}

TEST_CASE("mquake: cases of the real file are written back byte for byte") {
  const auto file = sample_file("cases.json");
  CHECK(mquake_text(read_mquake(file).cases, MquakeLayout::line) == read_text_file(file));
}

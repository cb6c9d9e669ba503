#include "eval/score.hpp"

#include "edits/hash.hpp"
#include "eval/protocol/contamination.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <map>
#include <set>

using namespace kedit;
using namespace kedit::testing;

namespace {

Dataset mini_dataset() {
  Dataset dataset;
  dataset.name = "mini.json";
  dataset.cases = {two_hop_case(1), two_hop_case(2), two_hop_case(3)};
  return dataset;
}

std::int64_t hits(const Json& document, const std::string& metric, const std::string& rule) {
  return document["metrics"][metric][rule]["hit"].get<std::int64_t>();
}

class TextFile {
 public:
  explicit TextFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / fmt::format("kedit-score-{}.json", ++made)) {
    std::ofstream(path_) << text;
  }
  ~TextFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  static inline int made = 0;
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("score_predictions: every match rule is applied and missing cases are misses") {
  ScoreOptions options;
  options.rules = {MatchRule::exact, MatchRule::folded};
  const Json document = score_predictions(
      mini_dataset(), {{1, {"x", "Corun"}, {}, {}}, {2, {"corun", "x", "x"}, {}, {}}}, options);
  CHECK(hits(document, "multi_hop_any", "M0") == 1);
  CHECK(hits(document, "multi_hop_any", "M1") == 2);
  CHECK(hits(document, "multi_hop_first", "M0") == 0);
  CHECK(document["metrics"]["multi_hop_any"]["M0"]["n"] == 3);
  CHECK(document["protocol"]["missing"] == 1);
  CHECK(document["protocol"]["untried_questions"] == 1);
  CHECK_FALSE(document["metrics"].contains("hop_joint"));
  CHECK_FALSE(document["metrics"].contains("edit_wise"));
  CHECK(document["by"]["hops"]["2"]["multi_hop_any"]["M0"]["hit"] == 1);
  CHECK(document["by"]["contaminated"].contains("clean"));
  CHECK_FALSE(document["by"].contains("recall"));
  CHECK(document["hits"]["M0"]["count"] == 1);
}

TEST_CASE("score_predictions: transcripts as text or steps give hop accuracies") {
  const std::string good =
      "Thoughts: Person 1 is a citizen of Belmar. The capital of Belmar is Corun.\nAnswer: Corun";
  const Trace steps = {{"", "Belmar", ""}, {"", "Corun", ""}};
  const Prediction as_text{1, {"Corun"}, {good}, {}};
  const Prediction as_steps{2, {"Corun"}, {}, {steps}};
  const Prediction wrong{3, {"Corun"}, {"Thoughts: Corun is nice.\nAnswer: Corun"}, {}};
  const Json document = score_predictions(mini_dataset(), {as_text, as_steps, wrong}, {});
  CHECK(hits(document, "hop_joint", "M0") == 2);
  CHECK(hits(document, "multi_hop_any", "M0") == 3);
}

TEST_CASE("score_predictions: edits and hops and CoT and probes and tokens give their metrics") {
  Prediction one{1, {"Corun"}, {}, {}};
  one.edits = {"Belmaria"};
  one.hops = {"Belmar", "Corun"};
  one.cot = {"Corun"};
  one.probe_clozes = {"Belmar", "x"};
  one.tokens = {{false, 0.0, 4, 3, 0.0}};
  ScoreOptions options;
  options.rules = {MatchRule::exact, MatchRule::tokens};
  const Json metrics = score_predictions(mini_dataset(), {one}, options)["metrics"];
  CHECK(metrics["edit_wise"]["M0"]["hit"] == 1);
  CHECK(metrics["instance_wise"]["M0"]["hit"] == 1);
  CHECK(metrics["cot_any"]["M0"]["hit"] == 1);
  CHECK(metrics["hop_probe"]["M0"]["hit"] == 0.25);
  CHECK(metrics["multi_hop_tokens"]["M6"]["hit"] == 0.25);
  CHECK_FALSE(metrics["edit_wise"].contains("M6"));
}

TEST_CASE("score_predictions: under P-rem unedited cases are scored on their old gold answers") {
  ScoreOptions options;
  options.pool = {protocol::Grouping::rem, 1, 100};
  const Json document = score_predictions(
      mini_dataset(), {{1, {"Dorel"}, {}, {}}, {2, {"Dorel"}, {}, {}}, {3, {"Dorel"}, {}, {}}},
      options);
  CHECK(hits(document, "multi_hop_any", "M0") == 2);
  CHECK(document["by"]["edits"]["0"]["multi_hop_any"]["M0"]["hit"] == 2);
}

TEST_CASE("read_predictions: arrays and JSON lines are read and damage is refused by field") {
  const TextFile lines("{\"case_id\": 1, \"preds\": [\"a\"]}\n\n{\"case_id\": 2, \"preds\": []}\n");
  CHECK(read_predictions(lines.path()).size() == 2);
  const TextFile array("[{\"case_id\": 1, \"preds\": [\"a\"], \"gens\": [\"t\"], \"succ\": true}]");
  CHECK(read_predictions(array.path()).front().transcripts.front() == "t");
  const TextFile steps(
      "[{\"case_id\": 1, \"preds\": [\"a\"], \"gens\": [[{\"question\": \"q\", "
      "\"answer\": \"a\", \"source\": \"edit\"}]]}]");
  CHECK(read_predictions(steps.path()).front().traces.front().front().source == "edit");

  const TextFile no_preds("[{\"case_id\": 1}]");
  CHECK(contains(message_of([&] { read_predictions(no_preds.path()); }), "preds"));
  const TextFile uneven("[{\"case_id\": 1, \"preds\": [\"a\", \"b\"], \"gens\": [\"t\"]}]");
  CHECK(contains(message_of([&] { read_predictions(uneven.path()); }), "/0/gens"));
  const TextFile broken("[{\"case_id\": 1");
  CHECK_THROWS_AS(read_predictions(broken.path()), DataError);
}

TEST_CASE("score_predictions: predictions that do not match the dataset are refused") {
  const auto refusal = [](const std::vector<Prediction>& predictions) {
    return message_of([&] { score_predictions(mini_dataset(), predictions, {}); });
  };
  CHECK(contains(refusal({{7, {"x"}, {}, {}}}), "case_id 7: expected a case of mini.json"));
  CHECK(contains(refusal({{1, {"x"}, {}, {}}, {1, {"x"}, {}, {}}}), "expected once, found twice"));
  CHECK(contains(refusal({{1, {"a", "b", "c", "d"}, {}, {}}}), "expected at most 3"));
}

TEST_CASE("score_predictions: recorded predictions on MQuAKE-CF-3k give the published counts",
          "[slow][real-data]") {
  const auto data = test::real_data("mquake/MQuAKE-CF-3k.json");
  const auto recorded = test::real_data("mquake/recorded-predictions.json");
  if (!data || !recorded) return;
  const Dataset dataset = cases_of(read_mquake(*data));
  const auto predictions = read_predictions(*recorded);
  REQUIRE(predictions.size() == 3000);
  ScoreOptions options;
  options.rules = parse_match_rules("all");

  // Rule, hits on old golds, on new golds, and how many of the run's own flags each agrees with.
  struct Row {
    const char* rule;
    std::int64_t old, old_agrees, now, now_agrees;
  };
  const std::vector<Row> table = {
      {"M0", 389, 3000, 732, 1983}, {"M0s", 389, 3000, 732, 1983}, {"M1", 390, 2999, 732, 1983},
      {"M2", 390, 2999, 732, 1983}, {"M0d", 377, 2988, 731, 1984}, {"M3c", 417, 2972, 786, 1943},
      {"M3", 438, 2951, 801, 1930}, {"M3r", 554, 2835, 774, 1945}, {"M4", 401, 2958, 784, 1947}};
  for (const GoldSide side : {GoldSide::pre, GoldSide::post}) {
    options.gold = side;
    const Json scored = score_predictions(dataset, predictions, options);
    for (const Row& row : table) {
      CAPTURE(row.rule);
      const bool old = side == GoldSide::pre;
      CHECK(hits(scored, "multi_hop_any", row.rule) == (old ? row.old : row.now));
      CHECK(scored["hits"][row.rule]["agrees_with_flag"] ==
            (old ? row.old_agrees : row.now_agrees));
    }
    CHECK(scored["hits"]["M0"]["sha256"] ==
          (side == GoldSide::pre
               ? "699aa8757047b7c76bfaf831504c212cc089f2d489922ea27a3d68400eb12465"
               : "c8eefc7f0267d218fe989e57c367309d6d6306ce1eb46da9e87cf458bec7f891"));
    CHECK_FALSE(scored["metrics"]["multi_hop_any"].contains("M6"));
  }

  options.rules = {MatchRule::exact, MatchRule::trimmed, MatchRule::folded, MatchRule::dotless};
  options.gold = GoldSide::pre;
  const Json pre = score_predictions(dataset, predictions, options);
  CHECK(hits(pre, "multi_hop_any", "M0") == 389);
  CHECK(hits(pre, "multi_hop_any", "M0s") == 389);
  CHECK(hits(pre, "multi_hop_any", "M1") == 390);
  CHECK(hits(pre, "multi_hop_any", "M2") == 390);
  CHECK(hits(pre, "multi_hop_first", "M0") == 144);
  CHECK(pre["by"]["hops"]["2"]["multi_hop_any"]["M0"]["hit"] == 202);
  CHECK(pre["by"]["hops"]["3"]["multi_hop_any"]["M0"]["hit"] == 73);
  CHECK(pre["by"]["hops"]["4"]["multi_hop_any"]["M0"]["hit"] == 114);

  options.gold = GoldSide::post;
  const Json post = score_predictions(dataset, predictions, options);
  for (const char* rule : {"M0", "M0s", "M1", "M2"})
    CHECK(hits(post, "multi_hop_any", rule) == 732);
  CHECK(hits(post, "multi_hop_first", "M0") == 417);
  CHECK(post["by"]["hops"]["2"]["multi_hop_any"]["M0"]["hit"] == 437);
  CHECK(post["by"]["hops"]["3"]["multi_hop_any"]["M0"]["hit"] == 139);
  CHECK(post["by"]["hops"]["4"]["multi_hop_any"]["M0"]["hit"] == 156);
  CHECK(post["by"]["contaminated"]["clean"]["multi_hop_any"]["M0"]["n"] == 2002);
  CHECK(post["by"]["contaminated"]["clean"]["multi_hop_any"]["M0"]["hit"] == 571);
  CHECK(post["by"]["contaminated"]["contaminated"]["multi_hop_any"]["M0"]["hit"] == 161);

  options.aliases = false;
  CHECK(hits(score_predictions(dataset, predictions, options), "multi_hop_any", "M0") == 726);
  options.gold = GoldSide::pre;
  CHECK(hits(score_predictions(dataset, predictions, options), "multi_hop_any", "M0") == 351);
}

TEST_CASE("GoldMatcher: recorded predictions on MQuAKE-CF-3k hit the published cases",
          "[slow][real-data]") {
  const auto data = test::real_data("mquake/MQuAKE-CF-3k.json");
  const auto recorded = test::real_data("mquake/recorded-predictions.json");
  if (!data || !recorded) return;
  std::map<std::int64_t, std::vector<std::string>> said;
  for (const Prediction& one : read_predictions(*recorded)) said[one.case_id] = one.predictions;
  std::vector<std::int64_t> pre, post;
  for (const MquakeCase& one : read_mquake(*data).cases) {
    const GoldMatcher old(one.pre, MatchRule::exact), now(one.post, MatchRule::exact);
    bool is_old = false, is_now = false;
    for (const std::string& text : said[one.case_id]) {
      is_old = is_old || old(std::string_view(text));
      is_now = is_now || now(std::string_view(text));
    }
    if (is_old) pre.push_back(one.case_id);
    if (is_now) post.push_back(one.case_id);
  }
  CHECK(sha256_hex(fmt::format("{}", fmt::join(pre, ","))) ==
        "699aa8757047b7c76bfaf831504c212cc089f2d489922ea27a3d68400eb12465");
  CHECK(sha256_hex(fmt::format("{}", fmt::join(post, ","))) ==
        "c8eefc7f0267d218fe989e57c367309d6d6306ce1eb46da9e87cf458bec7f891");
}

TEST_CASE("contaminated_cases: MQuAKE-CF-3k has the published count for every grouping",
          "[slow][real-data]") {
  const auto data = test::real_data("mquake/MQuAKE-CF-3k.json");
  if (!data) return;
  const Dataset dataset = cases_of(read_mquake(*data));
  std::vector<std::int64_t> ids;
  for (const Case& one : dataset.cases) ids.push_back(one.id);
  struct Row {
    protocol::Grouping grouping;
    std::int64_t size;
    std::size_t affected;
  };
  const auto row = GENERATE(values<Row>({{protocol::Grouping::seed0, 1, 0},
                                         {protocol::Grouping::seed0, 100, 354},
                                         {protocol::Grouping::seed0, 1000, 790},
                                         {protocol::Grouping::seed0, 0, 998},
                                         {protocol::Grouping::file, 100, 487},
                                         {protocol::Grouping::file, 1000, 907},
                                         {protocol::Grouping::poke, 100, 378},
                                         {protocol::Grouping::poke, 1000, 808},
                                         {protocol::Grouping::poke, 0, 998}}));
  CAPTURE(row.size);
  const auto groups =
      protocol::group_cases(ids, {row.grouping, row.size, protocol::default_seed(row.grouping)});
  CHECK(protocol::contaminated_cases(dataset, groups).size() == row.affected);
}

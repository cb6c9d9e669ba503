#include "eval/report/report.hpp"

#include "eval/report/html.hpp"
#include "eval/runner/run.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/eval/report/browser.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/temporary_directory.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

using namespace kedit;
using namespace kedit::testing;

namespace {

const std::string kHostile = "<script>alert('x')</script> & \"q\" \x01 \xFF";

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

Json header_for(const std::vector<runner::SystemInfo>& systems) {
  Json header{{"model",
               {{"name", "lab"},
                {"family", "qwen2"},
                {"fingerprint", "ab12"},
                {"parameters", 1234567},
                {"dtype", "float32"}}},
              {"dataset",
               {{"name", "mini.json"},
                {"sha256", "cd34"},
                {"content_sha256", "ef"},
                {"cases_in_file", 9},
                {"cases", 4}}},
              {"protocol",
               {{"grouping", "seed0"},
                {"group_size", 1},
                {"groups", 4},
                {"groups_sha256", "99"},
                {"seed", 0},
                {"mask", "report"},
                {"decoding", "greedy"},
                {"contaminated", Json::array({2})}}},
              {"prompts", {{"name", "lab"}, {"version", "1"}, {"sha256", "77"}, {"max_facts", 4}}},
              {"seed", 5}};
  header["systems"] = Json::array();
  for (const runner::SystemInfo& system : systems) header["systems"].push_back(to_json(system));
  return header;
}

/// Two systems over four cases: "rome" right everywhere but on case 4, "unedited" gives old
/// answers.
runner::RunData mini_run() {
  runner::RunData data;
  data.record.id = "0123456789ab";
  data.record.name = "mini " + kHostile;
  data.record.state = "done";
  data.config = {{"match", {"M0", "M2"}}, {"metrics", Json::array()}};
  data.header = header_for({{"unedited", "control", "unedited", "As it is.", "", ""},
                            {"rome", "editor", "rome", "Rank one.", "paper", "{\"v_lr\":0.5}"}});
  for (std::int64_t id = 1; id <= 4; ++id) {
    Case one = two_hop_case(id);
    for (Prompt& prompt : one.prompts) {
      if (prompt.kind == PromptKind::question && prompt.place == 0) prompt.text += " " + kHostile;
    }
    CaseOutputs good = oracle_outputs(one);
    good.edit_ids = {"e"};
    good.edit_seconds = 0.5;
    CaseOutputs old = oracle_outputs(one);
    put_direct(old, one, std::vector<Answer>(3, said("Dorel")));
    put_cot(old, one, std::vector<Answer>(3, reasoned("Dorel", {})));
    if (id == 4) put_cot(good, one, {reasoned(kHostile, {}), reasoned("x", {}), reasoned("y", {})});
    data.outputs["rome"][id] = good;
    data.outputs["unedited"][id] = old;
    data.cases.push_back(std::move(one));
  }
  return data;
}

std::vector<report::BenchReport> mini_reports() {
  report::ReportOptions options;
  options.draws = 200;
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(mini_run(), options));
  return reports;
}

}  // namespace

TEST_CASE("make_report: scores and differences follow from the stored outputs") {
  const auto reports = mini_reports();
  const report::BenchReport& report = reports.front();
  CHECK(report.systems.front().label == "rome");  // editors first
  const auto value = [&](const char* system, GoldSide side, const char* metric) {
    return report.find({system, MatchRule::exact, side, metric, "", ""})->score.value();
  };
  CHECK(value("rome", GoldSide::post, "cot_any") == Approx(0.75));
  CHECK(value("rome", GoldSide::post, "multi_hop_any") == Approx(1.0));
  CHECK(value("unedited", GoldSide::post, "cot_any") == Approx(0.0));
  CHECK(value("unedited", GoldSide::pre, "cot_any") == Approx(1.0));
  CHECK(report.find({"rome", MatchRule::exact, GoldSide::post, "cot_any", "hops", "2"}) != nullptr);
  CHECK(report.timings.at("rome").edits == 4);
  CHECK(report.timings.at("rome").edit_seconds == Approx(0.5));  // all in group 0
  CHECK(report::headline_metric(report) == "cot_any");
  CHECK(report.contaminated == std::vector<std::int64_t>{2});
  REQUIRE(report.differences.size() == 4);  // edit-wise, instance-wise, direct, thoughts
  CHECK(report.differences.back().value == Approx(0.75));
}

TEST_CASE("HTML report: one file without scripts or external addresses") {
  const std::string page = report::to_html(mini_reports());
  CHECK_FALSE(contains(page, "http://"));
  CHECK_FALSE(contains(page, "https://"));
  CHECK_FALSE(contains(page, "<script"));
  CHECK_FALSE(contains(page, "src="));
  CHECK_FALSE(contains(page, "@import"));
  CHECK_FALSE(contains(page, "url("));
  CHECK(contains(page, "default-src &#39;none&#39;"));
  CHECK(contains(page, "name=\"viewport\""));
  CHECK(contains(page, "prefers-color-scheme: dark"));
}

TEST_CASE("HTML report: hostile text is escaped") {
  const std::string page = report::to_html(mini_reports());
  CHECK(contains(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;q&quot;"));
  CHECK_FALSE(contains(page, "\x01"));
  CHECK_FALSE(contains(page, "\xFF"));
}

TEST_CASE("HTML report: every opened element is closed") {
  const std::string page = report::to_html(mini_reports());
  for (const char* tag : {"table", "details", "section", "svg", "dl", "div", "tr", "td", "th", "ul",
                          "ol", "h2", "main", "summary", "tbody", "thead"}) {
    CAPTURE(tag);
    const std::size_t opened =
        count_of(page, std::string("<") + tag + ">") + count_of(page, std::string("<") + tag + " ");
    CHECK(opened == count_of(page, std::string("</") + tag + ">"));
    CHECK(opened > 0);
  }
}

TEST_CASE("HTML report: model and dataset and protocol and match rules are stated") {
  const std::string page = report::to_html(mini_reports());
  for (const char* part :
       {"1,234,567", "ab12", "cd34", "k = 1", "lab, version 1", "seed 5", "1 of 4 cases", "H-Joint",
        "Evidence: paper", "2 hops", "Old-answer rate", "Edits per second", "old answer"}) {
    CAPTURE(part);
    CHECK(contains(page, part));
  }
  for (const MatchRuleInfo& rule : match_rules())
    CHECK(contains(page, report::escape_html(rule.definition)));
}

TEST_CASE("Report formats: CSV and Markdown and JSON have the same numbers") {
  const auto reports = mini_reports();
  const std::string csv = report::to_csv(reports);
  CHECK(contains(csv, "0123456789ab,rome,editor,M0,post,,,cot_any,3,4,0.75,"));
  CHECK(contains(report::to_markdown(reports), "| Multi-hop CoT, any | 4 | 75.0"));
  const Json json = to_json(reports);
  bool found = false;
  for (const Json& score : json["runs"][0]["scores"]) {
    if (score["system"] == "rome" && score["metric"] == "cot_any" && score["gold"] == "post" &&
        score["breakdown"] == "" && score["rule"] == "M0") {
      found = true;
      CHECK(score["value"].get<double>() == Approx(0.75));
      CHECK(score["interval95"].size() == 2);
    }
    if (!score.contains("interval95")) continue;
    CAPTURE(score.dump());
    CHECK(score["interval95"][0] < score["interval95"][1]);
    const bool one_value = score["value"] == 0.0 || score["value"] == 1.0;
    CHECK((score["interval_method"] == "Clopper-Pearson") >= one_value);
    CHECK(score["interval_units"] > 0);
  }
  CHECK(found);
}

TEST_CASE("HTML report: several runs have sections of their own") {
  auto reports = mini_reports();
  runner::RunData second = mini_run();
  second.record.id = "ba9876543210";
  reports.push_back(report::make_report(std::move(second), {}));
  const std::string page = report::to_html(reports);
  CHECK(contains(page, "href=\"#run-ba9876543210\""));
  CHECK(count_of(page, "<section id=\"run-") == 2);
}

TEST_CASE("HTML report: an unfinished run is reported as incomplete") {
  runner::RunData data = mini_run();
  data.record.state = "interrupted";
  data.outputs["rome"].erase(3);
  data.outputs.erase("unedited");
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(std::move(data), {}));
  CHECK(reports.front()
            .find({"rome", MatchRule::exact, GoldSide::post, "cot_any", "", ""})
            ->score.n == 4.0);
  const std::string page = report::to_html(reports);
  CHECK(contains(page, "interrupted"));
  CHECK(contains(page,
                 "This run is not complete.</b> Cases answered: rome 3 of 4, unedited 0 of 4."));
  CHECK_FALSE(contains(report::to_html(mini_reports()), "not complete"));
}

TEST_CASE("compare_runs: methods of two runs are compared on their common cases") {
  auto reports = mini_reports();
  runner::RunData second = mini_run();
  second.record.id = "ba9876543210";
  second.header["protocol"]["group_size"] = 2;
  for (const Case& one : second.cases) {
    put_cot(second.outputs["rome"][one.id], one, {reasoned("x", {})});
  }
  second.cases.pop_back();
  reports.push_back(report::make_report(std::move(second), {200, 0, 4}));
  const auto comparison = report::compare_runs(reports[0], reports[1], {200, 0, 4});
  REQUIRE(comparison.has_value());
  CHECK(comparison->cases == 3);
  CHECK(comparison->differences == std::vector<std::string>{"group_size"});
  const auto row = std::find_if(comparison->rows.begin(), comparison->rows.end(),
                                [](const report::PairedDifference& one) {
                                  return one.first == "rome" && one.metric == "cot_any";
                                });
  REQUIRE(row != comparison->rows.end());
  CHECK(row->value == Approx(1.0));
  CHECK(row->only_first == 3);
  CHECK(row->only_second == 0);
  CHECK(row->mcnemar == Approx(0.25));
  CHECK(contains(report::to_html(reports), "Runs compared"));
  CHECK(contains(report::to_markdown(reports), "Not the same protocol: group_size"));
  CHECK(to_json(reports)["comparisons"][0]["cases"] == 3);
  runner::RunData other = mini_run();
  other.header["dataset"]["content_sha256"] = "other data";
  CHECK_FALSE(report::compare_runs(reports[0], report::make_report(std::move(other), {200, 0, 4}))
                  .has_value());
}

TEST_CASE("mcnemar_p: the exact p value is given") {
  CHECK(metrics::mcnemar_p(0, 0) == 1.0);
  CHECK(metrics::mcnemar_p(1, 0) == 1.0);
  CHECK(metrics::mcnemar_p(5, 5) == 1.0);
  CHECK(metrics::mcnemar_p(8, 1) == Approx(2.0 * 10.0 / 512.0));
  CHECK(metrics::mcnemar_p(1, 8) == metrics::mcnemar_p(8, 1));
}

TEST_CASE("Report: R-Specificity and recall are shown if they were asked") {
  CHECK_FALSE(contains(report::to_html(mini_reports()), "R-Specificity"));
  runner::RunData data = mini_run();
  for (auto& [id, outputs] : data.outputs["rome"]) {
    NeighbourOutput one;
    one.subject = "Person " + std::to_string(id);
    one.relation = "P106";
    one.gold = {"baker", {}};
    one.cloze_before = one.question_before = one.cloze = one.question = said("baker");
    outputs.neighbours = {one};
  }
  for (const Case& one : data.cases) {
    CaseOutputs& outputs = data.outputs["unedited"][one.id];
    put(outputs, one, PromptKind::old_hop_question, OutputKind::recall,
        {said("Avia"), said("Dorel")});
    put(outputs, one, PromptKind::hop_question, OutputKind::recall,
        {said("x"), said(one.id == 1 ? "x" : "Corun")});
  }
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(std::move(data), {200, 0, 4}));
  CHECK(reports[0].rest_known == 3);
  CHECK(reports[0].pre_known == 4);
  const std::string page = report::to_html(reports);
  CHECK(contains(page, "R-Specificity"));
  CHECK(contains(page, "RS-keep"));
  CHECK(contains(page, "What the unedited model knew"));
  CHECK(contains(page, "rest not known"));
  const Json json = to_json(reports)["runs"][0];
  CHECK(json["specificity"][0]["pairs"] == 4);
  CHECK(json["recall"]["rest_known"] == 3);
}

TEST_CASE("HTML report: a browser renders it at desktop and phone width without overflow",
          "[browser]") {
  const auto browser = find_browser();
  if (!browser) {
    test::skip_test("no browser: set KEDIT_CHROMIUM");
    return;
  }
  const TemporaryDirectory folder;
  std::ofstream(folder / "report.html") << report::to_html(mini_reports());
  const std::uint32_t width = GENERATE(1280U, 500U);
  const std::filesystem::path image = folder / "page.png";
  REQUIRE(run_browser(*browser, folder / "report.html", width, "--screenshot=" + image.string(),
                      folder / "out"));
  REQUIRE(std::filesystem::exists(image));
  const std::string bytes = read_bytes(image);
  REQUIRE(bytes.size() > 24);
  CHECK(bytes.substr(1, 3) == "PNG");
  CHECK(big_endian(bytes, 16) == width);
  // An empty page of this size is a few kilobytes; a drawn one is not.
  CHECK(bytes.size() > 30000);

  // Nothing sticks out sideways, not even settings of thousands of letters without a blank.
  std::vector<report::BenchReport> reports = mini_reports();
  reports.front().systems.front().settings = "{" + std::string(4000, 'x') + "}";
  std::ofstream(folder / "wide.html") << measuring(report::to_html(reports));
  REQUIRE(run_browser(*browser, folder / "wide.html", width, "--dump-dom", folder / "dom.html"));
  CHECK(contains(read_bytes(folder / "dom.html"), "wide:0."));
}

TEST_CASE("make_report: a run without cases is refused") {
  runner::RunData data = mini_run();
  data.cases.clear();
  CHECK_THROWS_AS(report::make_report(std::move(data)), EvalError);
  CHECK_THROWS_AS(report::to_html({}), EvalError);
}

TEST_CASE("Report numbers: percentages and thousands separators are formatted") {
  CHECK(report::percent(0.4167) == "41.7");
  CHECK(report::percent(-0.0001) == "0.0");
  CHECK(report::percent(-0.25) == "-25.0");
  CHECK(report::with_thousands(1018496) == "1,018,496");
  CHECK(report::with_thousands(-1234) == "-1,234");
  CHECK(report::with_thousands(12) == "12");
}

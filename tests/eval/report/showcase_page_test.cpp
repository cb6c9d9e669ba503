#include "eval/report/showcase_page.hpp"

#include "tests/eval/report/browser.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <fstream>

using namespace kedit;
using namespace kedit::testing;
using showcase::Group;

namespace {

const std::string kHostile = "<script>alert('x')</script>" + std::string(300, 'w');

showcase::PromptResult result(Group group, bool good) {
  showcase::PromptResult one;
  one.prompt = {group, Ask::cloze, "The tower is in " + kHostile, "Paris", "Rome"};
  one.answers = {{"Paris", "Paris", 0.7, 0.1, false}, {kHostile, "Rome", 0.0, 0.9, good}};
  one.candidates = {{"Rome", {0.1, 0.9}}, {kHostile, {0.7, 0.0}}};
  return one;
}

report::ShowcasePage page() {
  report::ShowcasePage page;
  page.model = "model " + kHostile;
  page.lead = "Lead " + kHostile;
  page.was_done = {{"Model", kHostile, "fingerprint"}};
  page.systems = {"before", "ROME"};
  showcase::EditedFact fact;
  fact.fact.request.subject = "tower";
  fact.fact.request.prompt = "The {} is in";
  fact.fact.request.target_true = "Paris";
  fact.fact.request.target_new = "Rome";
  fact.edits = {{"rome", "1a2b", 1.5, Json::object(), 20, 0.99, ""}};
  fact.results = {result(Group::edited, true), result(Group::paraphrase, true),
                  result(Group::consequence, false), result(Group::neighbour, false)};
  page.facts = {fact};
  return page;
}

}  // namespace

TEST_CASE("Showcase page: prompts, answers and bars are there, and nothing in them is markup") {
  const std::string html = report::showcase_html(page());
  CHECK(html.find("<!doctype html>") == 0);
  CHECK_FALSE(contains(html, "<script"));
  CHECK_FALSE(contains(html, "http://"));
  CHECK(contains(html, "The tower is in <del>Paris</del> <ins>Rome</ins>"));
  CHECK(contains(html, "<b>1</b> of 1"));
  CHECK(contains(html, "<b>0</b> of 1"));
  CHECK(contains(html, ">90.0</text>"));
  CHECK(contains(html, ">moved</span>"));
  CHECK(contains(html, ">old ahead</span>"));
  CHECK(contains(html, "ROME 90.0 %"));  // what a screen reader says
}

TEST_CASE("Showcase page: a browser renders it at desktop and phone width without overflow",
          "[browser]") {
  const auto browser = find_browser();
  if (!browser) {
    test::skip_test("no browser: set KEDIT_CHROMIUM");
    return;
  }
  const TemporaryDirectory folder;
  std::ofstream(folder / "page.html") << measuring(report::showcase_html(page()));
  const std::uint32_t width = GENERATE(1280U, 500U);
  REQUIRE(run_browser(*browser, folder / "page.html", width, "--dump-dom", folder / "dom.html"));
  CHECK(contains(read_bytes(folder / "dom.html"), "wide:0."));
}

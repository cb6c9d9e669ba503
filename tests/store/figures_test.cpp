#include "edits/delta.hpp"
#include "store/figures_json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

#include <cmath>

using namespace kedit;

namespace {

// Two requests, two layers: what an editor that solves batches tells.
EditFigures rich_figures() {
  OptimisationFigures first;
  first.request = 0;
  first.layer = 3;
  first.loss = {2.5, 1.25};
  first.terms = {{"nll", {2.0, 1.0}}, {"kl", {0.5, 0.25}}};
  first.target_logprob = {-2.0, -1.0};
  first.learning_rate = 0.5;
  first.initial_norm = 4;
  first.delta_norm = 1.5;
  first.clamp_active = false;
  OptimisationFigures second;  // of all weights at once, in the editor's own terms
  second.request = 1;
  second.loss = {3};
  second.target_logprob = {-3};
  second.numbers = {{"epochs", 2}};
  EditFigures figures;
  figures.optimisation = {first, second};
  figures.norms = {1.5, 0.25, 8.0};
  figures.health = HealthReport{{{"a", true, 0.25, 8, 1.125}, {"b", true, 0.5, 0, std::nullopt}},
                                0.0625,
                                "the change of b is too large"};
  figures.seconds = {{"key", 0.5}, {"solve", 0.25}};
  figures.numbers = {{"nullspace_rank", 12.0}};
  return figures;
}

EditFigures read(const std::string& text) {
  const Json json = parse_json(text, "figures");
  return figures_from_json(JsonView(json, "figures"));
}

}  // namespace

TEST_CASE("figures are written in one form and read as they were") {
  const EditFigures figures = rich_figures();
  const Json json = figures_to_json(figures);
  CHECK(to_text(json) ==
        R"({"health":{"fault":"the change of b is too large","healthy":false,"probe_drift":0.0625,)"
        R"("updates":[{"ratio":0.03125,"rho":1.125,"update_frobenius":0.25,"weight":"a",)"
        R"("weight_frobenius":8.0},{"ratio":0.5,"update_frobenius":0.5,"weight":"b",)"
        R"("weight_frobenius":0.0}]},"norms":{"delta":1.5,"update_frobenius":0.25,)"
        R"("weight_frobenius":8.0},"nullspace_rank":12.0,"optimisation":[{"clamp_active":false,)"
        R"("delta_norm":1.5,"initial_norm":4.0,"kl":[0.5,0.25],"layer":3,"learning_rate":0.5,)"
        R"("loss":[2.5,1.25],"nll":[2.0,1.0],"request":0,"steps":2,"target_logprob":[-2.0,-1.0]},)"
        R"({"epochs":2.0,"loss":[3.0],"request":1,"steps":1,"target_logprob":[-3.0]}],)"
        R"("seconds":{"key":0.5,"solve":0.25}})");
  CHECK((figures_from_json(JsonView(json, "figures")) == figures));
}

TEST_CASE("figures that an editor does not have leave nothing") {
  CHECK(to_text(figures_to_json({})) == "{}");
  CHECK((read("{}") == EditFigures{}));
}

TEST_CASE("numbers that are not finite become null and come back as NaN") {
  EditFigures figures;
  figures.health = HealthReport{{{"w", false, INFINITY, 2, std::nullopt}}, {}, "not finite"};
  figures.seconds = {{"solve", std::nan("")}};
  const EditFigures found = read(to_text(figures_to_json(figures)));
  REQUIRE(found.health->updates.size() == 1);
  CHECK(std::isnan(found.health->updates[0].update_norm));
  CHECK_FALSE(found.health->updates[0].finite);
  CHECK(std::isnan(found.seconds.at("solve")));
}

TEST_CASE("an editor's own number may not take the name of another part") {
  EditFigures figures;
  figures.seconds = {{"solve", 1}};
  figures.numbers = {{"seconds", 1}};
  CHECK(contains(message_of([&] { figures_to_json(figures); }), "\"seconds\""));
  figures = {};
  figures.optimisation.emplace_back();
  figures.optimisation[0].terms = {{"loss", {1}}};
  CHECK_THROWS_AS(figures_to_json(figures), DeltaError);
}

TEST_CASE("a newer program's figures are passed over, damaged ones are told by their place") {
  const EditFigures found = read(
      R"({"picture":"x","optimisation":[{"loss":[1],"target_logprob":[0],"of":{"a":1},"q":[2]}]})");
  REQUIRE(found.optimisation.size() == 1);
  CHECK(found.optimisation[0].terms.at("q") == std::vector<double>{2});
  CHECK(found.optimisation[0].terms.size() == 1);
  for (const auto& [text, place] : std::vector<std::pair<std::string, std::string>>{
           {"[]", "/: expected an object"},
           {R"({"optimisation":{}})", "/optimisation: expected an array"},
           {R"({"optimisation":[{"loss":["x"],"target_logprob":[]}]})", "/optimisation/0/loss/0"},
           {R"({"optimisation":[{"loss":[]}]})", "/optimisation/0/target_logprob"},
           {R"({"health":{"updates":[{"weight":3}]}})", "/health/updates/0/weight"},
           {R"({"norms":{"delta":"x"}})", "/norms/delta"},
           {R"({"seconds":{"key":"x"}})", "/seconds/key"}}) {
    INFO(text);
    CHECK(contains(message_of([&, t = text] { read(t); }), place));
  }
}

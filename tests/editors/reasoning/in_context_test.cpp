#include "editors/reasoning/in_context.hpp"

#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::test;

TEST_CASE("In-context editor: an edit is a fact and changes no weight") {
  EditedModel model(tiny_model("llama"));
  const auto editor = make_editor("in-context");
  EditRequest second = capital_request();
  second.id = "test/2";
  second.subject = "Belgara";
  const auto deltas = editor->edit(model, {capital_request(), second}, {});
  REQUIRE(deltas.size() == 2);
  CHECK_NOTHROW(validate_delta(deltas[0]));
  CHECK_FALSE(deltas[0].changes_weights());
  const Fact expected{"Avaria", "P36", "Bor", "The capital of Avaria is Bor"};
  REQUIRE(deltas[0].facts.size() == 1);
  CHECK((deltas[0].facts[0] == expected));
  CHECK((deltas[0].requests == std::vector<EditRequest>{capital_request()}));
  CHECK(deltas[0].settings == Json::object());
  CHECK((deltas[0].figures == EditFigures{}));

  const std::string before = model.fingerprint();
  model.mount("a", deltas[0]);
  model.mount("b", deltas[1]);
  CHECK(model.fingerprint() == before);
  CHECK(model.facts().size() == 2);
  CHECK(model.facts()[1].subject == "Belgara");
}

TEST_CASE("In-context editor: invalid requests are refused and settings are checked") {
  const EditedModel model(tiny_model("llama"));
  EditRequest request = capital_request();
  request.target_new = "";
  CHECK_THROWS_AS(make_editor("in-context")->edit(model, {request}, {}), RequestError);
  EditorSettings settings;
  settings.values = {{"v_lr", 0.5}};
  std::string warning;
  RunContext run;
  run.warn = [&](const std::string& text) { warning = text; };
  make_editor("in-context", settings)->edit(model, {capital_request()}, run);
  CHECK(contains(warning, "v_lr"));
  settings.values = {{"colour", 1}};
  CHECK_THROWS_AS(make_editor("in-context", settings), SettingsError);
}

TEST_CASE("reasoning::fact_of: blanks around the target are no part of the fact") {
  EditRequest request = capital_request();
  const Fact plain = reasoning::fact_of(request);
  CHECK(plain.object == request.target_new);
  CHECK(plain.sentence == edit_sentence(request));
  request.target_new = "  " + request.target_new + " ";
  CHECK(reasoning::fact_of(request) == plain);
}

// ROME against its authors' own program. The checkpoints that it was run on have a vocabulary too
// large for this repository; golden_rome_test.cpp does without them.
#include "tests/editors/locate/rome_figures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

using namespace kedit;
using namespace kedit::test;

namespace {

constexpr RomeTolerance kTolerance{2e-3, 2e-3, 2e-4};

}  // namespace

TEST_CASE("ROME: updates equal the reference implementation's step by step") {
  const auto deltas = real_data("deltas");
  if (!deltas) return;
  const auto [model_name, variant] = GENERATE(table<std::string, std::string>(
      {{"gpt2-tiny", "rome.long"}, {"llama-tiny", "rome"}, {"llama-tiny", "rome.long"}}));
  INFO(model_name << " " << variant);
  const Json golden =
      read_json(rome_golden_directory() / "authors" / (model_name + "." + variant + ".json"));
  const EditedModel model(Model::load(*deltas / model_name));
  const auto requests = requests_by_case(*deltas / "requests.jsonl");
  EditorSettings settings =
      EditorSettings::read(*deltas / "settings" / model_name / (variant + ".json"));
  settings.force = true;  // case 4 of llama-tiny is one of ROME's known disabling edits
  const auto rome = make_editor("rome", settings);

  for (const Json& expected : golden.at("cases")) {
    const auto id = expected.at("case_id").get<std::int64_t>();
    INFO("case " << id);
    const EditDelta delta = rome->edit(model, {requests.at(id)}, {}).front();
    check_steps(delta.figures.optimisation, expected.at("steps"), kTolerance);
    for (const WeightUpdate& update : delta.updates) {
      const auto [u, v] = u_and_v(model, update);
      check_vector("u of " + update.weight, u, expected.at("u").at(update.weight), kTolerance);
      check_vector("v of " + update.weight, v, expected.at("v").at(update.weight), kTolerance);
    }
  }
}

TEST_CASE("ROME health check: the reference's disabling edit is refused and the other edits pass") {
  const auto deltas = real_data("deltas");
  if (!deltas) return;
  const EditedModel model(Model::load(*deltas / "llama-tiny"));
  const auto rome =
      make_editor("rome", EditorSettings::read(*deltas / "settings/llama-tiny/rome.json"));
  for (const auto& [id, request] : requests_by_case(*deltas / "requests.jsonl")) {
    INFO("case " << id);
    if (id == 4)
      CHECK_THROWS_AS(rome->edit(model, {request}, {}), UnhealthyEdit);
    else
      CHECK_NOTHROW(rome->edit(model, {request}, {}));
  }
}

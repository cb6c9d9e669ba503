#include "datasets/requests.hpp"
#include "editors/editor.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <optional>

using namespace kedit;
using namespace kedit::test;

namespace {

/// The checkpoints that the reference program was run on (their vocabulary makes them too large for
/// this repository); their figures lie in tests/golden/rome.
std::optional<std::filesystem::path> reference_deltas() {
  const char* chosen = std::getenv("KEDIT_DATA_DIR");
  const std::filesystem::path data =
      chosen != nullptr ? std::filesystem::path(chosen)
                        : std::filesystem::path(KEDIT_SOURCE_DIR) / "../shared/data";
  if (std::filesystem::exists(data / "deltas")) return data / "deltas";
  WARN(
      "skipped: there is no folder deltas; set KEDIT_DATA_DIR to compare with the reference "
      "program");
  return std::nullopt;
}

std::map<std::int64_t, EditRequest> requests_by_case(const std::filesystem::path& deltas) {
  std::map<std::int64_t, EditRequest> requests;
  const std::vector<EditRequest> all = read_requests(deltas / "requests.jsonl");
  for (std::size_t i = 0; i < all.size(); ++i) requests[static_cast<std::int64_t>(i) + 1] = all[i];
  return requests;
}

at::Tensor vector_of(const Json& values) {
  return at::tensor(values.get<std::vector<double>>(), at::kDouble);
}

/// u and v of an update, whichever way the weight is stored.
std::pair<at::Tensor, at::Tensor> u_and_v(const EditedModel& model, const WeightUpdate& update) {
  const auto& factors = std::get<LowRank>(update.update);
  const bool in_out = model.architecture().orientation == Orientation::in_out;
  return {in_out ? factors.left : factors.right, in_out ? factors.right : factors.left};
}

void check_steps(const Json& expected, const std::vector<OptimisationFigures>& optimisation) {
  std::size_t step = 0;
  for (const OptimisationFigures& layer : optimisation) {
    for (std::size_t i = 0; i < layer.loss.size(); ++i, ++step) {
      REQUIRE(step < expected.size());
      INFO("step " << step);
      const double found[] = {layer.loss[i], layer.terms.at("nll")[i], layer.terms.at("kl")[i],
                              layer.terms.at("decay")[i]};
      for (std::size_t term = 0; term < 4; ++term) {
        CHECK(found[term] == Approx(expected[step][term].get<double>()).epsilon(2e-3).margin(2e-4));
      }
    }
  }
  CHECK(step == expected.size());
}

}  // namespace

TEST_CASE("rome finds the updates of the reference program, step by step") {
  const auto deltas = reference_deltas();
  if (!deltas) return;
  const auto [model_name, variant] = GENERATE(table<std::string, std::string>(
      {{"gpt2-tiny", "rome.long"}, {"llama-tiny", "rome"}, {"llama-tiny", "rome.long"}}));
  INFO(model_name << " " << variant);
  const Json golden = read_json(std::filesystem::path(KEDIT_SOURCE_DIR) / "tests/golden/rome" /
                                (model_name + "." + variant + ".json"));
  const EditedModel model(Model::load(*deltas / model_name));
  const auto requests = requests_by_case(*deltas);
  EditorSettings settings =
      EditorSettings::read(*deltas / "settings" / model_name / (variant + ".json"));
  settings.force = true;  // case 4 of llama-tiny is one of ROME's known disabling edits
  const auto rome = make_editor("rome", settings);

  for (const Json& expected : golden.at("cases")) {
    const auto id = expected.at("case_id").get<std::int64_t>();
    INFO("case " << id);
    const EditDelta delta = rome->edit(model, {requests.at(id)}, {}).front();
    check_steps(expected.at("steps"), delta.figures.optimisation);
    for (const WeightUpdate& update : delta.updates) {
      const auto [u, v] = u_and_v(model, update);
      const double u_error = relative_error(u, vector_of(expected.at("u").at(update.weight)));
      const double v_error = relative_error(v, vector_of(expected.at("v").at(update.weight)));
      INFO(update.weight << ": u " << u_error << ", v " << v_error);
      CHECK(u_error < 2e-3);
      CHECK(v_error < 2e-3);
    }
  }
}

TEST_CASE(
    "the health check stops the reference program's disabling edit and lets the others pass") {
  const auto deltas = reference_deltas();
  if (!deltas) return;
  const EditedModel model(Model::load(*deltas / "llama-tiny"));
  const auto rome =
      make_editor("rome", EditorSettings::read(*deltas / "settings/llama-tiny/rome.json"));
  for (const auto& [id, request] : requests_by_case(*deltas)) {
    INFO("case " << id);
    if (id == 4)
      CHECK_THROWS_AS(rome->edit(model, {request}, {}), UnhealthyEdit);
    else
      CHECK_NOTHROW(rome->edit(model, {request}, {}));
  }
}

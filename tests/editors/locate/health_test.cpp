#include "editors/locate/health.hpp"

#include "editors/editor.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

const std::string kWeight = "model.layers.1.mlp.down_proj.weight";

WeightUpdate low_rank(double scale) {
  std::mt19937_64 random(3);
  at::Tensor left = at::empty({24, 2}, at::kFloat);
  at::Tensor right = at::empty({2, 40}, at::kFloat);
  fill_normal(left, 0, scale, random);
  fill_normal(right, 0, 1, random);
  return {kWeight, LowRank{left, right}};
}

EditedModel with_update(const EditedModel& model, const WeightUpdate& update) {
  EditedModel edited = model;
  EditDelta delta;
  delta.base_fingerprint = model.base().fingerprint();
  delta.updates = {update};
  edited.mount("update", delta);
  return edited;
}

}  // namespace

TEST_CASE("measure_update: the norm of a low-rank update is that of its product") {
  const EditedModel model(tiny_model("llama"));
  const WeightUpdate update = low_rank(0.5);
  const auto& factors = std::get<LowRank>(update.update);
  const UpdateHealth health = measure_update(model, update, 1.5);
  CHECK(health.update_norm ==
        Approx(factors.left.matmul(factors.right).norm().item<double>()).epsilon(1e-5));
  CHECK(health.weight_norm == Approx(model.weight(kWeight).norm().item<double>()).epsilon(1e-5));
  CHECK(health.rho == 1.5);
  const WeightUpdate dense{kWeight, Dense{factors.left.matmul(factors.right)}};
  CHECK(measure_update(model, dense).update_norm == Approx(health.update_norm).epsilon(1e-5));
}

TEST_CASE("check_health: non-finite and too large updates fail") {
  const EditedModel model(tiny_model("llama"));
  const HealthLimits limits;
  CHECK(check_health({measure_update(model, low_rank(0.01))}, model, model, limits).healthy());
  CHECK_FALSE(check_health({measure_update(model, low_rank(100))}, model, model, limits).healthy());
  const WeightUpdate broken{kWeight, Dense{at::full({24, 40}, NAN)}};
  const HealthReport report = check_health({measure_update(model, broken)}, model, model, limits);
  CHECK(contains(report.fault, "not finite"));
  CHECK_FALSE(report.healthy());
}

TEST_CASE("check_health: drift on probe prompts is measured and limited") {
  const EditedModel model(tiny_model("llama"));
  HealthLimits limits;
  limits.probe_prompts = {"The sky is", "Two and two make"};
  const auto drift = [&](double scale) {
    const WeightUpdate update = low_rank(scale);
    return check_health({measure_update(model, update)}, model, with_update(model, update), limits);
  };
  CHECK(*check_health({}, model, model, limits).probe_drift == Approx(0.0).margin(1e-9));
  const double little = *drift(0.01).probe_drift;
  CHECK(little > 0);
  limits.max_probe_drift = little / 2;
  CHECK(contains(drift(0.01).fault, "probe prompts drift"));
}

TEST_CASE("enforce_health: a fault throws with the request's id or warns when forced") {
  HealthReport report;
  CHECK_NOTHROW(enforce_health(report, "r/1", false, {}));
  report.fault = "too large";
  CHECK(contains(message_of([&] { enforce_health(report, "r/1", false, {}); }), "r/1: too large"));
  std::string warning;
  RunContext run;
  run.warn = [&](const std::string& text) { warning = text; };
  CHECK_NOTHROW(enforce_health(report, "r/1", true, run));
  CHECK(contains(warning, "too large"));
}

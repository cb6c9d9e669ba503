#include "editors/locate/value_optimiser.hpp"

#include "editors/editor.hpp"
#include "editors/locate/injected_pass.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/editors/locate/plain_value_optimiser.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

ValueResult fast(const EditedModel& model, std::int64_t layer, const EditRequest& request,
                 const ValueOptions& options) {
  const ValueProblem problem = make_value_problem(model, {layer, Site::mlp_value}, request,
                                                  kTemplates, FactToken::subject_last);
  return optimise_value(model, problem, options, {});
}

}  // namespace

TEST_CASE(
    "Value optimiser: running the lower layers once gives the delta of the full forward pass") {
  const std::string family = GENERATE("llama", "gpt2", "olmo2");
  const std::int64_t layer = GENERATE(0, 1, 2);
  const EditedModel model(tiny_model(family));
  ValueOptions options;
  options.num_grad_steps = 12;
  options.learning_rate = 0.1;

  PlainOptimiser plain{model, layer, options, Site::mlp_value, {}, {}, {}};
  plain.tokenize(capital_request(), kTemplates);
  const ValueResult expected = plain.run();
  const ValueResult found = fast(model, layer, capital_request(), options);

  // Layers below the injected one run without gradients, by other kernels than the plain pass.
  CHECK(relative_error(found.initial, expected.initial) < 3e-6);
  CHECK(relative_error(found.delta, expected.delta) < 1e-5);
  REQUIRE(found.steps.size() == expected.steps.size());
  for (std::size_t i = 0; i < found.steps.size(); ++i) {
    CHECK(found.steps[i].loss == Approx(expected.steps[i].loss).epsilon(1e-5));
    CHECK(found.steps[i].nll == Approx(expected.steps[i].nll).epsilon(1e-5));
    CHECK(found.steps[i].kl == Approx(expected.steps[i].kl).epsilon(1e-3).margin(1e-6));
    CHECK(found.steps[i].decay == Approx(expected.steps[i].decay).epsilon(1e-5));
  }
}

TEST_CASE("Value optimiser: the first loss is the target's mean negative log-likelihood") {
  const EditedModel model(tiny_model("llama"));
  const ValueResult found = fast(model, 1, capital_request(), {});
  CHECK(found.steps.front().loss == found.steps.front().nll);
  CHECK(found.steps.front().kl == 0.0);
  for (const ValueStep& step : found.steps) CHECK(step.kl >= -1e-6);
}

TEST_CASE("Value optimiser: norm clamp and number of steps are respected") {
  const EditedModel model(tiny_model("llama"));
  ValueOptions options;
  options.num_grad_steps = 7;
  options.clamp_norm_factor = 0.5;
  const ValueResult found = fast(model, 1, capital_request(), options);
  CHECK(found.steps.size() <= 7);
  CHECK(found.clamp_active);
  const double limit = 0.5 * found.initial.norm().item<double>();
  CHECK(found.delta.norm().item<double>() <= limit * (1 + 1e-6));
}

TEST_CASE("Value optimiser: a loss below stop_loss ends before the next update") {
  const EditedModel model(tiny_model("llama"));
  ValueOptions options;
  options.stop_loss = 1e6;
  const ValueResult found = fast(model, 1, capital_request(), options);
  CHECK(found.steps.size() == 1);
  CHECK(found.delta.norm().item<double>() == 0.0);
}

TEST_CASE("Value optimiser: best_iterate returns the step of lowest loss") {
  const EditedModel model(tiny_model("llama"));
  ValueOptions options;
  options.num_grad_steps = 10;
  options.clamp_norm_factor = 1000;
  int overshooting = 0;
  for (const double rate : {3.0, 10.0, 30.0, 100.0}) {
    options.learning_rate = rate;
    options.best_iterate = false;
    const ValueResult last = fast(model, 1, capital_request(), options);
    double lowest = last.steps.front().loss;
    for (const ValueStep& step : last.steps) lowest = std::min(lowest, step.loss);
    options.best_iterate = true;
    const ValueResult best = fast(model, 1, capital_request(), options);
    const bool last_is_best = last.steps.back().loss == lowest;
    CHECK(at::equal(best.delta, last.delta) == last_is_best);
    overshooting += last_is_best ? 0 : 1;
  }
  CHECK(overshooting > 0);
}

TEST_CASE(
    "Value optimiser: v_lr_scaled scales the learning rate with the norm of the layer output") {
  const EditedModel model(tiny_model("llama"));
  ValueOptions options;
  options.num_grad_steps = 2;
  options.scale_learning_rate = true;
  const ValueResult found = fast(model, 1, capital_request(), options);
  CHECK(found.learning_rate ==
        Approx(0.5 * found.initial.norm().item<double>() / std::sqrt(24.0)).epsilon(1e-6));
}

TEST_CASE("Value optimiser: a last-layer edit before the end of the prompt is refused") {
  const EditedModel model(tiny_model("llama"));
  CHECK(contains(message_of([&] { fast(model, 3, capital_request(), {}); }),
                 "no change there can reach the answer"));
  EditRequest subject_last = capital_request();
  subject_last.prompt = "They moved to {}";
  CHECK_NOTHROW(fast(model, 3, subject_last, {}));
}

TEST_CASE("Value optimiser: repeated runs give identical deltas") {
  const EditedModel model(tiny_model("gpt2"));
  CHECK(at::equal(fast(model, 1, capital_request(), {}).delta,
                  fast(model, 1, capital_request(), {}).delta));
}

TEST_CASE("Value optimiser: a non-finite loss is refused with its step") {
  EditedModel model(tiny_model("llama"));
  EditDelta overflow;
  overflow.base_fingerprint = model.base().fingerprint();
  overflow.updates.push_back(
      {"model.layers.2.mlp.down_proj.weight", Dense{at::full({24, 40}, 3e38F)}});
  model.mount("overflow", overflow);
  CHECK_THROWS_AS(fast(model, 1, capital_request(), {}), UnhealthyEdit);
  CHECK(contains(message_of([&] { fast(model, 1, capital_request(), {}); }), "at step 0"));
}

TEST_CASE("Value optimiser: a stop request interrupts") {
  const EditedModel model(tiny_model("llama"));
  const ValueProblem problem = make_value_problem(model, {1, Site::mlp_value}, capital_request(),
                                                  kTemplates, FactToken::subject_last);
  RunContext run;
  run.stop_requested = [] { return true; };
  CHECK_THROWS_AS(optimise_value(model, problem, {}, run), Interrupted);
}

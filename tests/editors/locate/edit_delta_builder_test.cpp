#include "editors/locate/edit_delta_builder.hpp"

#include "editors/editor.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

at::Tensor random_rows(std::int64_t rows, std::int64_t width, int seed) {
  std::mt19937_64 random(static_cast<std::uint64_t>(seed));
  at::Tensor values = at::empty({rows, width}, at::kFloat);
  fill_normal(values, 0, 0.1, random);
  return values;
}

EditRequest second_request() {
  EditRequest request = capital_request();
  request.id = "test/2";
  return request;
}

ValueResult some_value(double norm) {
  ValueResult value;
  value.initial = at::ones({4});
  value.delta = at::tensor({norm, 0.0, 0.0, 0.0}, at::kFloat);
  value.steps = {{3, 2, 0.75, 0.25, -2}, {1.5, 1, 0.25, 0.25, -1}};
  value.learning_rate = 0.5;
  value.clamp_active = true;
  return value;
}

}  // namespace

TEST_CASE("an update lets the weight answer each direction with its output, however it is stored") {
  const EditedModel model(tiny_model(GENERATE("llama", "gpt2")));
  const std::int64_t rows = GENERATE(1, 3);
  const at::Tensor u = random_rows(rows, 40, 1);
  const at::Tensor r = random_rows(rows, 24, 2);
  const WeightUpdate update = rows == 1 ? mlp_update(model.architecture(), 2, u[0], r[0])
                                        : mlp_update(model.architecture(), 2, u, r);
  const auto& factors = std::get<LowRank>(update.update);
  const at::Tensor weight = model.weight(update.weight);
  REQUIRE(update.rows() == weight.size(0));
  REQUIRE(update.cols() == weight.size(1));
  CHECK(update.rank() == rows);
  const at::Tensor key = random_rows(1, 40, 3)[0];
  const at::Tensor change = factors.left.matmul(factors.right);
  const bool in_out = model.architecture().orientation == Orientation::in_out;
  const at::Tensor found = in_out ? key.matmul(change) : change.matmul(key);
  CHECK(relative_error(found, r.t().matmul(u.matmul(key))) < 1e-5);
}

TEST_CASE("a delta of several requests and layers tells whose each figure is") {
  const EditedModel model(tiny_model("llama"));
  EditDeltaBuilder edit("batch", model, {capital_request(), second_request()},
                        {{"seed", 3}, {"layers", {1, 2}}});
  edit.add_seconds("key", 0.25);
  edit.add_optimisation(2, some_value(3), 0);
  edit.add_optimisation(2, some_value(5), 1);
  for (const std::int64_t layer : {1, 2}) {
    const std::string before = edit.model().fingerprint();
    edit.add_update(mlp_update(model.architecture(), layer, random_rows(2, 40, 1),
                               random_rows(2, 24, static_cast<int>(layer))));
    CHECK(edit.model().fingerprint() != before);
  }
  edit.add_seconds("key", 0.5);
  const EditDelta delta = edit.finish({}, false, {});
  CHECK_NOTHROW(validate_delta(delta));
  CHECK(delta.editor == "batch");
  CHECK(to_text(delta.settings) == R"({"layers":[1,2],"seed":3})");
  CHECK(delta.base_fingerprint == model.base().fingerprint());
  CHECK((delta.requests == std::vector<EditRequest>{capital_request(), second_request()}));
  REQUIRE(delta.updates.size() == 2);

  const EditFigures& figures = delta.figures;
  CHECK(figures.seconds == std::map<std::string, double>{{"key", 0.75}});
  REQUIRE(figures.optimisation.size() == 2);
  const OptimisationFigures& last = figures.optimisation[1];
  CHECK(last.request == 1);
  CHECK(last.layer == 2);
  CHECK(last.loss == std::vector<double>{3, 1.5});
  CHECK(last.terms.at("kl") == std::vector<double>{0.75, 0.25});
  CHECK(last.target_logprob == std::vector<double>{-2, -1});
  CHECK(last.delta_norm == 5.0);
  CHECK(last.initial_norm == 2.0);
  CHECK(last.clamp_active == true);
  REQUIRE(figures.health);
  REQUIRE(figures.health->updates.size() == 2);
  CHECK(figures.health->updates[0].weight == delta.updates[0].weight);
  CHECK(figures.norms.delta == 5.0);
  CHECK(figures.norms.update_frobenius == figures.health->updates[1].update_norm);
  CHECK(figures.norms.weight_frobenius == figures.health->updates[1].weight_norm);

  EditedModel again = model;
  again.mount("edit", delta);
  CHECK(again.fingerprint() == edit.model().fingerprint());
}

TEST_CASE("a delta that is not finite is not mounted, and refused with its requests") {
  const EditedModel model(tiny_model("llama"));
  EditDeltaBuilder edit("batch", model, {capital_request(), second_request()}, Json::object());
  edit.add_update(
      mlp_update(model.architecture(), 1, at::full({40}, NAN), random_rows(1, 24, 1)[0]));
  CHECK(edit.model().mounted().empty());
  const std::string message = message_of([&] { edit.finish({}, false, {}); });
  CHECK(contains(message, "test/1 (and 1 more)"));
  CHECK(contains(message, "not finite"));
}

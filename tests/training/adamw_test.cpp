#include "training/adamw.hpp"

#include "json/json.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

namespace {

using kedit::Json;

at::Tensor tensor_of(const Json& values) {
  return at::tensor(values.get<std::vector<double>>(), at::kFloat);
}

}  // namespace

TEST_CASE("AdamW: steps with gradient clipping equal the reference optimizer", "[adamw]") {
  const Json golden = kedit::read_json(KEDIT_SOURCE_DIR "/tests/golden/training/adamw.json");
  const at::Tensor values = tensor_of(golden["start"]);
  kedit::AdamW optimizer(values, golden["decayed"].get<std::int64_t>(), {0.9, 0.98, 1e-8, 0.3});
  for (const Json& step : golden["steps"]) {
    at::Tensor gradients = tensor_of(step["gradients"]);
    const double norm = kedit::clip_gradient_norm(gradients, 1.0);
    CHECK(norm == Approx(step["norm"].get<double>()).epsilon(1e-6));
    CHECK(gradients.norm().item<double>() == Approx(1.0).epsilon(1e-5));
    optimizer.step(gradients, step["rate"].get<double>());
    CHECK(at::allclose(values, tensor_of(step["values"]), 1e-6, 1e-7));
  }
}

TEST_CASE("clip_gradient_norm: a gradient within the limit is unchanged", "[adamw]") {
  const at::Tensor gradients = at::full({4}, 0.25F);
  const at::Tensor before = gradients.clone();
  CHECK(kedit::clip_gradient_norm(gradients, 1.0) == Approx(0.5));
  CHECK(gradients.equal(before));
}

TEST_CASE("AdamW: with zero gradient only the parameters with weight decay shrink", "[adamw]") {
  const at::Tensor values = at::ones({8}, at::kFloat);
  kedit::AdamW optimizer(values, 4, {0.9, 0.98, 1e-8, 0.5});
  optimizer.step(at::zeros({8}, at::kFloat), 0.1);
  CHECK(values.narrow(0, 0, 4).equal(at::full({4}, 0.95F)));
  CHECK(values.narrow(0, 4, 4).equal(at::ones({4}, at::kFloat)));
}

#include "model/rebuild.hpp"

#include "model/device.hpp"
#include "model/edited_model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skip.hpp"

#include <ATen/ATen.h>

#include <vector>

using namespace kedit;
using namespace kedit::testing;

namespace {

std::vector<WeightUpdate> some_updates(std::int64_t rows, std::int64_t cols) {
  std::vector<WeightUpdate> updates;
  for (const std::int64_t rank : {1, 2, 0, 1, 20}) {  // 0: dense
    if (rank == 0) {
      updates.push_back({"w", Dense{at::randn({rows, cols}) * 0.1}});
    } else {
      updates.push_back({"w", LowRank{at::randn({rows, rank}) * 0.1, at::randn({rank, cols})}});
    }
  }
  return updates;
}

WeightBuilder::Updates first(const std::vector<WeightUpdate>& updates, std::size_t count) {
  WeightBuilder::Updates chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(&updates[i]);
  return chosen;
}

bool no_device() {
  if (cuda_device_count() > 0) return false;
  kedit::test::skip_test("no CUDA device");
  return true;
}

EditDelta delta_of(const Model& model) {
  const std::string down = weight_name(model.architecture().names.down, 0);
  const at::Tensor weight = model.weight(down);
  EditDelta delta;
  delta.editor = "test";
  delta.base_fingerprint = model.fingerprint();
  for (const std::int64_t rank : {1, 18}) {
    delta.updates.push_back({down, LowRank{at::randn({weight.size(0), rank}) * 0.1,
                                           at::randn({rank, weight.size(1)})}});
  }
  return delta;
}

}  // namespace

TEST_CASE("Weights by LibTorch's operations: the CPU kernel's to rounding, however terms came") {
  at::manual_seed(3);
  const auto dtype = GENERATE(at::kFloat, at::kBFloat16, at::kHalf);
  const at::Tensor base = at::randn({12, 20}).to(dtype);
  const auto updates = some_updates(12, 20);
  WeightBuilder kernel, at_once, one_by_one;
  for (std::size_t count = 1; count <= updates.size(); ++count) {
    const at::Tensor grown = one_by_one.build_with_engine("w", base, first(updates, count));
    CHECK(at::equal(grown, WeightBuilder().build_with_engine("w", base, first(updates, count))));
    const at::Tensor expected = kernel.build("w", base, first(updates, count));
    const double step = dtype == at::kFloat ? 0x1p-22 : dtype == at::kHalf ? 0x1p-10 : 0x1p-7;
    CHECK(at::allclose(grown.to(at::kDouble), expected.to(at::kDouble), step, 1e-5));
  }
  // Without a term from the middle nothing of it is left.
  WeightBuilder::Updates without = first(updates, updates.size());
  without.erase(without.begin() + 1);
  CHECK(at::equal(one_by_one.build_with_engine("w", base, without),
                  at_once.build_with_engine("w", base, without)));
}

TEST_CASE("Weights by LibTorch's operations: a bias is a matrix of one row") {
  const at::Tensor bias = at::randn({7});
  const std::vector<WeightUpdate> updates = {{"b", Dense{at::ones({1, 7})}}};
  WeightBuilder builder;
  CHECK(at::equal(builder.build_with_engine("b", bias, first(updates, 1)), bias + 1));
  CHECK(at::equal(builder.build("b", bias, first(updates, 1)), bias + 1));
}

TEST_CASE("GPU: logits of every family equal the reference library's", "[gpu]") {
  if (no_device()) return;
  for (const std::string& family : golden_models()) {
    INFO(family);
    LoadOptions options;
    options.device = "cuda";
    const auto model = Model::load(golden_model(family), options);
    ForwardInput input = input_of(golden(family, "ids"));
    input.ids = input.ids.to(model->weights().token_embedding.device());
    const at::Tensor logits = EditedModel(model).forward(input).logits.cpu();
    CHECK(max_difference(logits, golden(family, "logits")) < 1e-4);
  }
}

TEST_CASE("GPU: mounted weights are the CPU's to the bit, unmounted ones the base's", "[gpu]") {
  if (no_device()) return;
  at::manual_seed(5);
  for (const char* dtype : {"float32", "bfloat16", "float16"}) {
    INFO(dtype);
    LoadOptions options;
    options.dtype = dtype;
    const auto on_cpu = Model::load(golden_model("llama"), options);
    options.device = "cuda";
    const auto on_gpu = Model::load(golden_model("llama"), options);
    const EditDelta delta = delta_of(*on_cpu);
    const std::string& name = delta.updates[0].weight;
    EditedModel cpu(on_cpu), gpu(on_gpu);
    cpu.mount("a", delta);
    gpu.mount("a", delta);
    const at::Tensor rebuilt = gpu.weight(name);
    CHECK(rebuilt.is_cuda());
    const bool kernels = missing_kernels(rebuilt.device()).empty();
    if (kernels) CHECK(at::equal(rebuilt.cpu(), cpu.weight(name)));
    CHECK(max_difference(rebuilt.cpu().to(at::kFloat), cpu.weight(name).to(at::kFloat)) < 0.1);
    gpu.unmount("a");
    CHECK(gpu.weight(name).is_same(on_gpu->weight(name)));
    CHECK(gpu.fingerprint() == on_cpu->fingerprint());
  }
}

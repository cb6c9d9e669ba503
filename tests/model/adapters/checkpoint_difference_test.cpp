#include "model/adapters/checkpoint_difference.hpp"

#include "tests/model/adapters/adapter_fixtures.hpp"

using namespace kedit;
using namespace kedit::adapters;
using namespace kedit::testing;
namespace fs = std::filesystem;

namespace {

constexpr const char* kDown = "model.layers.0.mlp.down_proj.weight";

using Change = std::function<void(at::Tensor& weight)>;

/// A copy of the golden llama with one tensor changed, in `dtype`.
std::shared_ptr<const Model> edited_copy(const fs::path& directory, const std::string& name,
                                         const Change& change, c10::ScalarType dtype = at::kFloat) {
  copy_model("llama", directory);
  auto tensors = all_tensors(directory / "model.safetensors");
  for (auto& [stored, tensor] : tensors) {
    tensor = tensor.to(dtype);
    if (stored == name) change(tensor);
  }
  checkpoint::write_safetensors(directory / "model.safetensors", tensors);
  LoadOptions options;
  options.keep_types = true;
  return Model::load(directory, options);
}

std::shared_ptr<const Model> base_copy(const fs::path& directory,
                                       c10::ScalarType dtype = at::kFloat) {
  return edited_copy(directory, "", {}, dtype);
}

std::vector<WeightDifference> difference(const Model& base, const Model& edited,
                                         LowRankWhen when = LowRankWhen::exact) {
  return checkpoint_difference(base, edited, when, {});
}

at::Tensor mounted(const std::shared_ptr<const Model>& base, const WeightDifference& one) {
  EditedModel model(base);
  model.mount("x", delta_of(*base, {one.update}));
  return model.weight(one.update.weight);
}

std::string refusal(const Model& base, const Model& edited) {
  return thrown_message<ModelError>([&] { difference(base, edited); });
}

}  // namespace

TEST_CASE("checkpoint_difference: a change of a row is of low rank, and exact") {
  const TemporaryDirectory scratch;
  const c10::ScalarType dtype = GENERATE(at::kFloat, at::kBFloat16, at::kHalf);
  const auto base = base_copy(scratch / "base", dtype);
  const bool column = GENERATE(false, true);
  const auto edited = edited_copy(
      scratch / "edited", kDown,
      [&](at::Tensor& weight) { weight.select(column ? 1 : 0, 3).mul_(1.3); }, dtype);
  const auto found = difference(*base, *edited);
  REQUIRE(found.size() == 1);
  CHECK(found[0].update.weight == kDown);
  CHECK(std::holds_alternative<LowRank>(found[0].update.update));
  CHECK(found[0].update.rank() <= 2);
  CHECK(found[0].residual == 0.0);
  CHECK(at::equal(mounted(base, found[0]), edited->weight(kDown)));
}

TEST_CASE("checkpoint_difference: a product is kept as one when its rounding is let pass") {
  const TemporaryDirectory scratch;
  const auto base = base_copy(scratch / "base");
  const auto edited = edited_copy(scratch / "edited", kDown, [](at::Tensor& weight) {
    weight += at::matmul(random_matrix(weight.size(0), 2, 1), random_matrix(2, weight.size(1), 2));
  });
  const auto exact = difference(*base, *edited).at(0);
  const auto compact = difference(*base, *edited, LowRankWhen::rounded).at(0);
  CHECK(compact.update.rank() == 2);
  CHECK(compact.residual < 1e-6);
  CHECK(max_difference(mounted(base, compact), edited->weight(kDown)) == compact.residual);
  CHECK(max_difference(mounted(base, exact), edited->weight(kDown)) == exact.residual);
  CHECK(exact.residual <= compact.residual);
  if (std::holds_alternative<Dense>(exact.update.update)) CHECK(exact.rounded_rank == 2);
}

TEST_CASE("checkpoint_difference: a change of full rank is kept whole") {
  const TemporaryDirectory scratch;
  const c10::ScalarType dtype = GENERATE(at::kFloat, at::kBFloat16);
  const auto base = base_copy(scratch / "base", dtype);
  const auto edited = edited_copy(
      scratch / "edited", kDown,
      [](at::Tensor& weight) {
        weight.add_(random_matrix(weight.size(0), weight.size(1), 3) * 0.01);
      },
      dtype);
  const auto found = difference(*base, *edited).at(0);
  CHECK(std::holds_alternative<Dense>(found.update.update));
  CHECK(max_difference(mounted(base, found), edited->weight(kDown)) == found.residual);
  CHECK(found.residual < 1e-7);
}

TEST_CASE("checkpoint_difference: a bias of a layer's map is a row of its own") {
  const TemporaryDirectory scratch;
  copy_model("llama-biases", scratch / "edited");
  auto tensors = all_tensors(scratch / "edited/model.safetensors");
  const std::string bias = "model.layers.1.mlp.down_proj.bias";
  for (auto& [name, tensor] : tensors) {
    if (name == bias) tensor += 0.125;
  }
  checkpoint::write_safetensors(scratch / "edited/model.safetensors", tensors);
  const auto base = golden_as_stored("llama-biases");
  const auto edited = Model::load(scratch / "edited");
  const auto found = difference(*base, *edited);
  REQUIRE(found.size() == 1);
  CHECK(found[0].update.weight == bias);
  CHECK(found[0].update.rows() == 1);
  CHECK(at::equal(mounted(base, found[0]), edited->weight(bias)));
  EditedModel model(base);
  model.mount("b", delta_of(*base, {found[0].update}));
  CHECK(
      contains(thrown_message<ModelError>([&] { lora_of(model); }),
               bias + ": expected a matrix of a layer, which an adapter can change, found a bias"));
}

TEST_CASE("checkpoint_difference: what is no edit of the layers is refused by name") {
  const TemporaryDirectory scratch;
  const auto base = base_copy(scratch / "base");
  const Change scale = [](at::Tensor& weight) { weight *= 2; };
  int count = 0;
  for (const char* name : {"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight",
                           "model.layers.0.input_layernorm.weight"}) {
    const auto edited = edited_copy(scratch / std::to_string(count++), name, scale);
    CHECK(
        contains(refusal(*base, *edited), std::string(name) + ": expected changes of the layers'"));
  }
  CHECK(contains(refusal(*base, *base_copy(scratch / "same")), "found the same ones"));
}

TEST_CASE("checkpoint_difference: other architectures and numbers that do not fit are refused") {
  const TemporaryDirectory scratch;
  const auto base = base_copy(scratch / "base");
  CHECK(contains(refusal(*base, *golden_as_stored("mistral")), "expected the base's"));
  const auto narrow = base_copy(scratch / "narrow", at::kBFloat16);
  CHECK(contains(refusal(*narrow, *base), "found the same ones"));  // they all fit
  const auto fine =
      edited_copy(scratch / "fine", kDown, [](at::Tensor& weight) { weight += 1e-5; });
  CHECK(contains(refusal(*narrow, *fine), "expected numbers that the base's bfloat16 holds"));
}

TEST_CASE("checkpoint_difference: a stop is heard") {
  const auto model = golden_as_stored("llama");
  RunContext run;
  run.stop_requested = [] { return true; };
  CHECK_THROWS_AS(checkpoint_difference(*model, *model, LowRankWhen::exact, run), Interrupted);
}

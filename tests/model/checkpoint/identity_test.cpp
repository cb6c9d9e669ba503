// What a checkpoint is does not depend on what it is computed in.
#include "model/checkpoint/fingerprint.hpp"
#include "model/edited_model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <functional>

using namespace kedit;
using namespace kedit::testing;
namespace fs = std::filesystem;

namespace {

constexpr const char* kWeights = "model.safetensors";

// The golden llama with its tensors in another type.
void store_as(const fs::path& directory,
              const std::function<c10::ScalarType(const std::string&)>& type) {
  copy_model("llama", directory);
  auto all = all_tensors(directory / kWeights);
  for (auto& [name, tensor] : all) tensor = tensor.to(type(name));
  checkpoint::write_safetensors(directory / kWeights, all);
}

std::shared_ptr<const Model> load_as(const fs::path& directory, const std::string& dtype) {
  LoadOptions options;
  options.dtype = dtype;
  return Model::load(directory, options);
}

EditDelta some_edit(const Model& model) {
  const std::string name = weight_name(model.architecture().names.down, 0);
  const at::Tensor weight = model.weight(name);
  EditDelta delta;
  delta.editor = "test";
  delta.base_fingerprint = model.fingerprint();
  delta.updates.push_back(
      {name, LowRank{at::ones({weight.size(0), 1}), at::ones({1, weight.size(1)})}});
  return delta;
}

}  // namespace

TEST_CASE("Model: the fingerprint is that of the stored bytes, whatever they are computed in") {
  const auto stored =
      GENERATE(c10::ScalarType::Half, c10::ScalarType::BFloat16, c10::ScalarType::Float);
  const TemporaryDirectory directory;
  store_as(directory.path(), [&](const std::string&) { return stored; });
  const auto as_stored = load_as(directory.path(), "auto");
  // What stores hold that were made before, with the type as stored.
  CHECK(as_stored->fingerprint() ==
        weights_fingerprint(as_stored->architecture(), as_stored->weights()));
  for (const char* dtype : {"float32", "float16", "bfloat16"}) {
    INFO(dtype);
    const auto other = load_as(directory.path(), dtype);
    CHECK(other->fingerprint() == as_stored->fingerprint());
    CHECK(other->dtype() == dtype);
    CHECK(other->stored_dtype() == as_stored->dtype());
    CHECK(EditedModel(other).fingerprint() == as_stored->fingerprint());
  }
}

TEST_CASE("Model: norms in float32 beside 16-bit matrices count with all their digits") {
  const auto type = [](const std::string& name) {
    return contains(name, "norm") ? c10::ScalarType::Float : c10::ScalarType::BFloat16;
  };
  const TemporaryDirectory directory;
  store_as(directory.path(), type);
  const auto before = load_as(directory.path(), "auto");
  CHECK(before->dtype() == "bfloat16");
  CHECK(before->stored_dtype() == "bfloat16");
  CHECK(load_as(directory.path(), "float32")->fingerprint() == before->fingerprint());
  auto all = all_tensors(directory / kWeights);
  for (auto& [name, tensor] : all) {
    if (name == "model.norm.weight") tensor[0] += 1e-6;
  }
  checkpoint::write_safetensors(directory / kWeights, all);
  CHECK(load_as(directory.path(), "auto")->fingerprint() != before->fingerprint());
}

TEST_CASE("EditedModel: an edit made in float16 is mounted on the same weights in float32") {
  const TemporaryDirectory directory;
  store_as(directory.path(), [](const std::string&) { return c10::ScalarType::Half; });
  const EditDelta edit = some_edit(*load_as(directory.path(), "auto"));
  const auto wide = load_as(directory.path(), "float32");
  EditedModel model(wide);
  const auto input = input_of(golden("llama", "ids"));
  const at::Tensor before = model.forward(input).logits;
  model.mount("e", edit);
  CHECK(max_difference(model.forward(input).logits, before) > 1e-2);
  CHECK(model.fingerprint() != wide->fingerprint());
  EditedModel half(load_as(directory.path(), "auto"));
  half.mount("e", edit);
  CHECK(model.fingerprint() != half.fingerprint());  // rounded to another type
  model.unmount("e");
  CHECK(model.fingerprint() == wide->fingerprint());
}

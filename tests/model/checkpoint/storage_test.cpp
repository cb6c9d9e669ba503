// One model in the many forms in which files hold it: the same logits every time.
#include "model/edited_model.hpp"
#include "model/model.hpp"
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
using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

void rewrite(const fs::path& directory, const std::function<void(Tensors&)>& change) {
  Tensors all = all_tensors(directory / kWeights);
  change(all);
  checkpoint::write_safetensors(directory / kWeights, all);
}

struct Loaded {
  std::shared_ptr<const Model> model;
  std::vector<std::string> warnings;
};

Loaded load(const fs::path& directory, const std::string& dtype = "auto") {
  Loaded loaded;
  LoadOptions options;
  options.dtype = dtype;
  options.warn = [&](const std::string& sentence) { loaded.warnings.push_back(sentence); };
  loaded.model = Model::load(directory, options);
  return loaded;
}

double logit_difference(const Model& model, const std::string& name) {
  const at::Tensor logits =
      forward(model.architecture(), model.weights(), input_of(golden(name, "ids"))).logits;
  return max_difference(logits, golden(name, "logits"));
}

}  // namespace

TEST_CASE(
    "Checkpoint tensor names: a missing base prefix or an added wrapper prefix is understood") {
  const std::string name =
      GENERATE(as<std::string>{}, "gpt2", "gptj", "gpt_neox", "opt", "llama-biases", "gemma2");
  const std::string wrapper = GENERATE(as<std::string>{}, "", "module.", "_orig_mod.");
  const bool bare = GENERATE(true, false);
  INFO(name << " " << wrapper << " " << bare);
  const TemporaryDirectory directory;
  copy_model(name, directory.path());
  const std::string block = Model::load(golden_model(name))->architecture().names.block;
  const std::string prefix = block.substr(0, block.find('.') + 1);
  rewrite(directory.path(), [&](Tensors& all) {
    for (auto& [stored, tensor] : all) {
      if (bare && stored.rfind(prefix, 0) == 0) stored = stored.substr(prefix.size());
      stored = wrapper + stored;
    }
  });
  const Loaded loaded = load(directory.path());
  CHECK(loaded.warnings.empty());
  CHECK(logit_difference(*loaded.model, name) < 1e-4);
  CHECK(loaded.model->fingerprint() == Model::load(golden_model(name))->fingerprint());
}

TEST_CASE(
    "Checkpoint tensor names: a damaged tensor behind a wrapper prefix is named with its file") {
  const TemporaryDirectory directory;
  copy_model("llama", directory.path());
  rewrite(directory.path(), [](Tensors& all) {
    for (auto& [stored, tensor] : all) {
      if (stored == "model.norm.weight") tensor[3] = NAN;
      stored = "module." + stored;
    }
  });
  const std::string message = thrown_message<ModelError>([&] { load(directory.path()); });
  INFO(message);
  CHECK(contains(message, "reading " + (directory / kWeights).string()));
  CHECK(contains(message, "tensor model.norm.weight: expected finite numbers"));
}

TEST_CASE(
    "Checkpoint buffers: attention masks and rotary frequencies are ignored without a warning") {
  const std::string name = GENERATE(as<std::string>{}, "gpt2", "gptj", "gpt_neox", "llama");
  INFO(name);
  const TemporaryDirectory directory;
  copy_model(name, directory.path());
  const std::string block = Model::load(golden_model(name))->architecture().names.block;
  const std::string layer = block.substr(0, block.find("{}")) + "0.";
  rewrite(directory.path(), [&](Tensors& all) {
    const std::string attention = name == "gpt_neox" ? "attention" : "attn";
    all.emplace_back(layer + attention + ".bias", at::ones({1, 1, 4, 4}, at::kBool));
    all.emplace_back(layer + attention + ".masked_bias", at::tensor({-1e4F}));
    all.emplace_back(layer + "self_attn.rotary_emb.inv_freq", at::ones({4}));
  });
  const Loaded loaded = load(directory.path());
  CHECK(loaded.warnings.empty());
  CHECK(logit_difference(*loaded.model, name) < 1e-4);
}

TEST_CASE("Checkpoint warnings: unused weights are named in one warning") {
  const TemporaryDirectory directory;
  copy_model("llama", directory.path());
  rewrite(directory.path(), [](Tensors& all) {
    all.emplace_back("model.layers.0.self_attn.q_norm.weight", at::ones({8}));
    all.emplace_back("score.weight", at::ones({2, 24}));
  });
  const Loaded two = load(directory.path());
  REQUIRE(two.warnings.size() == 1);
  CHECK(two.warnings.front() ==
        "reading " + directory.path().string() +
            ": 2 of its tensors are no part of a llama model as config.json describes it and are "
            "not used: model.layers.0.self_attn.q_norm.weight, score.weight");
  CHECK(logit_difference(*two.model, "llama") < 1e-4);
  CHECK_NOTHROW(Model::load(directory.path()));  // nobody listens

  rewrite(directory.path(), [](Tensors& all) {
    for (int i = 0; i < 100; ++i) all.emplace_back("x" + std::to_string(i), at::ones({1}));
  });
  const Loaded many = load(directory.path());
  REQUIRE(many.warnings.size() == 1);
  CHECK(contains(many.warnings.front(), ": 102 of its tensors"));
  CHECK(contains(many.warnings.front(), " and 94 more"));
}

TEST_CASE("Checkpoint warnings: a stored tied head is silent if equal and named if different") {
  const std::string name = GENERATE(as<std::string>{}, "gpt2", "qwen2", "gemma", "opt");
  INFO(name);
  const TemporaryDirectory directory;
  copy_model(name, directory.path());
  const auto model = Model::load(golden_model(name));
  const std::string head = model->architecture().names.head + ".weight";
  rewrite(directory.path(),
          [&](Tensors& all) { all.emplace_back(head, model->weights().token_embedding.clone()); });
  const Loaded same = load(directory.path());
  CHECK(same.warnings.empty());
  CHECK(same.model->parameters() == model->parameters());
  CHECK(logit_difference(*same.model, name) < 1e-4);
  rewrite(directory.path(), [&](Tensors& all) { all.back().second.add_(1.0); });
  const Loaded other = load(directory.path());
  REQUIRE(other.warnings.size() == 1);
  CHECK(contains(other.warnings.front(), "are not used: " + head));
  CHECK(logit_difference(*other.model, name) < 1e-4);
}

TEST_CASE("Checkpoint dtypes: 16-bit weights compute in the requested dtype") {
  // The goldens' weights fit into bfloat16, so float32 computation from 16-bit files is exact.
  const std::string name = GENERATE(as<std::string>{}, "gpt2", "gpt_neox", "gemma2", "phi3");
  INFO(name);
  const TemporaryDirectory directory;
  copy_model(name, directory.path());
  rewrite(directory.path(), [](Tensors& all) {
    for (auto& [stored, tensor] : all) tensor = tensor.to(at::kBFloat16);
  });
  CHECK(logit_difference(*load(directory.path(), "float32").model, name) < 1e-4);
  CHECK(load(directory.path()).model->dtype() == "bfloat16");
  CHECK(load(directory.path(), "float16").model->dtype() == "float16");
  rewrite(directory.path(), [](Tensors& all) {
    for (auto& [stored, tensor] : all) tensor = tensor.to(at::kFloat).to(at::kHalf);
  });
  CHECK(load(directory.path()).model->dtype() == "float16");
  CHECK(logit_difference(*load(directory.path(), "float32").model, name) < 0.05);
}

TEST_CASE(
    "Checkpoint dtypes: float32 norms beside 16-bit matrices take the dtype of the matrices") {
  const TemporaryDirectory directory;
  copy_model("olmo2", directory.path());
  rewrite(directory.path(), [](Tensors& all) {
    for (auto& [stored, tensor] : all) {
      if (tensor.dim() == 2) tensor = tensor.to(at::kBFloat16);
    }
  });
  CHECK(load(directory.path()).model->dtype() == "bfloat16");
  CHECK(logit_difference(*load(directory.path(), "float32").model, "olmo2") < 1e-4);
}

TEST_CASE("Checkpoint memory: a fused matrix is loaded whole and no slice is copied") {
  const std::string name = GENERATE(as<std::string>{}, "gpt_neox", "phi3", "gpt2");
  const Loaded loaded = load(golden_model(name));
  const checkpoint::SafetensorsFile file =
      checkpoint::SafetensorsFile::open(golden_model(name) / kWeights);
  const Architecture& a = loaded.model->architecture();
  const LayerWeights& layer = loaded.model->weights().layers[1];
  CHECK(at::equal(layer.qkv.weight, file.tensor(weight_name(a.names.qkv, 1))));
  CHECK(layer.qkv.weight.is_contiguous());
  CHECK_FALSE(layer.query.weight.defined());
  CHECK(layer.gate_up.weight.defined() == (name == "phi3"));
}

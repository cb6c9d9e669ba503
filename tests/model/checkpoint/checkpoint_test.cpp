#include "model/checkpoint/safetensors.hpp"
#include "model/edited_model.hpp"
#include "model/model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <fstream>
#include <sys/stat.h>

using namespace kedit;
using namespace kedit::testing;
namespace fs = std::filesystem;

namespace {

std::string loading(const fs::path& directory, const LoadOptions& options = {}) {
  return thrown_message<ModelError>([&] { Model::load(directory, options); });
}

std::string any_family() { return GENERATE(as<std::string>{}, "gpt2", "llama", "qwen2"); }

// Replaces or removes (null) one field of config.json.
void set_field(const fs::path& directory, const std::string& key, const Json& value) {
  Json config = read_json(directory / "config.json");
  if (value.is_null()) {
    config.erase(key);
  } else {
    config[key] = value;
  }
  write_file_atomically(directory / "config.json", to_text(config));
}

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

void rewrite(const fs::path& directory, const std::function<void(Tensors&)>& change) {
  auto tensors = all_tensors(directory / "model.safetensors");
  change(tensors);
  checkpoint::write_safetensors(directory / "model.safetensors", tensors);
}

at::Tensor& tensor_named(Tensors& tensors, const std::string& name) {
  for (auto& [known, tensor] : tensors) {
    if (known == name) return tensor;
  }
  throw std::runtime_error("no tensor " + name);
}

// Every other tensor goes into the second shard.
void split_into_shards(const fs::path& directory) {
  const auto tensors = all_tensors(directory / "model.safetensors");
  fs::remove(directory / "model.safetensors");
  Tensors shards[2];
  Json map = Json::object();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    shards[i % 2].push_back(tensors[i]);
    map[tensors[i].first] =
        i % 2 == 0 ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }
  checkpoint::write_safetensors(directory / "model-00001-of-00002.safetensors", shards[0]);
  checkpoint::write_safetensors(directory / "model-00002-of-00002.safetensors", shards[1]);
  const Json index = {{"metadata", {{"total_size", 1}}}, {"weight_map", map}};
  write_file_atomically(directory / "model.safetensors.index.json", to_text(index));
}

}  // namespace

TEST_CASE("Model load: architecture and size and end-of-text ids are read") {
  const auto qwen2 = Model::load(golden_model("qwen2"));
  CHECK(qwen2->architecture().family == "qwen2");
  CHECK(qwen2->architecture().class_name == "Qwen2ForCausalLM");
  CHECK(qwen2->architecture().tied_head);
  CHECK(qwen2->architecture().eos_ids == std::vector<std::int64_t>{0, 3});
  CHECK(qwen2->parameters() == 19712);
  CHECK(qwen2->bytes() == 19712 * 4);
  CHECK(qwen2->dtype() == "float32");
  CHECK_FALSE(qwen2->has_tokenizer());
  CHECK(contains(thrown_message<ModelError>([&] { static_cast<void>(qwen2->tokenizer()); }),
                 "tokenizer.json"));
  CHECK(Model::load(golden_model("llama"))->architecture().kv_heads == 2);
  CHECK(Model::load(golden_model("gpt2"))->architecture().orientation == Orientation::in_out);
}

TEST_CASE("Model load: a sharded checkpoint has the fingerprint of the single file") {
  const std::string family = any_family();
  const TemporaryDirectory directory;
  copy_model(family, directory.path());
  split_into_shards(directory.path());
  const auto sharded = Model::load(directory.path());
  CHECK(sharded->fingerprint() == Model::load(golden_model(family))->fingerprint());
}

TEST_CASE("Model load: tensor names without the base prefix give the same fingerprint") {
  const std::string family = any_family();
  const TemporaryDirectory directory;
  copy_model(family, directory.path());
  rewrite(directory.path(), [&](Tensors& tensors) {
    const std::string prefix = family == "gpt2" ? "transformer." : "model.";
    for (auto& [name, tensor] : tensors) {
      if (name.rfind(prefix, 0) == 0) name = name.substr(prefix.size());
    }
    if (family == "gpt2") tensors.emplace_back("h.0.attn.bias", at::ones({1, 1, 32, 32}));
  });
  CHECK(Model::load(directory.path())->fingerprint() ==
        Model::load(golden_model(family))->fingerprint());
}

TEST_CASE("Model fingerprint: weights and mathematics change it and generation settings do not") {
  const TemporaryDirectory directory;
  const auto base = Model::load(golden_model("llama"))->fingerprint();
  copy_model("llama", directory.path());
  fs::remove(directory / "generation_config.json");
  CHECK(Model::load(directory.path())->fingerprint() == base);
  set_field(directory.path(), "rope_theta", 501.0);
  CHECK(Model::load(directory.path())->fingerprint() != base);
  copy_model("llama", directory.path());
  rewrite(directory.path(),
          [](Tensors& tensors) { tensor_named(tensors, "lm_head.weight")[0][0] += 1e-3; });
  CHECK(Model::load(directory.path())->fingerprint() != base);
  CHECK(base.size() == 64);
}

TEST_CASE("write_checkpoint: a written checkpoint reads back with equal fingerprint and logits") {
  const std::string family = any_family();
  const TemporaryDirectory directory;
  const auto model = Model::load(golden_model(family));
  write_checkpoint(directory / "out", model->architecture(), model->weights());
  const auto back = Model::load(directory / "out");
  CHECK(back->fingerprint() == model->fingerprint());
  CHECK(back->architecture().eos_ids == model->architecture().eos_ids);
  const EditedModel overlay(back);
  CHECK(max_difference(overlay.forward(input_of(golden(family, "ids"))).logits,
                       golden(family, "logits")) < 1e-4);
}

TEST_CASE("Model load: a directory that is no model is refused by what it lacks") {
  const TemporaryDirectory directory;
  CHECK(contains(loading(directory / "absent"),
                 "expected a directory with config.json or a GGUF file, found nothing"));
  CHECK(contains(loading(directory.path()), "config.json: No such file or directory"));
  copy_model("llama", directory.path());
  CHECK(contains(loading(directory / "config.json"),
                 "expected a directory with config.json or a GGUF file, found a file"));
  fs::remove(directory / "model.safetensors");
  CHECK(contains(loading(directory.path()),
                 "expected model.safetensors or model.safetensors.index.json, found neither"));
  std::ofstream(directory / "pytorch_model.bin") << "x";
  CHECK(contains(loading(directory.path()), "found only pickled weights (.bin, .pt)"));
  REQUIRE(::mkfifo((directory / "model.safetensors").c_str(), 0600) == 0);
  CHECK(contains(loading(directory.path()), "expected a regular file, found a pipe"));
}

TEST_CASE("Model load: a damaged or unsupported config.json is refused by field") {
  struct Row {
    std::string family, field;
    Json value;
    std::string message;
  };
  const auto row = GENERATE(values<Row>({
      {"llama", "model_type", nullptr, "/model_type: expected a value, found none"},
      {"llama", "model_type", "mamba", "/model_type: expected a supported family (gpt2, gptj, "},
      {"llama", "hidden_size", nullptr, "/hidden_size: expected a value, found none"},
      {"llama", "hidden_size", "24", "/hidden_size: expected an integer, found the string"},
      {"llama", "hidden_size", -24, "/hidden_size: expected an integer from 1 to 2^31, found -24"},
      {"llama", "num_hidden_layers", 2000000000,
       "/num_hidden_layers: expected at most 10000 layers"},
      {"llama", "num_key_value_heads", 4,
       "/num_key_value_heads: expected a divisor of num_attention_heads = 6"},
      {"llama", "head_dim", 7, "/head_dim: expected an even number of rotated elements"},
      {"llama", "rms_norm_eps", 0.0, "/rms_norm_eps: expected a positive number"},
      {"llama", "hidden_act", "softsign", "/hidden_act: expected an activation among"},
      {"llama", "rope_scaling", Json{{"rope_type", "dynamic"}, {"factor", 8.0}},
       "/rope_scaling/rope_type: expected a rotary scaling among default, linear, "},
      {"llama", "quantization_config", Json{{"bits", 4}},
       "/quantization_config: expected no quantisation"},
      {"qwen2", "layer_types", Json{"full_attention", "sliding_attention"},
       "/layer_types/1: expected \"full_attention\""},
      {"gpt2", "n_head", 5, "/n_embd: expected a multiple of n_head = 5, found 24"},
      {"gpt2", "add_cross_attention", true, "/add_cross_attention: expected false"},
      {"gpt2", "n_layer", 3,
       "tensor transformer.h.2.ln_1.weight: expected shape [24], found no such tensor"},
      {"gpt2", "vocab_size", 62,
       "tensor transformer.wte.weight: expected shape [62, 24], found [61, 24]"},
      {"gpt2", "n_inner", 41,
       "tensor transformer.h.0.mlp.c_fc.weight: expected shape [24, 41], found [24, 40]"},
  }));
  const TemporaryDirectory directory;
  copy_model(row.family, directory.path());
  set_field(directory.path(), row.field, row.value);
  const std::string message = loading(directory.path());
  INFO(message);
  CHECK(contains(message, row.message));
  CHECK(contains(message, directory.path().string()));
}

TEST_CASE("Model load: damaged weights are refused by tensor") {
  struct Row {
    std::string message;
    std::function<void(Tensors&)> change;
  };
  const auto row = GENERATE(values<Row>({
      {"tensor model.norm.weight: expected shape [24], found no such tensor",
       [](Tensors& t) {
         t.erase(std::find_if(t.begin(), t.end(),
                              [](auto& x) { return x.first == "model.norm.weight"; }));
       }},
      {"tensor lm_head.weight: expected shape [61, 24], found [24, 61]",
       [](Tensors& t) {
         tensor_named(t, "lm_head.weight") = tensor_named(t, "lm_head.weight").t().contiguous();
       }},
      {"tensor lm_head.weight: expected finite numbers, found NaN or infinity; use "
       "--allow-nonfinite",
       [](Tensors& t) { tensor_named(t, "lm_head.weight")[3][4] = NAN; }},
      {"tensor model.norm.weight: expected finite numbers",
       [](Tensors& t) { tensor_named(t, "model.norm.weight")[23] = HUGE_VAL; }},
      {"tensor lm_head.weight: expected float32, bfloat16 or float16, found Byte (quantised",
       [](Tensors& t) {
         tensor_named(t, "lm_head.weight") = at::zeros({61, 24}, at::kByte);
       }},
  }));
  const TemporaryDirectory directory;
  copy_model("llama", directory.path());
  rewrite(directory.path(), row.change);
  const std::string message = loading(directory.path());
  INFO(message);
  CHECK(contains(message, row.message));
}

TEST_CASE("Model load: non-finite weights are accepted with allow_nonfinite") {
  const TemporaryDirectory directory;
  copy_model("llama", directory.path());
  rewrite(directory.path(), [](Tensors& t) { tensor_named(t, "lm_head.weight")[3][4] = NAN; });
  LoadOptions options;
  options.allow_nonfinite = true;
  CHECK(loading(directory.path(), options) == "no error thrown");
}

TEST_CASE("Model load: a damaged shard index is refused") {
  const TemporaryDirectory directory;
  copy_model("llama", directory.path());
  split_into_shards(directory.path());
  const auto index = directory / "model.safetensors.index.json";
  const Json good = read_json(index);
  const auto with = [&](const std::string& tensor, const Json& file) {
    Json changed = good;
    changed["weight_map"][tensor] = file;
    write_file_atomically(index, to_text(changed));
    return loading(directory.path());
  };
  CHECK(contains(with("lm_head.weight", "../x.safetensors"),
                 "/weight_map: expected bare file names, found \"../x.safetensors\""));
  CHECK(contains(with("lm_head.weight", 7),
                 "/weight_map/lm_head.weight: expected a string, found 7"));
  CHECK(contains(with("lm_head.weight", "absent.safetensors"), "absent.safetensors: No such file"));
  CHECK(contains(with("ghost", "model-00001-of-00002.safetensors"),
                 "tensor ghost: expected it here as the index says"));
  fs::copy_file(directory / "model-00001-of-00002.safetensors", directory / "copy.safetensors");
  const std::string twice = with(good["weight_map"].begin().key(), "copy.safetensors");
  INFO(twice);
  CHECK(contains(twice, "expected it in one shard, found it in two"));
}

TEST_CASE("Model load: an unknown device or dtype is refused") {
  const auto with = [](const std::string& device) {
    LoadOptions options;
    options.device = device;
    return thrown_message<DeviceError>([&] { Model::load(golden_model("gpt2"), options); });
  };
  CHECK(contains(with("tpu"),
                 "opening device tpu: no such device: expected cpu, cuda, cuda:N or auto"));
  CHECK(contains(with("cuda:x"), "no such device"));
  CHECK(contains(with("cuda:999"), "opening device cuda:999: no such device"));
  CHECK(with("cpu") == "no error thrown");
  CHECK(with("auto") == "no error thrown");
  LoadOptions options;
  options.dtype = "int4";
  CHECK(contains(loading(golden_model("gpt2"), options),
                 "expected auto, float32, bfloat16 or float16, found int4"));
}

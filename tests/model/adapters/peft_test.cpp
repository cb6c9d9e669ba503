#include "model/adapters/peft.hpp"

#include "json/json.hpp"
#include "model/adapters/edits_file.hpp"
#include "model/adapters/module_names.hpp"
#include "tests/model/adapters/adapter_fixtures.hpp"

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

using namespace kedit;
using namespace kedit::adapters;
using namespace kedit::testing;
namespace fs = std::filesystem;

namespace {

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

constexpr const char* kModule = "base_model.model.model.layers.0.mlp.down_proj";
constexpr const char* kWeight = "model.layers.0.mlp.down_proj.weight";

/// An adapter of one module of the golden llama, that a test may spoil.
struct Adapter {
  Json config = {{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 2}};
  Tensors tensors;

  Adapter() {
    const at::Tensor base = golden_as_stored("llama")->weight(kWeight);
    tensors = {{std::string(kModule) + ".lora_A.weight", random_matrix(2, base.size(1), 1)},
               {std::string(kModule) + ".lora_B.weight", random_matrix(base.size(0), 2, 2)}};
  }
  at::Tensor& a() { return tensors[0].second; }
  at::Tensor& b() { return tensors[1].second; }

  void write(const fs::path& directory) const {
    fs::create_directories(directory);
    write_file_atomically(directory / "adapter_config.json", to_text(config));
    checkpoint::write_safetensors(directory / "adapter_model.safetensors", tensors);
  }
  std::vector<WeightUpdate> read() const {
    const TemporaryDirectory scratch;
    write(scratch.path());
    return read_peft(scratch.path(), golden_as_stored("llama")->architecture());
  }
  at::Tensor change() const { return product(std::get<LowRank>(read().at(0).update)); }
  at::Tensor plain_product() { return at::matmul(b().to(at::kDouble), a().to(at::kDouble)); }
};

double apart(const at::Tensor& a, const at::Tensor& b) { return max_difference(a, b); }

}  // namespace

TEST_CASE("peft: what was exported and imported gives the mounted weights to the bit") {
  const std::string name = GENERATE("gpt2", "gptj", "gpt_neox", "opt", "llama", "mistral", "qwen3",
                                    "gemma2", "phi3", "olmo2", "gemma3", "qwen2_5_vl");
  CAPTURE(name);
  const TemporaryDirectory scratch;
  const auto model = golden_as_stored(name);
  const EditedModel edited = edited_everywhere(model);
  const auto files = write_peft(edited, lora_of(edited), "base", scratch / "adapter");
  CHECK(files == std::vector<std::string>{"adapter_config.json", "adapter_model.safetensors",
                                          "kedit_edits.json"});
  EditedModel back(model);
  back.mount("back", delta_of(*model, read_peft(scratch / "adapter", model->architecture())));
  for (const std::string& weight : model->weight_names()) {
    CHECK(at::equal(back.weight(weight), edited.weight(weight)));
  }
}

TEST_CASE(
    "peft: the configuration names modules, rank, scale and orientation; edits stand beside") {
  const bool turned = GENERATE(true, false);
  const TemporaryDirectory scratch;
  const EditedModel edited = edited_everywhere(golden_as_stored(turned ? "gpt2" : "gemma3"));
  write_peft(edited, lora_of(edited), "some/base", scratch / "adapter");
  const Json config = read_json(scratch / "adapter/adapter_config.json");
  CHECK(config["r"] == 3);
  CHECK(config["lora_alpha"] == 3);
  CHECK(config["fan_in_fan_out"] == turned);
  CHECK(config["base_model_name_or_path"] == "some/base");
  CHECK(config["target_modules"][0] ==
        (turned ? "transformer.h.0.attn.c_attn" : "model.language_model.layers.0.mlp.down_proj"));
  const RecordedEdits recorded = read_recorded_edits(scratch / "adapter");
  CHECK(recorded.model == edited.base().fingerprint());
  REQUIRE(recorded.requests.size() == 2);
  CHECK(recorded.requests[0] == edited.deltas()[0]->requests[0]);
  const auto weights =
      checkpoint::SafetensorsFile::open(scratch / "adapter/adapter_model.safetensors");
  CHECK(weights.metadata().at("format") == "pt");
  CHECK(weights.metadata().at("kedit.edits") == "edit1,edit2");
}

TEST_CASE("peft: a scale of alpha / r, of alpha / sqrt(r), and of patterns") {
  Adapter adapter;
  adapter.config["lora_alpha"] = 3;
  CHECK(apart(adapter.change(), adapter.plain_product() * 1.5) < 1e-7);
  adapter.config["use_rslora"] = true;
  CHECK(apart(adapter.change(), adapter.plain_product() * 3.0 / std::sqrt(2.0)) < 1e-7);
  adapter.config["use_rslora"] = false;
  for (const char* key : {"down_proj", "layers.0.mlp.down_proj", R"(.*\.0\..*down.*)",
                          R"(layers\.[0-3]\.mlp\.(up|down)_proj)"}) {
    CAPTURE(key);
    adapter.config["alpha_pattern"] = {{"q_proj", 9}, {key, 8}, {"model.*", 5}};
    CHECK(apart(adapter.change(), adapter.plain_product() * 4.0) < 1e-7);
  }
  adapter.config["alpha_pattern"] = {{"own_proj", 8}};  // no part of a name
  CHECK(apart(adapter.change(), adapter.plain_product() * 1.5) < 1e-7);
  adapter.config["r"] = 7;
  adapter.config["rank_pattern"] = {{"mlp.down_proj", 2}};
  CHECK(apart(adapter.change(), adapter.plain_product() * 1.5) < 1e-7);
}

TEST_CASE("peft: names of other classes and of a named adapter are understood") {
  Adapter adapter;
  const std::string before =
      GENERATE("base_model.model.layers.0.mlp.down_proj",
               "base_model.model.model.language_model.layers.0.mlp.down_proj",
               "base_model.model.language_model.model.layers.0.mlp.down_proj",
               "model.layers.0.mlp.down_proj");
  adapter.tensors[0].first = before + ".lora_A.default.weight";
  adapter.tensors[1].first = before + ".lora_B.default.weight";
  CHECK(adapter.read().at(0).weight == kWeight);
}

TEST_CASE("peft: components of zeros are left out, half precision is widened") {
  Adapter adapter;
  adapter.a()[1].zero_();
  CHECK(adapter.read().at(0).rank() == 1);
  adapter.a() = adapter.a().to(at::kHalf);
  adapter.b() = adapter.b().to(at::kBFloat16);
  CHECK(apart(adapter.change(), adapter.plain_product()) < 1e-7);
}

TEST_CASE("peft: what an edit cannot hold, and damaged adapters, are refused by one sentence") {
  struct Case {
    const char* message;
    std::function<void(Adapter&)> spoil;
  };
  const auto set = [](const char* key, const Json& value) {
    return [key, value](Adapter& adapter) { adapter.config[key] = value; };
  };
  const auto rename = [](const char* a, const char* b) {
    return [a, b](Adapter& adapter) {
      adapter.tensors[0].first = a;
      adapter.tensors[1].first = b;
    };
  };
  const std::vector<Case> cases = {
      {"/peft_type: expected \"LORA\"", set("peft_type", "IA3")},
      {"/use_dora: expected false", set("use_dora", true)},
      {"/bias: expected \"none\"", set("bias", "all")},
      {"/lora_bias: expected false", set("lora_bias", true)},
      {"/modules_to_save: expected none", set("modules_to_save", Json::array({"lm_head"}))},
      {"/trainable_token_indices: expected none", set("trainable_token_indices", {1, 2})},
      {"/layer_replication: expected none", set("layer_replication", {{0, 4}})},
      {"/init_lora_weights: expected true", set("init_lora_weights", "pissa_niter_4")},
      {"/r: expected a rank of at least 1", set("r", 0)},
      {"/r: expected", set("r", "two")},
      {"lora_A: expected shape [1000000000000000000,", set("r", 1000000000000000000)},
      {"/rank_pattern/down_proj: expected a rank", set("rank_pattern", {{"down_proj", -1}})},
      {"/rank_pattern: expected", set("rank_pattern", 3)},
      {"/alpha_pattern/(: expected a regular expression", set("alpha_pattern", {{"(", 2}})},
      {"comes to an end", set("alpha_pattern", {{"(?:[a-z._0-9]+)+[!-#]", 2}})},
      {"lora_A: expected shape [3,", set("rank_pattern", {{"down_proj", 3}})},
      {"expected lora_A.weight or lora_B.weight of a matrix in the layers of this llama model",
       rename("base_model.model.lm_head.lora_A.weight", "base_model.model.lm_head.lora_B.weight")},
      {"expected lora_A.weight or lora_B.weight",
       rename("base_model.model.model.layers.9.mlp.down_proj.lora_A.weight", "x")},
      {"expected lora_A.weight or lora_B.weight",
       rename("base_model.model.model.embed_tokens.lora_embedding_A", "x")},
      {"expected lora_A.weight or lora_B.weight",
       [](Adapter& adapter) {
         adapter.tensors.emplace_back(std::string(kModule) + ".lora_magnitude_vector.weight",
                                      at::ones({3}));
       }},
      {"expected one tensor for this factor",
       [](Adapter& adapter) {
         adapter.tensors.emplace_back("model.layers.0.mlp.down_proj.lora_A.weight", adapter.a());
       }},
      {"expected lora_B, found none", [](Adapter& adapter) { adapter.tensors.pop_back(); }},
      {"expected a matrix, found shape", [](Adapter& adapter) { adapter.a() = at::ones({4}); }},
      {"lora_A: expected shape", [](Adapter& adapter) { adapter.a() = adapter.a().slice(1, 1); }},
      {"lora_A: expected shape", [](Adapter& adapter) { adapter.a() = adapter.a().slice(0, 2); }},
      {"lora_B: expected shape", [](Adapter& adapter) { adapter.b() = adapter.b().t(); }},
      {"expected floating-point numbers",
       [](Adapter& adapter) { adapter.a() = adapter.a().to(at::kLong); }},
      {"lora_A: expected finite numbers",
       [](Adapter& adapter) { adapter.a()[0][0] = std::numeric_limits<float>::quiet_NaN(); }},
      {"lora_B, scaled: expected finite numbers", set("lora_alpha", 1e300)},
      {"found only zeros", set("lora_alpha", 0)},
      {"found only zeros", [](Adapter& adapter) { adapter.b().zero_(); }}};
  for (const Case& one : cases) {
    CAPTURE(one.message);
    Adapter adapter;
    one.spoil(adapter);
    const std::string message = thrown_message<ModelError>([&] { adapter.read(); });
    CHECK(contains(message, "reading "));
    CHECK(contains(message, one.message));
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("peft: absent, pickled and truncated files are refused") {
  const TemporaryDirectory scratch;
  const Architecture architecture = golden_as_stored("llama")->architecture();
  const auto message = [&] {
    return thrown_message<ModelError>([&] { read_peft(scratch.path(), architecture); });
  };
  CHECK(contains(message(), "adapter_config.json"));
  Adapter().write(scratch.path());
  const fs::path weights = scratch / "adapter_model.safetensors";
  const std::string whole = read_text_file(weights);
  for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{9}}) {
    std::ofstream(weights, std::ios::binary) << whole.substr(0, size);
    CHECK(contains(message(), "reading " + weights.string()));
  }
  fs::remove(weights);
  CHECK(contains(message(), "expected adapter_model.safetensors, found none"));
  std::ofstream(scratch / "adapter_model.bin") << "x";
  CHECK(contains(message(), "only pickled weights"));
}

TEST_CASE("kedit_edits.json: a damaged record of edits is refused, an absent one is none") {
  const TemporaryDirectory scratch;
  CHECK(read_recorded_edits(scratch.path()).requests.empty());
  const auto with = [&](const std::string& text) {
    write_file_atomically(scratch / kEditsFile, text);
    return message_of([&] { read_recorded_edits(scratch.path()); });
  };
  CHECK(contains(with("{}"), "/model"));
  CHECK(contains(with(R"({"model": "x", "edits": [{"requests": 3}]})"), "/edits/0/requests"));
  CHECK(contains(with(R"({"model": "x", "edits": [{"requests": [{"id": "a", "subject": "",
      "prompt": "{} is", "target_new": "b"}]}]})"),
                 "subject: expected some text"));
}

// The text part of models that read images: wherever the file keeps it, it is the model that its
// family's own file would be.
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

struct Loaded {
  std::shared_ptr<const Model> model;
  std::vector<std::string> warnings;
};

Loaded load(const fs::path& directory) {
  Loaded loaded;
  LoadOptions options;
  options.warn = [&](const std::string& sentence) { loaded.warnings.push_back(sentence); };
  loaded.model = Model::load(directory, options);
  return loaded;
}

double logit_difference(const Model& model, const std::string& name) {
  const at::Tensor logits =
      forward(model.architecture(), model.weights(), input_of(golden(name, "ids"))).logits;
  return max_difference(logits, golden(name, "logits"));
}

void rename(const fs::path& directory,
            const std::function<std::string(const std::string&)>& new_name) {
  auto all = all_tensors(directory / "model.safetensors");
  for (auto& [name, tensor] : all) name = new_name(name);
  checkpoint::write_safetensors(directory / "model.safetensors", all);
}

void change_config(const fs::path& directory, const std::function<void(Json&)>& change) {
  Json config = read_json(directory / "config.json");
  change(config);
  write_file_atomically(directory / "config.json", to_text(config));
}

// A golden checkpoint of a text model as the text part of a `whole` one.
void wrap(const std::string& golden_name, const std::string& whole, const fs::path& directory) {
  copy_model(golden_name, directory);
  change_config(directory, [&](Json& config) {
    config = Json{{"architectures", {"AnyForConditionalGeneration"}},
                  {"model_type", whole},
                  {"text_config", config},
                  {"vision_config", {{"model_type", "clip_vision_model"}, {"hidden_size", 8}}}};
  });
}

std::string model_dot_to(const std::string& name, const std::string& prefix) {
  return name.rfind("model.", 0) == 0 ? prefix + name.substr(6) : name;
}

Architecture read(const char* text) {
  return architecture_from_config(parse_json(text, "test"), "test");
}

}  // namespace

TEST_CASE("text part: only it is read, and one sentence says so") {
  const Loaded gemma = load(golden_model("gemma3"));
  CHECK(gemma.model->architecture().family == "gemma3_text");
  CHECK(gemma.model->architecture().part_of == "gemma3");
  CHECK(gemma.model->architecture().eos_ids == std::vector<std::int64_t>{2});
  REQUIRE(gemma.warnings.size() == 1);
  CHECK(gemma.warnings.front().rfind(
            "reading " + golden_model("gemma3").string() +
                ": of this gemma3 model only the text part is read, as a gemma3_text model; ",
            0) == 0);
  CHECK(contains(gemma.warnings.front(),
                 " tensors are not used: multi_modal_projector.mm_input_projection_weight, "));
  const Loaded qwen = load(golden_model("qwen2_5_vl"));
  CHECK(qwen.model->architecture().family == "qwen2");
  CHECK(qwen.model->architecture().rope_scaling.kind == RopeKind::plain);
  REQUIRE(qwen.warnings.size() == 1);
}

TEST_CASE("text part: a directory without the other parts' weights is complete") {
  const TemporaryDirectory directory;
  wrap("llama", "llava", directory.path());
  const Loaded loaded = load(directory.path());
  CHECK(loaded.warnings ==
        std::vector<std::string>{"reading " + directory.path().string() +
                                 ": of this llava model only the text part is read, as a llama "
                                 "model"});
  CHECK(logit_difference(*loaded.model, "llama") < 1e-4);
}

TEST_CASE("text part: its names in every spelling are the same names") {
  const auto [name, whole] = GENERATE(table<std::string, std::string>({
      {"llama", "llava"},
      {"mistral-full", "llava_next"},
      {"mistral-full", "mistral3"},
      {"qwen2", "llava"},
      {"gemma3_text", "gemma3"},
  }));
  const std::string spelling = GENERATE(as<std::string>{}, "language_model.model.",
                                        "model.language_model.", "language_model.");
  INFO(name << " in " << whole << ", " << spelling);
  const TemporaryDirectory directory;
  wrap(name, whole, directory.path());
  rename(directory.path(), [&](const std::string& tensor) {
    const bool inside = spelling != "model.language_model.";
    if (tensor == "lm_head.weight") return (inside ? "language_model." : "") + tensor;
    return model_dot_to(tensor, spelling);
  });
  const Loaded loaded = load(directory.path());
  CHECK(loaded.warnings.size() == 1);
  CHECK(loaded.model->fingerprint() == Model::load(golden_model(name))->fingerprint());
  CHECK(logit_difference(*loaded.model, name) < 1e-4);
}

TEST_CASE("text part: Qwen's older files, which keep it beside the others, are understood") {
  const std::string whole = GENERATE(as<std::string>{}, "qwen2_vl", "qwen2_5_vl");
  const TemporaryDirectory directory;
  copy_model("qwen2_5_vl", directory.path());
  change_config(directory.path(), [&](Json& config) {
    Json flat = config["text_config"];
    flat["model_type"] = whole;
    flat["vision_config"] = config["vision_config"];
    flat["rope_scaling"] = {{"type", "mrope"}, {"mrope_section", {2, 3, 3}}};
    config = flat;
  });
  const auto model = Model::load(directory.path());
  CHECK(logit_difference(*model, "qwen2_5_vl") < 1e-4);
  CHECK(model->fingerprint() == Model::load(golden_model("qwen2_5_vl"))->fingerprint());
  change_config(directory.path(), [](Json& config) {
    config["rope_scaling"] = {{"type", "yarn"}, {"factor", 4.0}, {"mrope_section", {2, 3, 3}}};
  });
  CHECK(read_architecture(directory.path()).rope_scaling.kind == RopeKind::yarn);
}

TEST_CASE("text part: what a public file leaves out is what its class takes") {
  const Architecture gemma = read(R"({"architectures":["Gemma3ForConditionalGeneration"],
    "boi_token_index":255999,"eoi_token_index":256000,"eos_token_id":[1,106],
    "image_token_index":262144,"initializer_range":0.02,"mm_tokens_per_image":256,
    "model_type":"gemma3","text_config":{"hidden_size":2560,"intermediate_size":10240,
    "model_type":"gemma3_text","num_hidden_layers":34,"rope_scaling":{"factor":8.0,
    "rope_type":"linear"},"sliding_window":1024},"vision_config":{"hidden_size":1152,
    "image_size":896,"model_type":"siglip_vision_model"}})");
  CHECK(gemma.heads == 8);
  CHECK(gemma.kv_heads == 4);
  CHECK(gemma.head_dim == 256);
  CHECK(gemma.vocab == 262208);
  CHECK(gemma.tied_head);
  CHECK(gemma.eos_ids == std::vector<std::int64_t>{1, 106});
  CHECK(gemma.class_name == "Gemma3ForCausalLM");

  const Architecture llava = read(R"({"architectures":["LlavaForConditionalGeneration"],
    "image_token_index":32000,"model_type":"llava","pad_token_id":32001,
    "text_config":{"_name_or_path":"lmsys/vicuna-7b-v1.5","architectures":["LlamaForCausalLM"],
    "max_position_embeddings":4096,"model_type":"llama","rms_norm_eps":1e-05,
    "torch_dtype":"float16","vocab_size":32064},"vision_config":{"hidden_size":1024},
    "vocab_size":32064})");
  CHECK(llava.hidden == 4096);
  CHECK(llava.intermediate == 11008);
  CHECK(llava.layers == 32);
  CHECK(llava.vocab == 32064);

  const Architecture qwen = read(R"({"architectures":["Qwen2VLForConditionalGeneration"],
    "eos_token_id":151645,"vision_token_id":151654,"image_token_id":151655,"hidden_act":"silu",
    "hidden_size":1536,"intermediate_size":8960,"max_position_embeddings":32768,
    "max_window_layers":28,"model_type":"qwen2_vl","num_attention_heads":12,
    "num_hidden_layers":28,"num_key_value_heads":2,"rms_norm_eps":1e-06,"rope_theta":1000000.0,
    "sliding_window":32768,"tie_word_embeddings":true,"use_sliding_window":false,
    "vision_config":{"depth":32},"rope_scaling":{"type":"mrope","mrope_section":[16,24,24]},
    "vocab_size":151936})");
  CHECK(qwen.family == "qwen2");
  CHECK(qwen.rope_scaling.kind == RopeKind::plain);
  CHECK(qwen.tied_head);
  CHECK(qwen.windowed_layers.empty());
}

TEST_CASE("text part: what is not supported is refused by name") {
  const TemporaryDirectory directory;
  wrap("llama", "llava", directory.path());
  const auto message_with = [&](const std::function<void(Json&)>& change) {
    change_config(directory.path(), change);
    return thrown_message<ModelError>([&] { Model::load(directory.path()); });
  };
  const auto with = [&](const std::string& pointer, const Json& value) {
    return message_with([&](Json& c) { c[Json::json_pointer(pointer)] = value; });
  };
  const std::string file = (directory / "config.json").string();
  CHECK(with("/text_config/hidden_size", 0) ==
        "reading " + file +
            ": /text_config/hidden_size: expected an integer from 1 to 2^31, found 0");
  with("/text_config/hidden_size", 24);
  CHECK(contains(with("/text_config/model_type", "opt"),
                 "/text_config/model_type: expected a text part of a llava model that is "
                 "supported (llama, mistral, qwen2), found the string \"opt\""));
  with("/text_config/model_type", "llama");
  CHECK(contains(with("/quantization_config", {{"bits", 4}}),
                 ": /quantization_config: expected no quantisation"));
  with("/quantization_config", nullptr);
  CHECK(contains(with("/text_config/rope_scaling", {{"type", "mrope"}}),
                 "/text_config/rope_scaling/type: expected a rotary scaling among"));
  with("/text_config/rope_scaling", nullptr);
  CHECK(contains(with("/text_config/num_hidden_layers", 4),
                 "tensor model.layers.3.input_layernorm.weight: expected shape [24], found no"));
  CHECK(contains(with("/model_type", "paligemma"),
                 "/model_type: expected a supported family (gpt2, "));
  CHECK(contains(message_with([](Json& c) {
                   c["model_type"] = "gemma3";
                   c.erase("text_config");
                 }),
                 "/text_config: expected a value, found none"));
}

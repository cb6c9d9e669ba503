// What every family must do besides computing the right logits: say its configuration again, be
// tapped, be edited, and need each of its fields.
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

namespace {

std::string any_model() { return GENERATE(from_range(golden_models())); }

Json config_of(const std::string& model) { return read_json(golden_model(model) / "config.json"); }

at::Tensor logits_of(const Architecture& architecture, const DecoderWeights& weights,
                     const std::string& model) {
  return forward(architecture, weights, input_of(golden(model, "ids"))).logits;
}

}  // namespace

TEST_CASE(
    "architecture_to_config: a written config.json reads back with equal logits for every family") {
  const std::string name = any_model();
  INFO(name);
  const auto model = Model::load(golden_model(name));
  const Json written = architecture_to_config(model->architecture());
  const Architecture back = architecture_from_config(written, "written");
  CHECK(to_text(architecture_to_config(back)) == to_text(written));
  CHECK(max_difference(logits_of(back, model->weights(), name), golden(name, "logits")) < 1e-4);
}

TEST_CASE("a rotary base within the scaling is the base, and may not differ from one outside") {
  Json config = config_of("llama");
  config.erase("rope_theta");
  config["rope_scaling"] = {{"rope_type", "default"}, {"rope_theta", 10.0}};
  CHECK(architecture_from_config(config, "c").rope_theta == 10.0);
  config["rope_theta"] = 10.0;
  CHECK(architecture_from_config(config, "c").rope_theta == 10.0);
  config["rope_theta"] = 20.0;
  CHECK(contains(thrown_message<ModelError>([&] { architecture_from_config(config, "c"); }),
                 "/rope_scaling/rope_theta: expected the same as rope_theta outside, 20"));
  Json partial = config_of("phi3");
  partial["rope_scaling"] = {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}};
  const Architecture half = architecture_from_config(partial, "c");
  CHECK(half.rotated() == half.head_dim / 2);
}

TEST_CASE("config.json: rope_parameters means the same as the older rotary fields") {
  const std::string name =
      GENERATE(as<std::string>{}, "llama", "llama-biases", "llama-llama3", "llama-yarn", "mistral",
               "gpt_neox", "gpt_neox-serial", "gemma3_text", "phi3", "phi3-longrope");
  INFO(name);
  const Json older = config_of(name);
  Json newer = older;
  Json parameters = older.value("rope_scaling", Json(nullptr));
  if (parameters.is_null()) parameters = {{"rope_type", "default"}};
  for (const char* theta : {"rope_theta", "rotary_emb_base"}) {
    if (older.contains(theta)) parameters["rope_theta"] = older[theta];
  }
  for (const char* part : {"partial_rotary_factor", "rotary_pct"}) {
    if (older.contains(part)) parameters["partial_rotary_factor"] = older[part];
  }
  for (const char* key :
       {"rope_scaling", "rope_theta", "rotary_emb_base", "partial_rotary_factor", "rotary_pct"}) {
    newer.erase(key);
  }
  newer["rope_parameters"] = parameters;
  if (name == "gemma3_text") {
    newer["rope_parameters"] = {
        {"full_attention", parameters},
        {"sliding_attention",
         {{"rope_type", "default"}, {"rope_theta", older["rope_local_base_freq"]}}}};
    newer.erase("rope_local_base_freq");
  }
  const auto text = [](const Json& config) {
    return to_text(architecture_to_config(architecture_from_config(config, "test")));
  };
  CHECK(text(newer) == text(older));
}

TEST_CASE("config.json: configurations of public checkpoints are understood") {
  const auto read = [](const char* text) {
    return architecture_from_config(parse_json(text, "test"), "test");
  };
  const Architecture llama = read(R"({"architectures":["LlamaForCausalLM"],"attention_bias":false,
    "attention_dropout":0.0,"bos_token_id":128000,"eos_token_id":[128001,128008,128009],
    "head_dim":64,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,
    "intermediate_size":8192,"max_position_embeddings":131072,"mlp_bias":false,
    "model_type":"llama","num_attention_heads":32,"num_hidden_layers":16,
    "num_key_value_heads":8,"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_scaling":{"factor":32.0,
    "high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,
    "rope_type":"llama3"},"rope_theta":500000.0,"tie_word_embeddings":true,
    "torch_dtype":"bfloat16","use_cache":true,"vocab_size":128256})");
  CHECK(llama.rope_scaling.kind == RopeKind::llama3);
  CHECK(llama.tied_head);
  CHECK(llama.eos_ids.size() == 3);

  const Architecture mistral = read(R"({"architectures":["MistralForCausalLM"],"hidden_act":"silu",
    "hidden_size":4096,"intermediate_size":14336,"max_position_embeddings":32768,
    "model_type":"mistral","num_attention_heads":32,"num_hidden_layers":32,
    "num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_theta":10000.0,"sliding_window":4096,
    "tie_word_embeddings":false,"vocab_size":32000,"eos_token_id":2})");
  CHECK(mistral.sliding_window == 4096);
  CHECK(mistral.windowed(31));

  const Architecture qwen = read(R"({"architectures":["Qwen2ForCausalLM"],"hidden_act":"silu",
    "hidden_size":3584,"intermediate_size":18944,"max_position_embeddings":32768,
    "max_window_layers":28,"model_type":"qwen2","num_attention_heads":28,"num_hidden_layers":28,
    "num_key_value_heads":4,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":131072,
    "tie_word_embeddings":false,"use_mrope":false,"use_sliding_window":false,"vocab_size":152064})");
  CHECK(qwen.windowed_layers.empty());
  CHECK(qwen.attention_bias);

  const Architecture gemma3 = read(R"({"architectures":["Gemma3ForCausalLM"],"attention_bias":false,
    "attn_logit_softcapping":null,"cache_implementation":"hybrid","eos_token_id":[1,106],
    "final_logit_softcapping":null,"head_dim":256,"hidden_activation":"gelu_pytorch_tanh",
    "hidden_size":1152,"intermediate_size":6912,"max_position_embeddings":32768,
    "model_type":"gemma3_text","num_attention_heads":4,"num_hidden_layers":26,
    "num_key_value_heads":1,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,
    "rope_local_base_freq":10000,"rope_scaling":null,"rope_theta":1000000,"sliding_window":512,
    "sliding_window_pattern":6,"vocab_size":262144})");
  CHECK(gemma3.windowed(4));
  CHECK_FALSE(gemma3.windowed(5));
  CHECK(gemma3.tied_head);
  CHECK(gemma3.rope_local_theta == 10000.0);

  const Architecture pythia = read(R"({"architectures":["GPTNeoXForCausalLM"],"bos_token_id":0,
    "eos_token_id":0,"hidden_act":"gelu","hidden_size":512,"intermediate_size":2048,
    "layer_norm_eps":1e-05,"max_position_embeddings":2048,"model_type":"gpt_neox",
    "num_attention_heads":8,"num_hidden_layers":6,"rotary_emb_base":10000,"rotary_pct":0.25,
    "tie_word_embeddings":false,"torch_dtype":"float16","use_parallel_residual":true,
    "vocab_size":50304})");
  CHECK(pythia.rotated() == 16);
  CHECK(pythia.parallel_residual);

  const Architecture gptj = read(R"({"activation_function":"gelu_new",
    "architectures":["GPTJForCausalLM"],"attn_pdrop":0.0,"bos_token_id":50256,
    "eos_token_id":50256,"gradient_checkpointing":false,"layer_norm_epsilon":1e-05,
    "model_type":"gptj","n_embd":4096,"n_head":16,"n_inner":null,"n_layer":28,
    "n_positions":2048,"rotary":true,"rotary_dim":64,"scale_attn_weights":true,
    "task_specific_params":{"text-generation":{"do_sample":true}},"tie_word_embeddings":false,
    "vocab_size":50400})");
  CHECK(gptj.intermediate == 16384);
  CHECK(gptj.rotated() == 64);

  const Architecture opt = read(R"({"_remove_final_layer_norm":false,"activation_function":"relu",
    "architectures":["OPTForCausalLM"],"bos_token_id":2,"do_layer_norm_before":true,
    "eos_token_id":2,"ffn_dim":3072,"hidden_size":768,"max_position_embeddings":2048,
    "model_type":"opt","num_attention_heads":12,"num_hidden_layers":12,"pad_token_id":1,
    "prefix":"</s>","vocab_size":50272,"word_embed_proj_dim":768})");
  CHECK(opt.position_offset == 2);
  CHECK(opt.tied_head);

  const Architecture phi3 = read(R"({"architectures":["Phi3ForCausalLM"],"attention_bias":false,
    "auto_map":{"AutoConfig":"configuration_phi3.Phi3Config"},"embd_pdrop":0.0,
    "eos_token_id":32000,"hidden_act":"silu","hidden_size":3072,"intermediate_size":8192,
    "max_position_embeddings":4096,"model_type":"phi3","num_attention_heads":32,
    "num_hidden_layers":32,"num_key_value_heads":32,"original_max_position_embeddings":4096,
    "resid_pdrop":0.0,"rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":10000.0,
    "sliding_window":2047,"tie_word_embeddings":false,"vocab_size":32064})");
  CHECK(phi3.fused_gate_up);
  CHECK(phi3.sliding_window == 2047);
}

TEST_CASE("config.json: type and rope_type of rope_scaling are the same field") {
  Json config = config_of("llama-yarn");
  const Architecture newer = architecture_from_config(config, "test");
  config["rope_scaling"]["type"] = "yarn";
  config["rope_scaling"].erase("rope_type");
  const Architecture older = architecture_from_config(config, "test");
  CHECK(newer.rope_scaling.kind == RopeKind::yarn);
  CHECK(to_text(architecture_to_config(older)) == to_text(architecture_to_config(newer)));
}

TEST_CASE("Architecture: omitting any field of a family changes the logits") {
  struct Row {
    std::string model;
    std::function<void(Architecture&)> forget;
  };
  const std::vector<Row> rows = {
      {"gpt2-by_layer", [](Architecture& a) { a.scores_by_layer = false; }},
      {"gpt2-unscaled", [](Architecture& a) { a.query_pre_attn_scalar = 0.0; }},
      {"gptj", [](Architecture& a) { a.rotary_interleaved = false; }},
      {"gptj", [](Architecture& a) { a.rotary_dim = 0; }},
      {"gptj", [](Architecture& a) { a.parallel_residual = false; }},
      {"gpt_neox", [](Architecture& a) { a.qkv_by_head = false; }},
      {"gpt_neox", [](Architecture& a) { a.parallel_residual = false; }},
      {"gpt_neox-serial", [](Architecture& a) { a.parallel_residual = true; }},
      {"gpt_neox-serial", [](Architecture& a) { a.rope_scaling = {}; }},
      {"opt", [](Architecture& a) { a.position_offset = 1; }},
      {"opt-post_norm", [](Architecture& a) { a.norm_after_sum = false; }},
      {"llama-llama3", [](Architecture& a) { a.rope_scaling = {}; }},
      {"llama-yarn", [](Architecture& a) { a.rope_scaling.attention_factor = 1.0; }},
      {"llama-yarn", [](Architecture& a) { a.rope_scaling.kind = RopeKind::linear; }},
      {"qwen2-yarn", [](Architecture& a) { a.rope_scaling.truncate = true; }},
      {"mistral", [](Architecture& a) { a.sliding_window += 1; }},
      {"mistral", [](Architecture& a) { a.windowed_layers.clear(); }},
      {"qwen2-window", [](Architecture& a) { a.windowed_layers[1] = false; }},
      {"qwen2-window", [](Architecture& a) { a.windowed_layers[0] = true; }},
      {"qwen3", [](Architecture& a) { a.query_key_norm = QueryKeyNorm::none; }},
      {"gemma", [](Architecture& a) { a.embedding_scale = 1.0; }},
      {"gemma", [](Architecture& a) { a.norm_adds_one = false; }},
      {"gemma2", [](Architecture& a) { a.attention_cap = 0.0; }},
      {"gemma2", [](Architecture& a) { a.logit_cap = 0.0; }},
      {"gemma2", [](Architecture& a) { a.query_pre_attn_scalar = 0.0; }},
      {"gemma3_text", [](Architecture& a) { a.rope_local_theta = 0.0; }},
      {"gemma3_text", [](Architecture& a) { a.rope_scaling = {}; }},
      {"phi3", [](Architecture& a) { a.rotary_dim = 0; }},
      {"phi3-longrope", [](Architecture& a) { a.rope_scaling.attention_factor = 1.0; }},
      {"phi3-longrope-long", [](Architecture& a) { a.rope_scaling.original_positions = 40; }},
  };
  for (const auto& row : rows) {
    const auto model = Model::load(golden_model(row.model));
    Architecture forgetful = model->architecture();
    row.forget(forgetful);
    INFO(row.model << ", row " << (&row - rows.data()));
    CHECK(max_difference(logits_of(forgetful, model->weights(), row.model),
                         golden(row.model, "logits")) > 1e-3);
  }
}

TEST_CASE("Taps: attention and MLP outputs sum to the residual stream in every family") {
  const std::string name = any_model();
  INFO(name);
  const auto model = Model::load(golden_model(name));
  const Architecture& a = model->architecture();
  for (std::int64_t layer = 0; layer < a.layers; ++layer) {
    at::Tensor before, attention, middle, value, mlp, after;
    const auto keep = [](at::Tensor& out) {
      return [&out](const at::Tensor& x) { return out = x; };
    };
    Taps taps;
    taps.add(layer, Site::resid_pre, keep(before))
        .add(layer, Site::attn_out, keep(attention))
        .add(layer, Site::resid_mid, keep(middle))
        .add(layer, Site::mlp_value, keep(value))
        .add(layer, Site::mlp_out, keep(mlp))
        .add(layer, Site::resid_post, keep(after));
    const EditedModel edited(model);
    edited.forward(input_of(golden(name, "ids")), nullptr, &taps);
    if (!a.norm_after_sum) {
      CHECK(max_difference(before + attention, middle) < 1e-5);
      CHECK(max_difference(middle + mlp, after) < 1e-5);
    }
    const bool normed = !a.names.mlp_output_norm.empty() && !a.norm_after_sum;
    CHECK((max_difference(value, mlp) > 1e-3) == normed);
    CHECK(max_difference(after, golden(name, "resid_post." + std::to_string(layer))) < 1e-4);
  }
}

TEST_CASE("Taps: zeroing a branch at its tap changes the logits in every family") {
  const std::string name = any_model();
  const auto site = GENERATE(Site::attn_out, Site::mlp_out, Site::mlp_key);
  INFO(name);
  const EditedModel model(Model::load(golden_model(name)));
  Taps taps;
  taps.add(1, site, [](const at::Tensor& x) { return at::zeros_like(x); });
  const at::Tensor logits = model.forward(input_of(golden(name, "ids")), nullptr, &taps).logits;
  CHECK(max_difference(logits, golden(name, "logits")) > 1e-2);
}

TEST_CASE("EditedModel: a rank-one edit mounts on every family and unmounts bit for bit") {
  const std::string name = any_model();
  INFO(name);
  const auto base = Model::load(golden_model(name));
  const Architecture& a = base->architecture();
  const std::string weight = weight_name(a.names.down, 1);
  const at::Tensor stored = base->weight(weight);
  const bool in_out = a.orientation == Orientation::in_out;
  REQUIRE(stored.size(0) == (in_out ? a.intermediate : a.hidden));
  REQUIRE(stored.size(1) == (in_out ? a.hidden : a.intermediate));

  at::manual_seed(5);
  EditDelta delta;
  delta.editor = "test";
  delta.base_fingerprint = base->fingerprint();
  delta.updates = {
      {weight, LowRank{at::randn({stored.size(0), 1}), at::randn({1, stored.size(1)})}}};
  EditedModel model(base);
  const auto input = input_of(golden(name, "ids"));
  const at::Tensor before = model.forward(input).logits;
  model.mount("e", delta);
  CHECK(max_difference(model.forward(input).logits, before) > 1e-2);
  CHECK(model.fingerprint() != base->fingerprint());
  model.unmount("e");
  CHECK(at::equal(model.forward(input).logits, before));
  CHECK(model.weight(weight).is_same(stored));
}

TEST_CASE("write_checkpoint: a written checkpoint reads back with equal logits for every family") {
  const std::string name = any_model();
  INFO(name);
  const TemporaryDirectory directory;
  const auto model = Model::load(golden_model(name));
  write_checkpoint(directory / "out", model->architecture(), model->weights());
  const auto back = Model::load(directory / "out");
  CHECK(back->fingerprint() == model->fingerprint());
  CHECK(at::equal(logits_of(back->architecture(), back->weights(), name),
                  logits_of(model->architecture(), model->weights(), name)));
}

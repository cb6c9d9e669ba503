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

TEST_CASE("a configuration written reads back to the same configuration and the same logits") {
  const std::string name = any_model();
  INFO(name);
  const auto model = Model::load(golden_model(name));
  const Json written = architecture_to_config(model->architecture());
  const Architecture back = architecture_from_config(written, "written");
  CHECK(to_text(architecture_to_config(back)) == to_text(written));
  CHECK(max_difference(logits_of(back, model->weights(), name), golden(name, "logits")) < 1e-4);
}

TEST_CASE("the newer spelling of rotary fields means what the older one means") {
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

TEST_CASE("\"type\" and \"rope_type\" are the same field") {
  Json config = config_of("llama-yarn");
  const Architecture newer = architecture_from_config(config, "test");
  config["rope_scaling"]["type"] = "yarn";
  config["rope_scaling"].erase("rope_type");
  const Architecture older = architecture_from_config(config, "test");
  CHECK(newer.rope_scaling.kind == RopeKind::yarn);
  CHECK(to_text(architecture_to_config(older)) == to_text(architecture_to_config(newer)));
}

TEST_CASE("Phi-3's stretched rotation is computed up to the original positions and refused after") {
  const auto model = Model::load(golden_model("phi3-longrope"));
  REQUIRE(model->architecture().position_limit() == 40);
  const EditedModel edited(model);
  CHECK_NOTHROW(edited.forward(input_of(at::zeros({1, 40}, at::kLong))));
  CHECK(thrown_message<ModelError>([&] {
          edited.forward(input_of(at::zeros({1, 41}, at::kLong)));
        }) == "running the decoder: position: expected at most 40 positions, found 41");
}

TEST_CASE("every field that an architecture adds changes the logits") {
  struct Row {
    std::string model;
    std::function<void(Architecture&)> forget;
  };
  const std::vector<Row> rows = {
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

TEST_CASE("in every family what attention and MLP add is what the residual gains") {
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

TEST_CASE("a branch that is knocked out at its tap changes the logits of every family") {
  const std::string name = any_model();
  const auto site = GENERATE(Site::attn_out, Site::mlp_out, Site::mlp_key);
  INFO(name);
  const EditedModel model(Model::load(golden_model(name)));
  Taps taps;
  taps.add(1, site, [](const at::Tensor& x) { return at::zeros_like(x); });
  const at::Tensor logits = model.forward(input_of(golden(name, "ids")), nullptr, &taps).logits;
  CHECK(max_difference(logits, golden(name, "logits")) > 1e-2);
}

TEST_CASE("a rank-one edit of the rewrite module mounts on every family and unmounts to the bit") {
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

TEST_CASE("a checkpoint of every family that is written is the checkpoint read") {
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

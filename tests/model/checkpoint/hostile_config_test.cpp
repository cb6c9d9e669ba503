#include "tests/model/checkpoint/hostile_fixtures.hpp"

using namespace kedit;
using namespace kedit::testing;

namespace {

const std::vector<Hostile>& damaged_configs() {
  const Json llama3 = {{"rope_type", "llama3"}, {"factor", 8.0}, {"high_freq_factor", 4.0}};
  static const std::vector<Hostile> rows = {
      {"no family", "llama", no_field("model_type"), "/model_type: expected a value, found none"},
      {"family as a number", "llama", config("model_type", 7), "/model_type: expected a string"},
      {"unknown family", "llama", config("model_type", "mamba"),
       "/model_type: expected a supported family (gpt2, gptj, gpt_neox, opt, llama, mistral, "
       "qwen2, qwen3, gemma, gemma2, gemma3_text, phi3, olmo2) or a model with such a text part "
       "(gemma3, qwen2_vl, qwen2_5_vl, llava, llava_next, mistral3), found the string \"mamba\""},
      {"no width", "llama", no_field("hidden_size"), "/hidden_size: expected a value, found none"},
      {"width as a string", "llama", config("hidden_size", "24"),
       "/hidden_size: expected an integer, found the string \"24\""},
      {"width with a point", "llama", config("hidden_size", 24.5),
       "/hidden_size: expected an integer, found 24.5"},
      {"width as a truth", "llama", config("hidden_size", true),
       "/hidden_size: expected an integer, found true"},
      {"negative width", "llama", config("hidden_size", -24),
       "/hidden_size: expected an integer from 1 to 2^31, found -24"},
      {"no width at all", "llama", config("hidden_size", 0),
       "/hidden_size: expected an integer from 1 to 2^31, found 0"},
      {"width of 2^40", "llama", config("hidden_size", std::int64_t{1} << 40),
       "/hidden_size: expected an integer from 1 to 2^31"},
      {"width of 2^64", "llama", config("hidden_size", ~0ULL), "/hidden_size: expected an integer"},
      {"huge vocabulary", "llama", config("vocab_size", 2147483648LL),
       "tensor model.embed_tokens.weight: expected shape [2147483648, 24], found [61, 24]"},
      {"two thousand million layers", "llama", config("num_hidden_layers", 2000000000),
       "/num_hidden_layers: expected at most 10000 layers"},
      {"more layers than weights", "llama", config("num_hidden_layers", 10000),
       "tensor model.layers.3.input_layernorm.weight: expected shape [24], found no such tensor"},
      {"no heads", "llama", config("num_attention_heads", 0),
       "/num_attention_heads: expected an integer from 1 to 2^31, found 0"},
      {"key heads that do not divide", "llama", config("num_key_value_heads", 4),
       "/num_key_value_heads: expected a divisor of num_attention_heads = 6, found 4"},
      {"odd heads", "llama", config("head_dim", 7),
       "/head_dim: expected an even number of rotated elements up to the head's 7, found 7"},
      {"heads times width overflows", "llama",
       [](const fs::path& d) {
         config("num_attention_heads", 2147483648LL)(d);
         config("num_key_value_heads", 2147483648LL)(d);
         config("head_dim", 2147483648LL)(d);
       },
       "expected heads times their width up to 2^31, found 2147483648 times 2147483648"},
      {"epsilon of 0", "llama", config("rms_norm_eps", 0.0),
       "/rms_norm_eps: expected a positive number"},
      {"epsilon as a string", "llama", config("rms_norm_eps", "1e-5"),
       "/rms_norm_eps: expected a number"},
      {"negative base", "llama", config("rope_theta", -1), "/rope_theta: expected a positive"},
      {"unknown activation", "llama", config("hidden_act", "softsign"),
       "/hidden_act: expected an activation among"},
      {"tied as a string", "llama", config("tie_word_embeddings", "no"),
       "/tie_word_embeddings: expected true or false, found the string \"no\""},
      {"class names as a number", "llama", config("architectures", 7),
       "/architectures: expected an array, found 7"},
      {"rotation as a list", "llama", config("rope_scaling", {1}),
       "/rope_scaling: expected an object"},
      {"dynamic rotation", "llama", config("rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}),
       "/rope_scaling/type: expected a rotary scaling among default, linear, llama3, yarn, "
       "longrope (others are not supported), found the string \"dynamic\""},
      {"rotation named twice", "llama",
       config("rope_scaling", {{"type", "linear"}, {"rope_type", "yarn"}, {"factor", 2.0}}),
       "/rope_scaling/type: expected the same as rope_type, \"yarn\""},
      {"linear rotation without a factor", "llama", config("rope_scaling", {{"type", "linear"}}),
       "/rope_scaling/factor: expected a value, found none"},
      {"yarn without a factor", "llama", config("rope_scaling", {{"rope_type", "yarn"}}),
       "/rope_scaling/factor: expected a value, found none"},
      {"llama3 without a field", "llama", config("rope_scaling", llama3),
       "/rope_scaling/low_freq_factor: expected a value, found none"},
      {"linear rotation by null", "llama",
       config("rope_scaling", {{"type", "linear"}, {"factor", nullptr}}),
       "/rope_scaling/factor: expected a number, found null"},
      {"yarn by null", "llama", config("rope_scaling", {{"type", "yarn"}, {"factor", nullptr}}),
       "/rope_scaling/factor: expected a number, found null"},
      {"llama3 from null", "llama-llama3", field("config.json", "/rope_scaling/factor", nullptr),
       "/rope_scaling/factor: expected a number, found null"},
      {"llama3 with a border of null", "llama-llama3",
       field("config.json", "/rope_scaling/high_freq_factor", nullptr),
       "/rope_scaling/high_freq_factor: expected a number, found null"},
      {"llama3 of null positions", "llama-llama3",
       field("config.json", "/rope_scaling/original_max_position_embeddings", nullptr),
       "/rope_scaling/original_max_position_embeddings: expected an integer, found null"},
      {"longrope of no length and no factor", "phi3-longrope",
       config("original_max_position_embeddings", nullptr),
       "/rope_scaling/factor: expected a value, found none"},
      {"factor of no rotation", "llama", config("rope_scaling", {{"factor", 2.0}}),
       "/rope_scaling/rope_type: expected a value, found none"},
      {"rotation of null", "llama", config("rope_scaling", {{"rope_type", nullptr}}),
       "/rope_scaling/rope_type: expected a string, found null"},
      {"two rotations", "llama",
       [](const fs::path& d) {
         config("rope_scaling", {{"type", "linear"}, {"factor", 2.0}})(d);
         config("rope_parameters", {{"rope_type", "default"}, {"rope_theta", 500.0}})(d);
       },
       "/rope_scaling: expected the same as rope_parameters"},
      {"a list of frequencies too short", "phi3-longrope",
       field("config.json", "/rope_scaling/short_factor", Json{1.0, 2.0}),
       "/rope_scaling/short_factor: expected 8 numbers, one a rotary frequency"},
      {"a frequency of 0", "phi3-longrope", field("config.json", "/rope_scaling/long_factor/3", 0),
       "/rope_scaling/long_factor/3: expected a positive number, found 0"},
      {"more than the head rotates", "gpt_neox", config("rotary_pct", 1.5),
       "/rotary_pct: expected at most 1, found 1.5"},
      {"part of the head rotates", "llama", config("partial_rotary_factor", 0.5),
       "/partial_rotary_factor: expected 1 (a llama model that rotates a part is not supported)"},
      {"quantised", "llama", config("quantization_config", {{"bits", 4}}),
       "/quantization_config: expected no quantisation"},
      {"quantised, other writer", "llama", config("quantization", {{"bits", 4}}),
       "/quantization: expected no quantisation"},
      {"mixture of experts", "mistral", config("num_local_experts", 8),
       "/num_local_experts: expected none (mixtures of experts are not supported), found 8"},
      {"latent attention", "llama", config("kv_lora_rank", 512),
       "/kv_lora_rank: expected none (multi-head latent attention is not supported)"},
      {"scaled logits", "llama", config("logit_scale", 0.0625),
       "/logit_scale: expected 1 (other factors are not supported), found 0.0625"},
      {"capped attention", "llama", config("attn_logit_softcapping", 50.0),
       "/attn_logit_softcapping: expected null (a llama model with it is not supported)"},
      {"looks both ways", "gemma3_text", config("use_bidirectional_attention", true),
       "/use_bidirectional_attention: expected false"},
      {"layer kinds too few", "gemma2", config("layer_types", {"full_attention"}),
       "/layer_types: expected one kind for each of 2 layers, found an array of 1"},
      {"unknown layer kind", "gemma2",
       config("layer_types", {"full_attention", "linear_attention"}),
       "/layer_types/1: expected \"full_attention\" or \"sliding_attention\""},
      {"window of 0", "mistral", config("sliding_window", 0),
       "/sliding_window: expected an integer from 1 to 2^31, found 0"},
      {"windows without a window", "qwen2",
       config("layer_types", {"full_attention", "sliding_attention"}),
       "/layer_types/1: expected \"full_attention\" (the file gives no sliding window)"},
      {"negative cap", "gemma2", config("final_logit_softcapping", -30.0),
       "/final_logit_softcapping: expected a positive number, found -30"},
      {"embedding of another width", "opt", config("word_embed_proj_dim", 12),
       "tensor model.decoder.embed_tokens.weight: expected shape [61, 12], found [61, 24]"},
      {"embedding without its projection", "opt-projected",
       [](const fs::path& d) {
         tensors([](Tensors& all) {
           for (auto& [name, tensor] : all) {
             if (name == "model.decoder.project_in.weight") name = "project_in";
           }
         })(d);
       },
       "tensor model.decoder.project_in.weight: expected shape [24, 16], found no such tensor"},
      {"norms without weights", "opt", config("layer_norm_elementwise_affine", false),
       "/layer_norm_elementwise_affine: expected true (false is not supported)"},
      {"rotation as null", "gptj", config("rotary_dim", nullptr),
       "/rotary_dim: expected an integer, found null"},
      {"width not of the heads", "gpt2", config("n_head", 5),
       "/n_embd: expected a multiple of n_head = 5, found 24"},
      {"scores scaled by layer as a number", "gpt2", config("scale_attn_by_inverse_layer_idx", 1),
       "/scale_attn_by_inverse_layer_idx: expected true or false, found 1"},
      {"inner width of 2^31", "phi3", config("intermediate_size", 2147483648LL),
       "tensor model.layers.0.mlp.gate_up_proj.weight: expected shape [4294967296, 32]"},
  };
  return rows;
}

}  // namespace

TEST_CASE("Hostile config.json: damaged or unsupported fields are refused by name") {
  check_all(damaged_configs());
}

#include "model/encoder.hpp"
#include "tests/model/checkpoint/hostile_fixtures.hpp"

#include <limits>

using namespace kedit;
using namespace kedit::testing;

namespace {

// Of the checkpoint "bert", whose tensors have bare names.
std::vector<Hostile> faults() {
  const std::string query = "encoder.layer.1.attention.self.query.weight";
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {
      {"heads", "bert", config("num_attention_heads", 3),
       "/hidden_size: expected a multiple of num_att"},
      {"no heads", "bert", config("num_attention_heads", 0),
       "/num_attention_heads: expected an integer"},
      {"huge width", "bert", config("hidden_size", 1LL << 40),
       "/hidden_size: expected an integer from 1"},
      {"huge vocabulary", "bert", config("vocab_size", 2147483648LL),
       "tensor bert.embeddings.word_embed"},
      {"many layers", "bert", config("num_hidden_layers", 1000000),
       "expected at most 10000 layers"},
      {"more layers", "bert", config("num_hidden_layers", 10000),
       "bert.encoder.layer.2.attention.self"},
      {"positions", "bert", config("max_position_embeddings", 21),
       "position_embeddings.weight: expected"},
      {"types", "bert", config("type_vocab_size", 3),
       "token_type_embeddings.weight: expected shape [3, 16"},
      {"relative", "bert", config("position_embedding_type", "relative_key"),
       "expected \"absolute\""},
      {"decoder", "bert", config("is_decoder", true), "/is_decoder: expected false"},
      {"cross", "bert", config("add_cross_attention", true),
       "/add_cross_attention: expected false"},
      {"pruned", "bert", config("pruned_heads", {{"0", {1}}}),
       "/pruned_heads: expected no pruned heads"},
      {"activation", "bert", config("hidden_act", "mish"), "/hidden_act: expected an activation"},
      {"quantised", "bert", config("quantization_config", {{"bits", 4}}), "/quantization_config"},
      {"epsilon", "bert", config("layer_norm_eps", -1.0),
       "/layer_norm_eps: expected a positive number"},
      {"absent", "bert", no_tensor("embeddings.LayerNorm.bias"),
       "bert.embeddings.LayerNorm.bias: expected"},
      {"shape", "bert", tensor(query, [](const at::Tensor& t) { return t.slice(0, 0, 15); }),
       "query.weight: expected shape [16, 16], found [15, 16]"},
      {"integers", "bert", tensor(query, [](const at::Tensor& t) { return t.to(at::kInt); }),
       "query.weight: expected float32"},
      {"NaN", "bert", value_in(query, nan, at::kFloat), "query.weight: expected finite numbers"},
      {"cut file", "bert", cut(kWeights, 0.5), kWeights},
      {"pooled twice", "bert", field("1_Pooling/config.json", "/pooling_mode_cls_token", true),
       "expected false (one kind of pooling"},
      {"by length", "bert",
       field("1_Pooling/config.json", "/pooling_mode_mean_sqrt_len_tokens", true),
       "expected false (one kind of pooling"},
      {"last token", "bert",
       contents("1_Pooling/config.json", R"({"pooling_mode_lasttoken": true})"),
       "/pooling_mode_lasttoken: expected false (pooling is supported over"},
      {"no pooling", "bert", field("1_Pooling/config.json", "/pooling_mode_mean_tokens", false),
       "expected one of pooling_mode_mean_tokens"},
      {"width of pooling", "bert", field("1_Pooling/config.json", "/word_embedding_dimension", 8),
       "/word_embedding_dimension: expected 16"},
      {"module", "bert", field("modules.json", "/2/type", "sentence_transformers.models.Dense"),
       "/2/type: expected a Transformer, then a Pooling"},
      {"a folder outside", "bert", field("modules.json", "/1/path", "../1_Pooling"),
       "/1/path: expected the bare name of a folder"},
      {"another folder", "bert", field("modules.json", "/0/path", "0_BERT"),
       "/0/path: expected \"\""},
      {"no modules", "bert", contents("modules.json", "[]"),
       "expected a Transformer and a Pooling"},
      {"length", "bert", field("sentence_bert_config.json", "/max_seq_length", 0), "at least 1"},
      {"letters", "bert", field("sentence_bert_config.json", "/do_lower_case", true),
       "/do_lower_case"},
  };
}

}  // namespace

TEST_CASE("hostile encoder: each damage is refused by one sentence that names it") {
  check_all(faults(), [](const fs::path& directory) { Encoder::load(directory); });
}

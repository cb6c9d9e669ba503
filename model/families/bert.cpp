#include "model/families/family.hpp"

#include <fmt/format.h>

namespace kedit::families {
namespace {

void set_names(Architecture::Names& names) {
  names.token_embedding = "bert.embeddings.word_embeddings";
  names.position_embedding = "bert.embeddings.position_embeddings";
  names.token_type_embedding = "bert.embeddings.token_type_embeddings";
  names.embedding_norm = "bert.embeddings.LayerNorm";
  names.block = "bert.encoder.layer.{}";
  names.query = names.block + ".attention.self.query";
  names.key = names.block + ".attention.self.key";
  names.value = names.block + ".attention.self.value";
  names.attention_output = names.block + ".attention.output.dense";
  names.attention_output_norm = names.block + ".attention.output.LayerNorm";
  names.up = names.block + ".intermediate.dense";
  names.down = names.block + ".output.dense";
  names.mlp_output_norm = names.block + ".output.LayerNorm";
}

void refuse_other_forms(const JsonView& config) {
  require_flag(config, "is_decoder", false);
  const auto positions = config.find("position_embedding_type");
  if (positions && positions->string() != "absolute") {
    positions->fail("\"absolute\" (other positions are not supported)");
  }
  const auto pruned = config.find("pruned_heads");
  if (pruned && !pruned->value().empty()) pruned->fail("no pruned heads (they are not supported)");
}

void read(const JsonView& config, Architecture& out) {
  refuse_other_forms(config);
  read_equal_heads(config, out, "hidden_size", "num_attention_heads");
  out.intermediate = read_size(config, "intermediate_size");
  out.layers = read_layer_count(config, "num_hidden_layers");
  out.vocab = read_size(config, "vocab_size");
  out.max_positions = read_size(config, "max_position_embeddings", 512);
  out.token_types = read_size(config, "type_vocab_size", 2);
  out.positions = PositionKind::learned;
  out.norm = NormKind::layer_norm;
  out.norm_epsilon = read_positive(config, "layer_norm_eps", 1e-12);
  out.norm_after_sum = true;
  out.bidirectional = true;
  out.gated_mlp = false;
  out.activation = read_activation(config, "hidden_act", "gelu");
  out.attention_bias = true;
  out.attention_output_bias = true;
  out.mlp_bias = true;
  out.tied_head = true;  // there is none
  set_names(out.names);
}

void write(const Architecture& architecture, Json& out) {
  out["hidden_size"] = architecture.hidden;
  out["intermediate_size"] = architecture.intermediate;
  out["num_hidden_layers"] = architecture.layers;
  out["num_attention_heads"] = architecture.heads;
  out["vocab_size"] = architecture.vocab;
  out["max_position_embeddings"] = architecture.max_positions;
  out["type_vocab_size"] = architecture.token_types;
  out["layer_norm_eps"] = architecture.norm_epsilon;
  out["hidden_act"] = std::string(activation_name(architecture.activation));
}

}  // namespace

Family bert() { return {"bert", "BertModel", read, write}; }

}  // namespace kedit::families

#include "model/gguf/tensor_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace kedit::gguf {
namespace {

std::string filled(std::string text, std::int64_t layer) {
  const auto place = text.find("{}");
  if (place != std::string::npos) text.replace(place, 2, std::to_string(layer));
  return text;
}

// Collects forms; knows the layer that templates are filled with.
class Collector {
 public:
  explicit Collector(const Architecture& architecture) : architecture_(architecture) {}

  void table(const std::string& name, std::string_view stored) {
    if (!name.empty()) forms_[name + ".weight"].name = std::string(stored) + ".weight";
  }
  void norm(const std::string& name, std::string_view stored, std::int64_t layer = 0) {
    add(name, stored, layer, {"", {}, false, architecture_.norm_adds_one});
  }
  void linear(const std::string& name, std::string_view stored, std::int64_t layer,
              const RowOrder& rows = {}) {
    add(name, stored, layer, {"", rows, architecture_.orientation == Orientation::in_out, false});
  }
  std::unordered_map<std::string, StoredForm> take() { return std::move(forms_); }

 private:
  void add(const std::string& name, std::string_view stored, std::int64_t layer, StoredForm form) {
    if (name.empty()) return;
    for (const char* suffix : {".weight", ".bias"}) {
      form.name = fmt::format("blk.{}.{}{}", layer, stored, suffix);
      if (name.find("{}") == std::string::npos) form.name = fmt::format("{}{}", stored, suffix);
      forms_[filled(name, layer) + suffix] = form;
    }
  }

  const Architecture& architecture_;
  std::unordered_map<std::string, StoredForm> forms_;
};

void add_layer(Collector& collector, const Architecture::Names& names, std::int64_t layer,
               const RowOrder& query, const RowOrder& key, const RowOrder& fused) {
  collector.norm(names.attention_norm, "attn_norm", layer);
  collector.norm(names.attention_output_norm, "post_attention_norm", layer);
  collector.norm(names.mlp_norm, "ffn_norm", layer);
  collector.norm(names.mlp_output_norm, "post_ffw_norm", layer);
  collector.norm(names.query_norm, "attn_q_norm", layer);
  collector.norm(names.key_norm, "attn_k_norm", layer);
  collector.linear(names.query, "attn_q", layer, query);
  collector.linear(names.key, "attn_k", layer, key);
  collector.linear(names.value, "attn_v", layer);
  collector.linear(names.qkv, "attn_qkv", layer, fused);
  collector.linear(names.attention_output, "attn_output", layer);
  collector.linear(names.gate, "ffn_gate", layer);
  collector.linear(names.up, "ffn_up", layer);
  collector.linear(names.gate_up, "ffn_up", layer);
  collector.linear(names.down, "ffn_down", layer);
}

}  // namespace

std::int64_t RowOrder::checkpoint_row(std::int64_t row) const {
  const std::int64_t i = row % std::max<std::int64_t>(width, 1);
  if (kind == Kind::pairs) return row - i + (i % 2) * (width / 2) + i / 2;
  if (kind == Kind::same) return row;
  const std::int64_t head = row / width % heads;
  const std::int64_t part = row / width / heads;
  return (head * 3 + part) * width + i;
}

std::unordered_map<std::string, StoredForm> stored_forms(const Architecture& a,
                                                         const std::string& gguf_architecture) {
  using Kind = RowOrder::Kind;
  const Kind rotated = gguf_architecture == "llama" ? Kind::pairs : Kind::same;
  const RowOrder query{rotated, a.heads, a.head_dim};
  const RowOrder key{rotated, a.kv_heads, a.head_dim};
  const RowOrder fused{a.qkv_by_head ? Kind::parts : Kind::same, a.heads, a.head_dim};
  Collector collector(a);
  collector.table(a.names.token_embedding, "token_embd");
  collector.table(a.names.position_embedding, "position_embd");
  collector.table(a.names.head, "output");
  collector.norm(a.names.final_norm, "output_norm");
  for (std::int64_t layer = 0; layer < a.layers; ++layer) {
    add_layer(collector, a.names, layer, query, key, fused);
  }
  return collector.take();
}

}  // namespace kedit::gguf

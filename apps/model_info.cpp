#include "apps/model_info.hpp"

#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

namespace kedit::cli {
namespace {

Json tokenizer_json(const Model& model) {
  if (!model.has_tokenizer()) return nullptr;
  return {{"kind", model.tokenizer().kind()}, {"vocab", model.tokenizer().vocab_size()}};
}

Json source_json(const ModelSource& source) {
  Json json = {{"format", source.format}};
  if (source.quantisation.empty()) return json;
  json["quantisation"] = source.quantisation;
  json["tensor_types"] = source.tensor_types;
  return json;
}

// "gguf, Q4_1 (61 F32, 210 Q4_1, 1 Q8_0 tensors)"
std::string shown_source(const ModelSource& source) {
  if (source.quantisation.empty()) return source.format;
  std::vector<std::string> types;
  for (const auto& [type, count] : source.tensor_types) {
    types.push_back(fmt::format("{} {}", count, type));
  }
  return fmt::format("{}, {} ({} tensors)", source.format, source.quantisation,
                     fmt::join(types, ", "));
}

std::string shown_weights(const Model& model) {
  const std::string stored = model.stored_dtype();
  return fmt::format("{}{}, {}", model.dtype(),
                     stored == model.dtype() ? "" : " (stored: " + stored + ")",
                     short_bytes(model.bytes()));
}

// An encoder has no head.
bool has_tied_head(const Architecture& shape) { return shape.tied_head && !shape.bidirectional; }

}  // namespace

Json model_json(const Model& model) {
  const Architecture& shape = model.architecture();
  return {{"family", shape.family},
          {"architecture", shape.class_name},
          {"layers", shape.layers},
          {"hidden", shape.hidden},
          {"heads", shape.heads},
          {"kv_heads", shape.kv_heads},
          {"vocab", shape.vocab},
          {"max_positions", shape.max_positions},
          {"parameters", model.parameters()},
          {"dtype", model.dtype()},
          {"stored_dtype", model.stored_dtype()},
          {"bytes", model.bytes()},
          {"source", source_json(model.source())},
          {"tied_head", has_tied_head(shape)},
          {"fingerprint", model.fingerprint()},
          {"tokenizer", tokenizer_json(model)}};
}

Table model_table(const Model& model) {
  const Architecture& shape = model.architecture();
  Table table({{"model"}, {model.path().string()}});
  table.row({"family", fmt::format("{} ({}){}", shape.family, shape.class_name,
                                   shape.bidirectional ? ", an encoder" : "")});
  table.row({"layers", fmt::format("{}", shape.layers)});
  table.row({"hidden", fmt::format("{}, inner {}", shape.hidden, shape.intermediate)});
  table.row({"heads",
             fmt::format("{} of {}, {} key/value", shape.heads, shape.head_dim, shape.kv_heads)});
  table.row(
      {"vocabulary", fmt::format("{}{}", shape.vocab, has_tied_head(shape) ? ", tied head" : "")});
  table.row({"positions", fmt::format("{}", shape.max_positions)});
  table.row({"parameters", short_count(model.parameters())});
  table.row({"weights", shown_weights(model)});
  table.row({"source", shown_source(model.source())});
  table.row({"tokenizer", model.has_tokenizer() ? model.tokenizer().kind() : "none"});
  return table;
}

}  // namespace kedit::cli

#include "model/families/family.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace kedit::families {
namespace {

// What the classes of text parts take where a nested configuration says nothing: such files often
// hold only what differs from these.
constexpr std::string_view kLlama = R"({"vocab_size":32000,"hidden_size":4096,
  "intermediate_size":11008,"num_hidden_layers":32,"num_attention_heads":32})";
constexpr std::string_view kMistral = R"({"vocab_size":32000,"hidden_size":4096,
  "intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,
  "num_key_value_heads":8,"max_position_embeddings":131072})";
constexpr std::string_view kQwen2 = R"({"vocab_size":151936,"hidden_size":4096,
  "intermediate_size":22016,"num_hidden_layers":32,"num_attention_heads":32,
  "max_position_embeddings":32768})";
constexpr std::string_view kQwen2Vl = R"({"vocab_size":152064,"hidden_size":8192,
  "intermediate_size":29568,"num_hidden_layers":80,"num_attention_heads":64,
  "num_key_value_heads":8,"max_position_embeddings":32768,"rms_norm_eps":1e-5,
  "rope_theta":1000000.0,"max_window_layers":80})";
constexpr std::string_view kGemma3 = R"({"vocab_size":262208,"hidden_size":2304,
  "intermediate_size":9216,"num_hidden_layers":26,"num_attention_heads":8,
  "num_key_value_heads":4,"max_position_embeddings":131072})";

struct Part {
  std::string_view whole, part;  // model_types of the file and of its text part
  std::string_view family;       // that reads the part
  std::string_view defaults;
};

// The first row of a model is what its text part is when the file does not name it.
constexpr std::array<Part, 10> kParts = {{
    {"gemma3", "gemma3_text", "gemma3_text", kGemma3},
    {"qwen2_vl", "qwen2_vl_text", "qwen2", kQwen2Vl},
    {"qwen2_5_vl", "qwen2_5_vl_text", "qwen2", kQwen2Vl},
    {"llava", "llama", "llama", kLlama},
    {"llava", "mistral", "mistral", kMistral},
    {"llava", "qwen2", "qwen2", kQwen2},
    {"llava_next", "llama", "llama", kLlama},
    {"llava_next", "mistral", "mistral", kMistral},
    {"llava_next", "qwen2", "qwen2", kQwen2},
    {"mistral3", "mistral", "mistral", kMistral},
}};

std::vector<std::string_view> parts_of(std::string_view whole) {
  std::vector<std::string_view> names;
  for (const Part& row : kParts) {
    if (row.whole == whole) names.push_back(row.part);
  }
  return names;
}

// The text part's row; `nested` is false where the file's own fields describe the text part.
const Part& find_part(const JsonView& text, std::string_view whole, bool nested) {
  const auto names = parts_of(whole);
  const auto field = nested ? text.find("model_type") : std::nullopt;
  const std::string name = field ? field->string() : std::string(names.front());
  for (const Part& row : kParts) {
    if (row.whole == whole && row.part == name) return row;
  }
  field->fail(fmt::format("a text part of a {} model that is supported ({})", whole,
                          fmt::join(names, ", ")));
}

// Positions in time, height and width are one and the same for text, and then mrope is the plain
// rotation, stretched or not as its kind says.
void read_mrope_as_plain(Json& text) {
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (!text.contains(key) || !text[key].is_object()) continue;
    Json& rope = text[key];
    for (const char* kind : {"type", "rope_type"}) {
      if (rope.contains(kind) && rope[kind] == "mrope") rope[kind] = "default";
    }
  }
}

}  // namespace

std::vector<std::string> models_with_text_part() {
  std::vector<std::string> names;
  for (const Part& row : kParts) {
    if (names.empty() || names.back() != row.whole) names.emplace_back(row.whole);
  }
  return names;
}

std::optional<TextPart> text_part(const JsonView& config) {
  const std::string whole = config.at("model_type").string();
  if (parts_of(whole).empty()) return std::nullopt;
  Json others = config.value();
  others.erase("vision_config");
  refuse_foreign(JsonView(others, config.origin()));
  const bool is_qwen = whole == "qwen2_vl" || whole == "qwen2_5_vl";
  // Older Qwen files describe the text part beside the other parts, not inside a field.
  const bool nested = !is_qwen || config.has("text_config");
  const JsonView text = nested ? config.at("text_config") : JsonView(others, config.origin());
  const Part& part = find_part(text, whole, nested);
  TextPart out{parse_json(part.defaults, "defaults"), text.pointer()};
  for (const std::string& key : text.keys()) out.config[key] = text.at(key).value();
  out.config["model_type"] = std::string(part.family);
  if (is_qwen) read_mrope_as_plain(out.config);
  return out;
}

}  // namespace kedit::families

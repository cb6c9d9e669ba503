#pragma once

#include "json/json.hpp"
#include "json/short_name.hpp"
#include "tokenizer/pipeline_tokenizer.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

// What the readers of the parts of a tokenizer.json share.
namespace kedit::tokenizer {

inline std::string where_of(const JsonView& field) {
  return fmt::format("reading {}: {}", field.origin(), field.pointer());
}

[[noreturn]] inline void refuse(const JsonView& field, std::string_view expected,
                                std::string_view found) {
  throw TokenizerError(fmt::format("{}: expected {}, found {}, which this version does not support",
                                   where_of(field), short_name(expected), short_name(found)));
}

inline bool flag(const JsonView& object, std::string_view key, bool otherwise) {
  const auto field = object.find(key);
  return field ? field->boolean() : otherwise;
}

inline std::string text_or(const JsonView& object, std::string_view key,
                           const std::string& otherwise) {
  const auto field = object.find(key);
  return field ? field->string() : otherwise;
}

inline std::string type_of(const JsonView& object) { return object.at("type").string(); }

// Calls visit(step) for the parts of a Sequence (under `list`), or for the value itself.
template <typename Visit>
void for_each_step(const JsonView& value, std::string_view list, Visit visit) {
  if (type_of(value) != "Sequence") return visit(value);
  const JsonView steps = value.at(list);
  for (std::size_t i = 0; i < steps.size(); ++i) for_each_step(steps.at(i), list, visit);
}

std::vector<NormalizerPtr> read_normalizers(const JsonView& root);

struct PreTokenizerSteps {
  std::vector<PreTokenizerPtr> steps;
  bool byte_level = false;  ///< The model sees bytes in GPT-2's alphabet.
};
PreTokenizerSteps read_pre_tokenizers(const JsonView& root);

std::vector<TokenDecoderPtr> read_decoders(const JsonView& root);

/// Fills vocabulary, model and kind.
void read_model(const JsonView& root, bool byte_level, TokenizerParts& parts);

}  // namespace kedit::tokenizer

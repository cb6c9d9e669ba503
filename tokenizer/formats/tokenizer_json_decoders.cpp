#include "tokenizer/formats/tokenizer_json_fields.hpp"

namespace kedit::tokenizer {
namespace {

TokenDecoderPtr read_replace(const JsonView& step) {
  const JsonView pattern = step.at("pattern");
  const std::string content = step.at("content").string();
  const auto regex = pattern.find("Regex");
  if (!regex) return replace_literal_decoder(pattern.at("String").string(), content);
  return replace_pattern_decoder(SplitPattern::regex(regex->string(), where_of(*regex)), content);
}

std::size_t count(const JsonView& step, std::string_view key) {
  const JsonView field = step.at(key);
  if (field.integer() < 0) field.fail("a count");
  return static_cast<std::size_t>(field.integer());
}

TokenDecoderPtr read_metaspace(const JsonView& step) {
  const bool never =
      text_or(step, "prepend_scheme", "always") == "never" || !flag(step, "add_prefix_space", true);
  return metaspace_decoder(step.at("replacement").string(), !never);
}

TokenDecoderPtr read_decoder(const JsonView& step) {
  const std::string type = type_of(step);
  if (type == "ByteLevel") return byte_level_decoder();
  if (type == "ByteFallback") return byte_fallback_decoder();
  if (type == "Fuse") return fuse_decoder();
  if (type == "Metaspace") return read_metaspace(step);
  if (type == "Replace") return read_replace(step);
  if (type == "BPEDecoder") return word_suffix_decoder(text_or(step, "suffix", "</w>"));
  if (type == "Strip") {
    return strip_decoder(step.at("content").string(), count(step, "start"), count(step, "stop"));
  }
  if (type == "WordPiece") {
    return word_piece_decoder(text_or(step, "prefix", "##"), flag(step, "cleanup", true));
  }
  refuse(step.at("type"),
         "ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip, WordPiece or BPEDecoder",
         "the decoder " + type);
}

}  // namespace

std::vector<TokenDecoderPtr> read_decoders(const JsonView& root) {
  std::vector<TokenDecoderPtr> steps;
  const auto decoder = root.find("decoder");
  if (!decoder) {
    steps.push_back(join_decoder());
    return steps;
  }
  for_each_step(*decoder, "decoders",
                [&](const JsonView& step) { steps.push_back(read_decoder(step)); });
  return steps;
}

}  // namespace kedit::tokenizer

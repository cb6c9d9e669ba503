#pragma once

#include "json/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kedit::tokenizer {

/// U+2581, a blank in SentencePiece's tokens.
inline constexpr std::string_view kBlankMark = "\xE2\x96\x81";

/// The tokens of a GGUF file's metadata with their types and roles, checked against each other.
class GgufVocabulary {
 public:
  /// `tokenizer.ggml.token_type`.
  enum class Type : std::uint8_t { normal = 1, unknown, control, user_defined, unused, byte };
  enum class Kind { byte_level, sentencepiece };  ///< `tokenizer.ggml.model`: gpt2, llama

  /// `adds_bos` where the file does not say it. Throws `JsonError` or `TokenizerError` with file
  /// and key.
  GgufVocabulary(const JsonView& metadata, bool adds_bos_by_default);
  GgufVocabulary(const GgufVocabulary&) = delete;  // ids_ looks into texts_
  GgufVocabulary& operator=(const GgufVocabulary&) = delete;

  Kind kind() const { return kind_; }
  std::size_t size() const { return texts_.size(); }
  const std::string& text(std::size_t id) const { return texts_[id]; }
  Type type(std::size_t id) const { return types_[id]; }
  std::optional<std::size_t> find(std::string_view text) const;

  std::optional<std::size_t> bos, eos, unk, pad;
  bool adds_bos = false, adds_eos = false;

  /// Looked for in every text as a whole, and not part of what the model says.
  bool is_special(std::size_t id) const;
  /// The texts of bytes ("<0x0A>") are all there.
  bool has_bytes() const { return has_bytes_; }

 private:
  void read_texts(const JsonView& metadata);
  void read_types(const JsonView& metadata);
  void read_bytes(const JsonView& metadata);
  void read_roles(const JsonView& metadata);
  void read_template(const JsonView& metadata, bool adds_bos_by_default);
  std::optional<std::size_t> role(const JsonView& metadata, std::string_view key,
                                  std::size_t otherwise, Type type) const;

  Kind kind_;
  std::vector<std::string> texts_;
  std::vector<Type> types_;
  std::unordered_map<std::string_view, std::size_t> ids_;
  bool has_bytes_ = false;
};

/// Throws `TokenizerError` for kinds that are not supported.
GgufVocabulary::Kind kind_of_gguf(const JsonView& metadata);

/// `tokenizer.ggml.merges`, each checked against the vocabulary.
Json merges_of_gguf(const JsonView& metadata, const GgufVocabulary& vocabulary);

/// The merges that SentencePiece's scores mean, the best first, in the order of the reference
/// library (transformers 4.57.1, `generate_merges`): by score, then by the lengths of the parts.
Json merges_of_scores(const JsonView& metadata, const GgufVocabulary& vocabulary);

}  // namespace kedit::tokenizer

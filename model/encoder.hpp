#pragma once

#include "model/model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// How the vectors of a text's tokens become one vector, special tokens included.
enum class Pooling { mean, first, max };
const char* to_string(Pooling pooling);

struct EmbedOptions {
  /// Vectors of length one, v / max(|v|, 1e-12); unset: as the checkpoint says
  /// (`Encoder::normalizes`).
  std::optional<bool> normalize = std::nullopt;
  std::int64_t batch_tokens = 2048;  ///< Tokens that run together; a longer text runs by itself.
};

/// An encoder of the BERT type (MiniLM, Contriever): one vector a text, equal to what Sentence
/// Transformers makes of the same directory. Immutable once loaded; may be used from several
/// threads.
class Encoder {
 public:
  /// Reads config.json, model.safetensors (or its shards), the tokenizer, and how vectors are made
  /// (modules.json, its pooling's config.json, sentence_bert_config.json) of a Hugging Face
  /// directory. Throws `ModelError` (file, tensor or field, expected, found), also for a decoder;
  /// `DeviceError` for a device that is not there.
  static std::shared_ptr<const Encoder> load(const std::filesystem::path& directory,
                                             const LoadOptions& options = {});
  /// True if config.json of the directory names a family of encoders; never throws.
  static bool present(const std::filesystem::path& directory);
  ~Encoder();

  /// Token ids of a text, special tokens included, at most `max_tokens`: of a longer one its
  /// beginning. Throws `TokenizerError` for text that is not UTF-8, `ModelError` without a
  /// tokenizer.
  std::vector<std::int64_t> ids(std::string_view text) const;
  /// Vectors of texts, [texts, hidden] float32 on the CPU. A text's vector does not depend on the
  /// texts beside it (but for the last bits). Throws as `ids` does.
  at::Tensor embed(const std::vector<std::string>& texts, const EmbedOptions& options = {}) const;
  /// The same of token ids. Throws `ModelError` for no id, more than the position table holds, or
  /// one outside the vocabulary; `std::invalid_argument` for options out of range.
  at::Tensor embed_ids(const std::vector<std::vector<std::int64_t>>& ids,
                       const EmbedOptions& options = {}) const;

  std::int64_t max_tokens() const;  ///< Of a text, special tokens included.
  Pooling pooling() const;
  /// Whether vectors have length one unless the options say otherwise: modules.json has a
  /// Normalize, or there is no such file.
  bool normalizes() const;
  /// The checkpoint: architecture, weights, tokenizer, fingerprint.
  const Model& model() const;

 private:
  struct Impl;
  explicit Encoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kedit

#pragma once

#include "model/decoder/architecture.hpp"
#include "model/decoder/decoder.hpp"
#include "tokenizer/tokenizer.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

struct LoadOptions {
  std::string device = "cpu";    ///< "cpu", "cuda", "cuda:N", "auto"
  std::string dtype = "auto";    ///< "auto" (as stored), "float32", "bfloat16", "float16"
  bool allow_nonfinite = false;  ///< Otherwise weights with NaN or infinity are refused by name.
  /// Gets at most one sentence: which tensors of the checkpoint the model does not use.
  std::function<void(const std::string&)> warn = {};
};

/// A checkpoint, immutable once loaded and shared by all overlays. Weights are memory-mapped; no
/// copy is made on the CPU when the dtype agrees.
class Model {
 public:
  /// Reads config.json, *.safetensors and, if present, the tokenizer of a Hugging Face directory.
  /// Throws `ModelError` (file, tensor or field, expected, found), `DeviceError` for a device that
  /// is not there.
  static std::shared_ptr<const Model> load(const std::filesystem::path& directory,
                                           const LoadOptions& options = {});
  /// A model from tensors in memory (training, tests). `tokenizer` may be null.
  static std::shared_ptr<const Model> from_weights(Architecture architecture,
                                                   DecoderWeights weights,
                                                   std::shared_ptr<const Tokenizer> tokenizer);
  ~Model();

  const Architecture& architecture() const;
  const DecoderWeights& weights() const;
  /// The tensor under its checkpoint name, as stored (orientation!). Throws when absent.
  at::Tensor weight(std::string_view name) const;
  std::vector<std::string> weight_names() const;
  bool has_tokenizer() const;
  /// Throws `ModelError` when the directory has no tokenizer.
  const Tokenizer& tokenizer() const;
  std::shared_ptr<const Tokenizer> tokenizer_ptr() const;  ///< May be null.
  /// SHA-256 over architecture, names, dtypes, shapes and bytes of all weights: equal models, equal
  /// fingerprints, wherever they lie.
  const std::string& fingerprint() const;
  /// SHA-256 of the bytes of each tensor, in the order of `weight_names`: with these an overlay
  /// hashes only what it has changed.
  const std::vector<std::string>& tensor_digests() const;
  std::int64_t parameters() const;  ///< A tied head counts once.
  std::int64_t bytes() const;
  std::string dtype() const;                       ///< "float32", ... of the bulk of the weights
  const std::filesystem::path& directory() const;  ///< Empty for a model from memory.

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The device asked for is not there. Exit code 5.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Fingerprint of any set of weights of an architecture (what Model::fingerprint returns).
std::string weights_fingerprint(const Architecture& architecture, const DecoderWeights& weights);

/// Writes config.json, generation_config.json and model.safetensors (float32 as given) into a new
/// or existing directory, each file atomically. The reference library loads it.
void write_checkpoint(const std::filesystem::path& directory, const Architecture& architecture,
                      const DecoderWeights& weights);

}  // namespace kedit

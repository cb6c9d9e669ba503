#pragma once

#include "model/decoder/architecture.hpp"
#include "model/decoder/decoder.hpp"
#include "tokenizer/tokenizer.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

struct LoadOptions {
  std::string device = "cpu";    ///< "cpu", "cuda", "cuda:N", "auto"
  std::string dtype = "auto";    ///< "auto" (as stored), "float32", "bfloat16", "float16"
  bool keep_types = false;       ///< Weights keep their stored types: to be looked at, not to run.
  bool allow_nonfinite = false;  ///< Otherwise weights with NaN or infinity are refused by name.
  /// Gets sentences: which tensors of the checkpoint the model does not use; that only the text
  /// part of a model of several parts is read; which tensors are not those that the cache knows
  /// although their file seems untouched (`verify`).
  std::function<void(const std::string&)> warn = {};
  /// Directory that remembers what reading all weights of a checkpoint found (digests, no NaN), for
  /// as long as path, size, time of change and inode of its files stay the same. Empty: none.
  std::filesystem::path cache = {};
  bool verify = false;  ///< Read and hash all weights now, whatever the cache remembers.
};

/// What a checkpoint's files are.
struct ModelSource {
  std::string format;        ///< "safetensors", "gguf"; "memory" for a model without files.
  std::string quantisation;  ///< gguf: the type of most weights, "Q4_1", "F16"; else empty.
  std::map<std::string, std::int64_t> tensor_types;  ///< gguf: how many tensors of which type.
};

namespace checkpoint {
struct TensorDigest;
}

/// A checkpoint, immutable once loaded and shared by all overlays. Weights of a directory are
/// memory-mapped; no copy is made on the CPU when the dtype agrees.
class Model {
 public:
  /// Reads config.json, *.safetensors and, if present, the tokenizer of a Hugging Face directory;
  /// or a GGUF file (the first one of a split model), whose weights are dequantised to float32
  /// unless another dtype is asked for. Throws `ModelError` (file, tensor or field, expected,
  /// found), `DeviceError` for a device that is not there.
  static std::shared_ptr<const Model> load(const std::filesystem::path& path,
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
  /// SHA-256 over architecture, names, dtypes, shapes and bytes of all weights as they are stored,
  /// those of a GGUF file dequantised: equal checkpoints, equal fingerprints, wherever they lie and
  /// whatever type they are computed in.
  const std::string& fingerprint() const;
  /// Name, type, shape and SHA-256 of each tensor as it is stored, in the order of `weight_names`:
  /// with these an overlay hashes only what it has changed.
  const std::vector<checkpoint::TensorDigest>& tensor_digests() const;
  /// True while nothing but the cache was asked for what all weights hold: no byte of them was read
  /// to hash them or to look for NaN.
  bool remembered() const;
  std::int64_t parameters() const;  ///< A tied head counts once.
  std::int64_t bytes() const;
  std::string dtype() const;  ///< "float32", ...: what the weights are computed in.
  /// Of the bulk of the weights in the checkpoint's files; of a GGUF file "float32", what its
  /// numbers are dequantised to and what the fingerprint is of.
  std::string stored_dtype() const;
  const ModelSource& source() const;
  const std::filesystem::path& path() const;  ///< Directory or file; empty: a model from memory.

 private:
  friend class Encoder;
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  static std::shared_ptr<const Model> load_as(Architecture architecture,
                                              const std::filesystem::path& directory,
                                              const LoadOptions& options);
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

#pragma once

#include "edits/progress.hpp"
#include "json/json.hpp"
#include "model/cache_directory.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kedit::locate {

/// C = E[k k^T] of the rewrite module's inputs over a corpus, uncentred (ROME, section 3.1 and
/// appendix E.5), and where it comes from.
struct SecondMoment {
  at::Tensor matrix;       ///< [m, m] float32 or float64, CPU; already divided by `count`
  std::int64_t count = 0;  ///< keys summed: every token of every text
  Json provenance =
      Json::object();  ///< model, layer, corpus, corpus_sha256, samples, dtype, tokens
};

/// Texts that statistics are collected over.
struct Corpus {
  std::string name;    ///< file name, for people
  std::string sha256;  ///< of the texts in order, each followed by a newline
  std::vector<std::string> texts;
};

/// One text per non-blank line. Throws `JsonError` naming the file; `EditError` when it holds none.
Corpus read_corpus(const std::filesystem::path& file);
Corpus make_corpus(std::string name, std::vector<std::string> texts);

struct MomentOptions {
  /// mom2_n_samples: texts used; fewer than the corpus has: the first of a seeded shuffle.
  std::int64_t samples = 100000;
  std::string dtype = "float32";  ///< mom2_dtype of the stored matrix; sums always run in float64
  std::int64_t tokens = 0;        ///< Not 0: so many tokens of the shuffled texts, then no more.
};

/// Collects the statistics of all `layers` in one pass over the texts (each truncated to the
/// model's positions; special tokens count). Sees the *base* model: mounted edits play no part.
/// Progress is reported per batch. Throws `EditError` for a layer that is not there or an empty
/// corpus, `Interrupted` when a stop is requested.
std::map<std::int64_t, SecondMoment> collect_second_moments(const Model& model,
                                                            const std::vector<std::int64_t>& layers,
                                                            const Corpus& corpus,
                                                            const MomentOptions& options,
                                                            const RunContext& run);

/// `second_moment` [m, m] and `count` of a safetensors file, or of the reference programs' .npz
/// (`read_npz_moment`). Throws `StatisticsError` when the shape is not [width, width], the matrix
/// is not finite or not symmetric.
SecondMoment read_second_moment(const std::filesystem::path& file, std::int64_t width);
void write_second_moment(const std::filesystem::path& file, const SecondMoment& moment);

/// Whose statistics they are: the model's fingerprint; computed in another type than the stored one
/// the numbers are others, and so is this.
std::string moment_owner(const Model& model);

/// What a cached second moment is found by.
struct MomentKey {
  std::string fingerprint;  ///< `moment_owner` of the base model
  std::int64_t layer = 0;
  std::string corpus_sha256;
  std::int64_t samples = 0;  ///< texts really used
  std::string dtype;
  std::int64_t tokens = 0;  ///< 0: all of these texts

  std::string file_name() const;  ///< "layer0-<16 hex>.safetensors"
};

MomentKey moment_key(const Model& model, std::int64_t layer, const Corpus& corpus,
                     const MomentOptions& options);

/// Content-addressed store of second moments below a directory.
class MomentCache {
 public:
  explicit MomentCache(std::filesystem::path directory = cache_directory());

  std::filesystem::path file(const MomentKey& key) const;
  std::optional<SecondMoment> find(const MomentKey& key, std::int64_t width) const;
  void put(const MomentKey& key, const SecondMoment& moment) const;
  /// Files for a model's layer over any corpus, sorted.
  std::vector<std::filesystem::path> files(const std::string& fingerprint,
                                           std::int64_t layer) const;

 private:
  std::filesystem::path directory_;
};

/// Cached statistics where there are some, the others collected in one pass and put into the cache.
std::map<std::int64_t, SecondMoment> cached_second_moments(
    const Model& model, const std::vector<std::int64_t>& layers, const Corpus& corpus,
    const MomentOptions& options, const MomentCache& cache, const RunContext& run);

}  // namespace kedit::locate

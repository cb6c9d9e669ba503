#pragma once

#include "editors/locate/corpus.hpp"
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

struct MomentOptions {
  /// mom2_n_samples: texts used; fewer than the corpus has: the first of a seeded shuffle.
  std::int64_t samples = 100000;
  std::string dtype = "float32";  ///< mom2_dtype of the stored matrix; sums always run in float64
  std::int64_t tokens = 0;        ///< Not 0: so many tokens of the shuffled texts, then no more.
};

/// Where the time of a collection went.
struct MomentFigures {
  std::int64_t tokens = 0;  ///< Summed in this run; those of an interrupted one do not count.
  double seconds = 0.0, update_seconds = 0.0;  ///< all, and of it in adding k k^T
  double update_flops = 0.0;                   ///< m^2 for a key and layer: the triangle's products
};

class ProcessGroup;

/// How a collection goes about its work. Nothing here is part of what it finds.
struct MomentWork {
  /// Where sums are kept now and then, so that a run that was killed can be gone on with; empty:
  /// nowhere.
  std::filesystem::path unfinished;
  double save_seconds = 60.0;     ///< between two saves, or 20 times what one takes if that is more
  ProcessGroup* group = nullptr;  ///< Processes that share the batches; null: this one has all.
  MomentFigures* figures = nullptr;  ///< Added to, if not null.
};

/// Collects the statistics of all `layers` in one pass over the texts (each truncated to the
/// model's positions; special tokens count), longest first, many short ones in a batch. Sees the
/// *base* model: mounted edits play no part. Progress is reported per batch. With `unfinished` a
/// run that was interrupted or killed goes on where it last saved, with the same sums to the bit;
/// the file stays until `forget_unfinished`, when the result is kept. In a group every
/// process has the result. Throws `EditError` for a layer that is not there or an empty corpus,
/// `Interrupted` when a stop is requested, what `ProcessGroup` throws.
std::map<std::int64_t, SecondMoment> collect_second_moments(
    const Model& model, const std::vector<std::int64_t>& layers, const Corpus& corpus,
    const MomentOptions& options, const RunContext& run, const MomentWork& work = {});

/// Removes what `collect_second_moments` of the same arguments has left in `work.unfinished`.
void forget_unfinished(const Model& model, const std::vector<std::int64_t>& layers,
                       const Corpus& corpus, const MomentOptions& options, const MomentWork& work);

/// What a token of the corpus costs in a pass up to the last of `layers`, in floating-point
/// operations: the maps of the layers, and m^2 for each layer's sum.
double flops_per_token(const Model& model, const std::vector<std::int64_t>& layers);

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
  /// Where a model's statistics lie.
  std::filesystem::path folder(const std::string& fingerprint) const;
  std::optional<SecondMoment> find(const MomentKey& key, std::int64_t width) const;
  void put(const MomentKey& key, const SecondMoment& moment) const;
  /// Files for a model's layer over any corpus, sorted.
  std::vector<std::filesystem::path> files(const std::string& fingerprint,
                                           std::int64_t layer) const;

 private:
  std::filesystem::path directory_;
};

/// Cached statistics where there are some, the others collected in one pass and put into the cache
/// (where an unfinished collection is kept as well). In a group the first process tells which are
/// missing, and it alone writes them.
std::map<std::int64_t, SecondMoment> cached_second_moments(
    const Model& model, const std::vector<std::int64_t>& layers, const Corpus& corpus,
    const MomentOptions& options, const MomentCache& cache, const RunContext& run,
    MomentWork work = {});

}  // namespace kedit::locate

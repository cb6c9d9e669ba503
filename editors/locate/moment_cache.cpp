#include "editors/editor.hpp"
#include "editors/locate/npz_moment.hpp"
#include "editors/locate/process_group.hpp"
#include "editors/locate/second_moment.hpp"
#include "edits/hash.hpp"
#include "model/checkpoint/safetensors.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kedit::locate {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, const std::string& expected,
                       const std::string& found) {
  throw StatisticsError(fmt::format("reading the second moment {}: expected {}, found {}",
                                    file.string(), expected, found));
}

void check_matrix(const fs::path& file, const at::Tensor& matrix, std::int64_t width) {
  if (matrix.dim() != 2 || matrix.size(0) != width || matrix.size(1) != width) {
    fail(file, fmt::format("second_moment of shape [{0}, {0}]", width),
         fmt::format("[{}]", fmt::join(matrix.sizes(), ", ")));
  }
  if (!at::isfinite(matrix).all().item<bool>()) fail(file, "finite numbers", "NaN or infinity");
  if (!at::allclose(matrix, matrix.t(), 1e-3, 1e-5)) fail(file, "a symmetric matrix", "another");
  if (matrix.diagonal().lt(0).any().item<bool>()) {
    fail(file, "squares on the diagonal", "negative numbers");
  }
}

}  // namespace

SecondMoment read_second_moment(const fs::path& file, std::int64_t width) {
  if (file.extension() == ".npz") {
    SecondMoment moment = read_npz_moment(file, width);
    check_matrix(file, moment.matrix, width);
    return moment;
  }
  const checkpoint::SafetensorsFile tensors = checkpoint::SafetensorsFile::open(file);
  if (!tensors.contains("second_moment")) {
    fail(file, "a tensor named second_moment", fmt::format("{}", fmt::join(tensors.names(), ", ")));
  }
  SecondMoment moment;
  moment.matrix = tensors.tensor("second_moment");
  if (!c10::isFloatingType(moment.matrix.scalar_type())) fail(file, "floating numbers", "integers");
  check_matrix(file, moment.matrix, width);
  if (tensors.contains("count") && tensors.tensor("count").numel() == 1) {
    moment.count = tensors.tensor("count").item<std::int64_t>();
  }
  const auto provenance = tensors.metadata().find("provenance");
  if (provenance != tensors.metadata().end()) {
    moment.provenance = parse_json(provenance->second, file.string());
  }
  return moment;
}

void write_second_moment(const fs::path& file, const SecondMoment& moment) {
  checkpoint::write_safetensors(
      file,
      {{"second_moment", moment.matrix.contiguous()},
       {"count", at::tensor(std::vector<std::int64_t>{moment.count}, at::kLong)}},
      {{"format", "pt"}, {"provenance", to_text(moment.provenance)}});
}

std::string moment_owner(const Model& model) {
  if (model.dtype() == model.stored_dtype()) return model.fingerprint();
  return sha256_hex(fmt::format("{} in {}", model.fingerprint(), model.dtype()));
}

std::string MomentKey::file_name() const {
  Json key = {{"model", fingerprint},
              {"layer", layer},
              {"corpus", corpus_sha256},
              {"samples", samples},
              {"dtype", dtype}};
  if (tokens > 0) key["tokens"] = tokens;
  return fmt::format("layer{}-{}.safetensors", layer,
                     sha256_hex(canonical_text(key)).substr(0, 16));
}

MomentKey moment_key(const Model& model, std::int64_t layer, const Corpus& corpus,
                     const MomentOptions& options) {
  const auto samples = std::min(options.samples, static_cast<std::int64_t>(corpus.texts.size()));
  return {moment_owner(model), layer, corpus.sha256, samples, options.dtype, options.tokens};
}

MomentCache::MomentCache(fs::path directory) : directory_(std::move(directory)) {}

fs::path MomentCache::folder(const std::string& fingerprint) const {
  return directory_ / "second-moment" / fingerprint.substr(0, 16);
}

fs::path MomentCache::file(const MomentKey& key) const {
  return folder(key.fingerprint) / key.file_name();
}

std::optional<SecondMoment> MomentCache::find(const MomentKey& key, std::int64_t width) const {
  const fs::path path = file(key);
  std::error_code unreachable;
  if (!fs::exists(path, unreachable)) return std::nullopt;
  return read_second_moment(path, width);
}

void MomentCache::put(const MomentKey& key, const SecondMoment& moment) const {
  const fs::path path = file(key);
  fs::create_directories(path.parent_path());
  write_second_moment(path, moment);
}

std::vector<fs::path> MomentCache::files(const std::string& fingerprint, std::int64_t layer) const {
  std::vector<fs::path> found;
  std::error_code absent;
  const std::string prefix = fmt::format("layer{}-", layer);
  for (const auto& entry : fs::directory_iterator(folder(fingerprint), absent)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(prefix, 0) == 0 && entry.path().extension() == ".safetensors") {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

namespace {

// What is computed is of use whether or not it can be kept for the next time.
template <typename KeyOf>
void keep(const std::map<std::int64_t, SecondMoment>& moments,
          const std::vector<std::int64_t>& layers, KeyOf key_of, const MomentCache& cache,
          const RunContext& run) {
  const auto warn = [&](std::string_view reason) {
    run.warning(fmt::format(
        "the second moments could not be kept for the next time ({}); $KEDIT_CACHE names "
        "another directory",
        reason));
  };
  try {
    for (const std::int64_t layer : layers) cache.put(key_of(layer), moments.at(layer));
  } catch (const fs::filesystem_error& error) {
    warn(fmt::format("{}: {}", error.path1().string(), error.code().message()));
  } catch (const FileWriteError& error) {
    warn(error.what());
  }
}

/// The layers that the first process of a group lacks; all must be about the same.
std::vector<std::int64_t> agree_on_missing(ProcessGroup& group, const Model& model,
                                           const Corpus& corpus, const MomentOptions& options,
                                           const std::vector<std::int64_t>& missing) {
  Json plan = {{"model", moment_owner(model)}, {"corpus", corpus.sha256},
               {"samples", options.samples},   {"tokens", options.tokens},
               {"processes", group.size()},    {"missing", missing}};
  const Json agreed = parse_json(group.from_first("plan", to_text(plan)), "the first process");
  for (const char* key : {"model", "corpus", "samples", "tokens"}) {
    if (agreed.at(key) == plan.at(key)) continue;
    throw ProcessGroupError(
        fmt::format("sharing key statistics: process {}: expected the first one's {}, found "
                    "another; start all with the same command line",
                    group.rank(), key));
  }
  return agreed.at("missing").get<std::vector<std::int64_t>>();
}

}  // namespace

std::map<std::int64_t, SecondMoment> cached_second_moments(const Model& model,
                                                           const std::vector<std::int64_t>& layers,
                                                           const Corpus& corpus,
                                                           const MomentOptions& options,
                                                           const MomentCache& cache,
                                                           const RunContext& run, MomentWork work) {
  const auto key_of = [&](std::int64_t layer) { return moment_key(model, layer, corpus, options); };
  std::map<std::int64_t, SecondMoment> moments;
  std::vector<std::int64_t> missing;
  for (const std::int64_t layer : layers) {
    auto found = cache.find(key_of(layer), model.architecture().intermediate);
    if (found)
      moments[layer] = std::move(*found);
    else
      missing.push_back(layer);
  }
  if (work.group) missing = agree_on_missing(*work.group, model, corpus, options, missing);
  if (missing.empty()) return moments;
  work.unfinished = cache.folder(moment_owner(model));
  for (auto& [layer, moment] : collect_second_moments(model, missing, corpus, options, run, work)) {
    moments[layer] = std::move(moment);
  }
  if (!work.group || work.group->rank() == 0) keep(moments, missing, key_of, cache, run);
  forget_unfinished(model, missing, corpus, options, work);
  return moments;
}

}  // namespace kedit::locate

#include "model/checkpoint/load_checks.hpp"

#include "json/short_name.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kedit::checkpoint {
namespace {

void check_finite(StoredWeights& stored, const TensorPlace& place) {
  const auto bad = stored.first_nonfinite(at::get_num_threads());
  if (!bad) return;
  const auto [file, name] = place(*bad);
  throw ModelError(
      fmt::format("reading {}: tensor {}: expected finite numbers, found NaN or infinity; use "
                  "--allow-nonfinite to "
                  "load it all the same",
                  file, name));
}

void verify_content(StoredWeights& stored, const std::filesystem::path& checkpoint,
                    const LoadOptions& options) {
  const std::vector<std::string> changed = stored.verify(at::get_num_threads());
  if (changed.empty() || !options.warn) return;
  options.warn(fmt::format(
      "verifying {}: {} of its tensors are not what they were when they were last read, although "
      "size, time and inode of the files are: it was tampered with or is damaged; the first: {}",
      checkpoint.string(), changed.size(), changed.front()));
}

}  // namespace

std::string listed_names(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 8;
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(kNamed, names.size()); ++i) {
    shown.push_back(short_name(names[i]));
  }
  return fmt::format(
      "{}{}", fmt::join(shown, ", "),
      names.size() > kNamed ? fmt::format(" and {} more", names.size() - kNamed) : "");
}

void warn_of_unused(const std::vector<std::string>& names, const std::string& origin,
                    const std::string& of_what, const LoadOptions& options) {
  if (!options.warn || names.empty()) return;
  options.warn(fmt::format("reading {}: {} of its tensors are no part of a {} and are not used: {}",
                           origin, names.size(), of_what, listed_names(names)));
}

std::optional<CheckpointMemory> memory_of(const std::filesystem::path& checkpoint,
                                          std::vector<std::shared_ptr<const MappedFile>> mapped,
                                          const LoadOptions& options) {
  if (options.cache.empty()) return std::nullopt;
  return CheckpointMemory(options.cache, checkpoint, std::move(mapped));
}

void check_content(StoredWeights& stored, const std::filesystem::path& checkpoint,
                   const LoadOptions& options, const TensorPlace& place) {
  if (!options.allow_nonfinite) check_finite(stored, place);
  if (options.verify) verify_content(stored, checkpoint, options);
}

}  // namespace kedit::checkpoint

#pragma once

#include "model/checkpoint/stored_weights.hpp"
#include "model/model.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What the loaders of all formats check and say.
namespace kedit::checkpoint {

/// One sentence for all tensors that the forward pass does not read; none when there are none.
/// `of_what`: "llama model as config.json describes it".
void warn_of_unused(const std::vector<std::string>& names, const std::string& origin,
                    const std::string& of_what, const LoadOptions& options);

/// The first eight names and how many more: for a message.
std::string listed_names(const std::vector<std::string>& names);

/// The memory of findings that the options ask for.
std::optional<CheckpointMemory> memory_of(const std::filesystem::path& checkpoint,
                                          std::vector<std::shared_ptr<const MappedFile>> mapped,
                                          const LoadOptions& options);

/// File and name of a tensor, as messages give them.
using TensorPlace = std::function<std::pair<std::string, std::string>(std::size_t index)>;

/// Refuses NaN and infinity unless the options allow them; hashes and compares where they ask for
/// it, with a warning. Throws `ModelError`.
void check_content(StoredWeights& stored, const std::filesystem::path& checkpoint,
                   const LoadOptions& options, const TensorPlace& place);

}  // namespace kedit::checkpoint

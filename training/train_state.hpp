#pragma once

#include "training/batch.hpp"
#include "training/trainer.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kedit {

/// Everything that training needs to go on to the bit after a break.
struct TrainState {
  std::int64_t step = 0;                           ///< steps done
  at::Tensor values, first_moment, second_moment;  ///< [n] float32, flat
  PackerState stream;
  std::vector<LossPoint> curve;
};

/// The state file inside a work directory.
std::filesystem::path train_state_file(const std::filesystem::path& work);

/// Writes beside the target and renames.
void save_train_state(const std::filesystem::path& work, const TrainState& state,
                      const std::string& recipe);

/// Empty when there is none. Throws `TrainError` when the file is damaged, belongs to another
/// recipe, or holds another number of values than `parameters`.
std::optional<TrainState> load_train_state(const std::filesystem::path& work,
                                           const std::string& recipe, std::int64_t parameters);

}  // namespace kedit

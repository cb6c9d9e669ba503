#pragma once

#include "apps/command.hpp"
#include "model/model.hpp"

#include <ATen/Parallel.h>

namespace kedit::cli {

/// Below this size a decoding step is shorter than handing its parts to other threads: one thread
/// is faster, and several times faster where the cores are shared with other programs.
inline constexpr std::int64_t kSmallModelParameters = 20'000'000;

/// One thread for a small model unless --threads says otherwise.
inline void choose_threads(const Context& context, const Model& model) {
  if (context.options.given("threads") || model.parameters() >= kSmallModelParameters) return;
  at::set_num_threads(1);
}

}  // namespace kedit::cli

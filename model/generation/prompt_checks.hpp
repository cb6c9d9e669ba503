#pragma once

#include "model/generation/ragged_batch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::generation {

/// Throws `ModelError` naming `act` and the prompt when one is empty, holds an id outside the
/// vocabulary, or is longer than a learned position table. The last `unseen` tokens of each do not
/// run through the model and need no position.
void check_prompts(const Architecture& architecture, const std::vector<TokenIds>& prompts,
                   const std::string& act, std::int64_t unseen = 0);

}  // namespace kedit::generation

#pragma once

#include "model/edited_model.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kedit::lab {

/// For each (prompt, continuation): would greedy decoding write the continuation, token by token?
/// Prompts get the special tokens of the model's tokenizer file, continuations none. Full passes
/// over batches of rows of similar length; no cache.
std::vector<bool> forced_matches(const EditedModel& model,
                                 const std::vector<std::pair<std::string, std::string>>& pairs,
                                 std::int64_t batch_rows);

}  // namespace kedit::lab

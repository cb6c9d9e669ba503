#pragma once

#include "model/ragged_batch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kedit {

/// Throws `ModelError` naming `act` and the prompt when one is empty, holds an id outside the
/// vocabulary, or is longer than a learned position table. The last `unseen` tokens of each do not
/// run through the model and need no position.
void check_prompts(const Architecture& architecture, const std::vector<TokenIds>& prompts,
                   const std::string& act, std::int64_t unseen = 0);

/// The beginning that all rows share, run through the model once. Rows go on from copies of it.
class SharedPrefix {
 public:
  /// No beginning: rows start empty.
  explicit SharedPrefix(const EditedModel& model) : batch_(model) {}
  /// What `rows` share, if it is long enough to be worth a pass of its own.
  SharedPrefix(const EditedModel& model, const std::vector<TokenIds>& rows);

  /// A batch of `rows` rows that hold the beginning.
  RaggedBatch start(std::size_t rows) const;
  /// What of a row is still to come.
  TokenIds rest(const TokenIds& row) const {
    return {row.begin() + static_cast<std::ptrdiff_t>(length_), row.end()};
  }

 private:
  RaggedBatch batch_;
  std::int64_t length_ = 0;
};

}  // namespace kedit

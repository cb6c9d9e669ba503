#pragma once

#include "edits/progress.hpp"
#include "json/json.hpp"
#include "lab/world/world.hpp"
#include "model/edited_model.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::lab {

/// One row of the lab's table: a measure, what was found, what is demanded.
struct LabRow {
  std::string measure;             ///< "cloze", "cot 3 hops", "rome layer 0 efficacy", ...
  double value = 0.0;              ///< percent, or percentage points for differences
  std::int64_t n = 0;              ///< questions behind the value
  std::optional<double> at_least;  ///< demands; empty: reported only
  std::optional<double> at_most;
  std::string note;  ///< e.g. the blind baseline

  bool met() const { return (!at_least || value >= *at_least) && (!at_most || value <= *at_most); }
};

struct LabCheckOptions {
  std::int64_t cases = 200;  ///< sampled questions per row; single-hop rows take all facts
  std::uint64_t seed = 7;    ///< of the samples
  std::int64_t batch_rows = 64;
};

/// Measures what a lab model knows: all rows of the table that need no editor. Single answers are
/// counted by teacher forcing (every token of the answer is the argmax), questions with thoughts by
/// greedy generation.
std::vector<LabRow> check_lab(const EditedModel& model, const World& world,
                              const LabCheckOptions& options, const RunContext& run);

Json lab_table_json(const std::vector<LabRow>& rows);

}  // namespace kedit::lab

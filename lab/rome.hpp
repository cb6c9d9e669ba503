#pragma once

#include "edits/progress.hpp"
#include "lab/check.hpp"
#include "lab/world/world.hpp"
#include "model/edited_model.hpp"

#include <cstdint>
#include <vector>

namespace kedit::lab {

/// Measures what ROME does to a lab model: one edit at a time, each of one hop of a held-out chain
/// of two or three hops, weights as before in between.
struct LabRomeOptions {
  std::int64_t edits = 100;
  std::uint64_t seed = 7;
  std::int64_t batch_rows = 64;
};

/// Rows for every layer that something reads (all but the last), in percent of probes:
/// efficacy (the base cloze gives the new object), paraphrases (trained statements), held-out
/// statements, questions; and of the probes answered rightly before: other subjects (eight of the
/// same relation), far facts (ten at random), same subject (its other relations). At layer 0
/// besides: questions over the chain with thoughts, after the edit and, on the same cases, with the
/// fact in the context of the unedited model; and other subjects with the identity in place of the
/// second moment. ROME takes its other settings from the lab.json beside the model.
std::vector<LabRow> check_lab_rome(EditedModel& model, const World& world,
                                   const LabRomeOptions& options, const RunContext& run);

}  // namespace kedit::lab

#pragma once

#include "editors/locate/context_templates.hpp"
#include "editors/locate/edit_delta_builder.hpp"
#include "editors/locate/subject_sweep.hpp"
#include "editors/locate/value_optimiser.hpp"
#include "edits/request.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace kedit::locate {

/// Checked requests of one batch. Throws what `validate_request` throws, and `EditError` for two
/// requests that want different targets of the same prompt and subject: one solve cannot give both
/// (MEMIT filters them out beforehand).
std::vector<EditRequest> validate_batch(const std::vector<EditRequest>& requests);

/// The values that a batch shall have at a layer's block output, and where they came from.
struct BatchTargets {
  std::vector<ValueResult> values;     ///< one a request, or one for all facts of a subject
  std::vector<std::int64_t> value_of;  ///< by request: place in `values`
  bool merged = false;                 ///< some value serves several requests
};

/// MEMIT, section 4.2: for each request the change of the block output of `layer` at the subject's
/// last token that makes the model write the target, all of them side by side. `merge_subjects`
/// (MEMIT-Merge): requests with the same subject text share one change.
BatchTargets find_batch_targets(const EditedModel& model, std::int64_t layer,
                                const std::vector<EditRequest>& requests,
                                const ContextTemplates& templates, FactToken token,
                                bool merge_subjects, const ValueOptions& options,
                                const RunContext& run);

/// What the layers say about a batch of n requests while they change, from the lowest up.
class BatchReader {
 public:
  BatchReader(const EditedModel& model, const std::vector<EditRequest>& requests,
              const ContextTemplates& templates, FactToken token);

  /// [n, m] float32: each request's key at `layer` under `model`'s weights: half of it the bare
  /// prompt's, half the mean over the other contexts (MEMIT's program, two context types).
  at::Tensor keys(const EditedModel& model, std::int64_t layer);
  /// [n, d] float32: block outputs of `layer` for the bare prompts, with layers from `changed` on
  /// under `model`'s weights.
  at::Tensor outputs(const EditedModel& model, std::int64_t changed, std::int64_t layer);

 private:
  std::int64_t contexts_;
  SubjectSweep all_;   // [requests * contexts], request by request
  SubjectSweep bare_;  // [requests]
};

/// [n, d] float32 on `outputs`' device: z, from the unedited block outputs of the bare prompts.
at::Tensor wanted_outputs(const BatchTargets& targets, const at::Tensor& outputs);

/// Tells the optimisations of a batch, each once.
void add_optimisations(EditDeltaBuilder& edit, std::int64_t layer, const BatchTargets& targets);

}  // namespace kedit::locate

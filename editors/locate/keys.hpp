#pragma once

#include "editors/locate/context_templates.hpp"
#include "editors/locate/subject_position.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace kedit::locate {

/// Input and output of the rewrite module (the MLP's second matrix) at the fact token of some
/// texts.
struct SubjectKeys {
  at::Tensor keys;     ///< [texts, m] float32, on the model's device: k
  at::Tensor outputs;  ///< [texts, d] float32, on the model's device: W k + b
};

/// The request's subject in each context: one located text per template, cut after the fact token
/// (by causality the rest has no influence on it).
std::vector<LocatedText> subject_texts(const Tokenizer& tokenizer, const EditRequest& request,
                                       const ContextTemplates& templates, FactToken token);

/// Runs the texts as one batch up to `layer` and reads there. Throws `EditError` when a text is
/// longer than the model's positions.
SubjectKeys collect_keys(const EditedModel& model, std::int64_t layer,
                         const std::vector<LocatedText>& texts);

/// Right-padded ids [rows, longest] int64 on the model's device. Padding comes after the text,
/// where a causal model cannot see it, so no mask is needed. Throws `EditError` naming the longest
/// row when it exceeds the model's positions.
at::Tensor padded_batch(const EditedModel& model, const std::vector<LocatedText>& texts);

/// 0, 1, ..., n - 1 and the fact positions: what taps want.
std::vector<std::int64_t> row_numbers(std::size_t n);
std::vector<std::int64_t> positions_of(const std::vector<LocatedText>& texts);

}  // namespace kedit::locate

#pragma once

#include "model/edited_model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::lab {

/// Answers to prompts that end in "Thoughts:", asked and read as benchmarks do
/// (`reasoning::thought_options`, `reasoning::stated_answer`); empty when the model wrote none.
std::vector<std::string> answers_after_thoughts(const EditedModel& model,
                                                const std::vector<std::string>& prompts,
                                                std::int64_t batch_rows);

/// Without blanks and newlines at both ends.
std::string trimmed_answer(const std::string& text);

}  // namespace kedit::lab

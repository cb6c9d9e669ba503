#pragma once

#include "apps/command.hpp"

#include <vector>

namespace kedit::cli {

/// `kedit score --texts`: fluency, consistency and essence of generated texts.
int run_score_texts(Context& context);
/// The options that only it takes.
std::vector<Option> text_options();

}  // namespace kedit::cli

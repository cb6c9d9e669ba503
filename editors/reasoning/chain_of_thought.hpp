#pragma once

#include "model/language_model.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace kedit::reasoning {

/// How far a model may think: greedy, to a blank line, at most 160 tokens. Everybody who lets a
/// model think asks with these, so that the figures are of one kind.
GenerateOptions thought_options();

/// The answer that a chain of thought states: what follows the last "Answer:" on its line, without
/// white space around it; empty when there is none, or nothing after it.
std::optional<std::string> stated_answer(std::string_view transcript);

}  // namespace kedit::reasoning

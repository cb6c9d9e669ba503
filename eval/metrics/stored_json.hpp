#pragma once

#include "eval/metrics/matching.hpp"
#include "json/json.hpp"

#include <fmt/format.h>

#include <string>

namespace kedit {

// What outputs and cases share on their way into a store and back.

inline Json gold_to_json(const Gold& gold) {
  return {{"answer", gold.answer}, {"aliases", gold.aliases}};
}

inline Gold gold_from(const JsonView& view) {
  return {view.at("answer").string(), view.at("aliases").strings()};
}

// Errors of the reader become the evaluator's own: the text comes from a store, not from a file.
template <class Read>
auto read_stored(const std::string& text, const char* what, Read read) {
  try {
    const Json value = parse_json(text, what);
    return read(JsonView(value, what));
  } catch (const JsonError& error) {
    throw EvalError(fmt::format("reading a stored result: {}", error.what()));
  }
}

}  // namespace kedit

#pragma once

#include "eval/metrics/matching.hpp"
#include "eval/metrics/outputs.hpp"
#include "json/json.hpp"

#include <fmt/format.h>

#include <string>

namespace kedit::metrics {

// What outputs and cases share on their way into a store and back.

inline Json gold_to_json(const Gold& gold) {
  Json value{{"answer", gold.answer}, {"aliases", gold.aliases}};
  if (!gold.further.empty()) value["further"] = gold.further;
  return value;
}

inline Gold gold_from(const JsonView& view) {
  Gold gold{view.at("answer").string(), view.at("aliases").strings()};
  if (const auto further = view.find("further")) gold.further = further->strings();
  return gold;
}

inline Trace trace_from(const JsonView& steps) {
  Trace trace;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const JsonView step = steps.at(i);
    trace.push_back(
        {step.at("question").string(), step.at("answer").string(), step.at("source").string()});
  }
  return trace;
}

inline Answer answer_from(const JsonView& view) {
  Answer answer{view.at("raw").string(), std::nullopt, std::nullopt};
  if (const auto text = view.find("answer")) answer.answer = text->string();
  if (const auto trace = view.find("trace")) answer.trace = trace_from(*trace);
  return answer;
}

// A number that was not finite is stored as null.
inline ForcedScore forced_score_from(const JsonView& view) {
  const auto number = [&](const char* key) {
    const auto field = view.find(key);
    return field ? field->number() : 0.0;
  };
  const auto integer = [&](const char* key) {
    const auto field = view.find(key);
    return field ? field->integer() : std::int64_t{0};
  };
  return {view.at("recalled").boolean(), number("logprob"), integer("tokens"), integer("matched"),
          number("lowest")};
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

}  // namespace kedit::metrics

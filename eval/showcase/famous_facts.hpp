#pragma once

#include "edits/request.hpp"
#include "eval/answering/prompts.hpp"
#include "json/json.hpp"
#include "model/decoder/architecture.hpp"

#include <string>
#include <vector>

namespace kedit::showcase {

/// What a prompt is there to show.
enum class Group {
  edited,       ///< the prompt that was edited
  paraphrase,   ///< the same in other words
  consequence,  ///< what follows from it
  neighbour,    ///< what must not move
};
const char* to_string(Group group);

struct ShownPrompt {
  Group group = Group::edited;
  Ask ask = Ask::cloze;
  std::string text;
  std::string before, after;  ///< The answers whose probabilities are compared: old fact, new fact.
};

/// A fact that everybody knows, to be replaced by a false one, and what to ask then.
struct FamousFact {
  EditRequest request;
  std::vector<ShownPrompt> prompts;  ///< By group; the edited prompt is the first.
};

/// Facts and settings of `kedit demo --real`.
struct Showcase {
  Json rome;               ///< Settings of ROME without the layer.
  std::int64_t layer = 0;  ///< Of a model with `of_layers` layers.
  std::int64_t of_layers = 1;
  std::vector<FamousFact> facts;
};

/// assets/demo/famous_facts.json, built in.
Showcase famous_facts();

/// ROME's settings for a model: its layer lies as deep as in the model they were found on.
Json rome_settings(const Showcase& showcase, const Architecture& architecture);

}  // namespace kedit::showcase

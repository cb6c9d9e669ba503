#pragma once

#include "apps/terminal.hpp"
#include "edits/request.hpp"
#include "eval/answering/prompts.hpp"
#include "json/json.hpp"
#include "model/edited_model.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kedit::cli {

/// What a model says to a request's prompt.
struct Measured {
  double target_new = 0;  ///< Log-probability of the new target.
  std::optional<double> target_true;
  std::string argmax_text;  ///< The likeliest next token.
  std::string greedy_text;  ///< As many greedy tokens as the new target has.

  Json to_json() const;
};

/// What the model writes after each request's prompt, with the facts that it carries in front.
std::vector<Measured> measure_all(const EditedModel& model, const PromptForm& form,
                                  const std::vector<EditRequest>& requests);

/// One edit that was made, and what it did.
struct Made {
  EditRequest request;
  std::shared_ptr<const EditDelta> delta;  ///< Its own, or its batch's.
  std::size_t place = 0;                   ///< Of the request in `delta`.
  std::string id;                          ///< Empty under --dry-run.
  Measured before, after;
  double commit_seconds = 0;
  double total_seconds = 0;     ///< Of the call that made it, and of its batch if it has one.
  std::size_t delta_place = 0;  ///< Of `delta` in that call.
};

Json edits_json(const std::vector<Made>& all);
std::string edits_text(const std::vector<Made>& all, const Style& style);

}  // namespace kedit::cli

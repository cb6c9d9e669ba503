#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// Thrown for a request that no editor may act on. The message names id and field.
class RequestError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What should become true: "the model completes `prompt` about `subject` with `target_new`".
///
/// Invariants (checked by `validate_request`, which every reader calls): `prompt` holds exactly one
/// "{}" where the subject goes; subject and targets are not empty; the subject holds no "{}".
struct EditRequest {
  std::string id;          ///< Stable across runs: "mquake/17/0", or the line of a request file.
  std::string prompt;      ///< Template with exactly one "{}", e.g. "The capital of {} is".
  std::string subject;     ///< Replaces "{}".
  std::string target_new;  ///< Without the leading space (see `spaced_target`).
  std::optional<std::string> target_true;       ///< The old object, where the source gives one.
  std::vector<std::string> rephrases;           ///< Other prompts, subject already filled in.
  std::string relation;                         ///< Relation id ("P36"), empty if unknown.
  std::vector<std::string> target_new_aliases;  ///< Other names of the new object.

  bool operator==(const EditRequest&) const = default;
};

/// The prompt with the subject spliced in (no format engine: braces elsewhere stay as they are).
std::string filled_prompt(const EditRequest& request);

/// `target` as a continuation of `prompt`: one space is put in front unless the prompt ends in
/// white space or the target starts with a space (ROME's rule, first character tested).
std::string spaced_target(std::string_view prompt, std::string_view target);

/// The statement the edit makes true: filled prompt, target and a full stop-less end.
std::string edit_sentence(const EditRequest& request);

/// Turns a prompt that contains the subject itself into one with "{}" (first occurrence); throws
/// `RequestError` when neither "{}" nor the subject occurs, when "{}" occurs twice, or when subject
/// or target is empty. Returns the checked request.
EditRequest validate_request(EditRequest request);

}  // namespace kedit

#pragma once

#include "edits/request.hpp"
#include "tokenizer/tokenizer.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::locate {

/// Which token carries the fact (the reference programs' `fact_token`).
enum class FactToken { subject_last, subject_first, subject_first_after_last, last };

/// Throws `EditError` naming the four strategies for any other name.
FactToken parse_fact_token(std::string_view name);
std::string_view to_string(FactToken token);

/// A tokenised text and the position at which the editor reads and writes.
struct LocatedText {
  std::vector<std::int64_t> ids;
  std::int64_t position = 0;
};

/// Tokenises prefix + subject + suffix as one text and finds the fact token in it.
///
/// The subject's last token is at len(encode(prefix + subject)) - 1, special tokens counted (the
/// rule of EasyEdit and AlphaEdit, right with and without a start token). It must end where the
/// subject ends: throws `EditError` when the tokenizer merges the subject's end with what follows
/// or splits the text differently with the suffix.
LocatedText locate_subject(const Tokenizer& tokenizer, std::string_view prefix,
                           std::string_view subject, std::string_view suffix,
                           FactToken token = FactToken::subject_last);

/// A prompt template cut at its "{}".
struct SplitPrompt {
  std::string prefix, suffix;
};
/// Throws `EditError` unless `text` holds "{}" exactly once.
SplitPrompt split_at_slot(std::string_view text);

/// The request's prompt inside a context template ("It is said that. {}"): spliced, never
/// formatted, so that braces elsewhere stay as they are. The prefix ends where the subject begins.
SplitPrompt prompt_in_context(std::string_view context_template, const EditRequest& request);

/// Token ids of the target as a continuation of `prompt`: what encode(prompt + target) adds to
/// encode(prompt) where the tokenizer is prefix-stable, else the target's own ids without special
/// tokens (the reference programs' way; equal wherever both exist for byte-level BPE). Never empty:
/// throws `EditError`.
std::vector<std::int64_t> target_ids(const Tokenizer& tokenizer, std::string_view prompt,
                                     std::string_view target);

}  // namespace kedit::locate

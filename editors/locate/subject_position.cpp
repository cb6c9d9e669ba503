#include "editors/locate/subject_position.hpp"

#include "editors/editor.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace kedit::locate {
namespace {

constexpr std::array<std::pair<std::string_view, FactToken>, 4> kFactTokens{{
    {"subject_last", FactToken::subject_last},
    {"subject_first", FactToken::subject_first},
    {"subject_first_after_last", FactToken::subject_first_after_last},
    {"last", FactToken::last},
}};

std::int64_t length(const std::vector<std::int64_t>& ids) {
  return static_cast<std::int64_t>(ids.size());
}

void check_subject_end(const Encoding& whole, std::int64_t position, std::size_t subject_end,
                       std::string_view subject, std::string_view text) {
  const auto index = static_cast<std::size_t>(position);
  if (position >= 0 && index < whole.offsets.size() && whole.offsets[index].second == subject_end) {
    return;
  }
  throw EditError(fmt::format(
      "locating the subject \"{}\" in \"{}\": expected a token that ends where the subject ends, "
      "found that the tokenizer joins the subject's end with what follows; put a space after {{}} "
      "in "
      "the prompt",
      subject, text));
}

}  // namespace

FactToken parse_fact_token(std::string_view name) {
  for (const auto& [known, token] : kFactTokens) {
    if (known == name) return token;
  }
  throw SettingsError(
      fmt::format("reading the editor settings: fact_token: expected subject_last, subject_first, "
                  "subject_first_after_last or last, found \"{}\"",
                  name));
}

std::string_view to_string(FactToken token) {
  for (const auto& [name, known] : kFactTokens) {
    if (known == token) return name;
  }
  return "subject_last";
}

LocatedText locate_subject(const Tokenizer& tokenizer, std::string_view prefix,
                           std::string_view subject, std::string_view suffix, FactToken token) {
  const std::string head = std::string(prefix) + std::string(subject);
  const std::string text = head + std::string(suffix);
  Encoding whole = tokenizer.encode(text);
  const std::int64_t subject_last = length(tokenizer.ids(head)) - 1;
  check_subject_end(whole, subject_last, head.size(), subject, text);

  const std::int64_t text_last = length(whole.ids) - 1;
  std::int64_t position = subject_last;
  switch (token) {
    case FactToken::subject_last:
      break;
    case FactToken::subject_first:
      position = length(tokenizer.ids(prefix));
      break;
    case FactToken::subject_first_after_last:
      position = suffix.empty() ? subject_last : subject_last + 1;
      break;
    case FactToken::last:
      position = text_last;
      break;
  }
  return {std::move(whole.ids), std::min(position, text_last)};
}

SplitPrompt split_at_slot(std::string_view text) {
  const std::size_t slot = text.find("{}");
  if (slot == std::string_view::npos || text.find("{}", slot + 2) != std::string_view::npos) {
    throw EditError(fmt::format("reading the template \"{}\": expected {{}} exactly once", text));
  }
  return {std::string(text.substr(0, slot)), std::string(text.substr(slot + 2))};
}

SplitPrompt prompt_in_context(std::string_view context_template, const EditRequest& request) {
  const SplitPrompt context = split_at_slot(context_template);
  const SplitPrompt prompt = split_at_slot(request.prompt);
  return {context.prefix + prompt.prefix, prompt.suffix + context.suffix};
}

std::vector<std::int64_t> target_ids(const Tokenizer& tokenizer, std::string_view prompt,
                                     std::string_view target) {
  const std::string continuation = spaced_target(prompt, target);
  const std::vector<std::int64_t> before = tokenizer.ids(prompt);
  std::vector<std::int64_t> whole = tokenizer.ids(std::string(prompt) + continuation);
  std::vector<std::int64_t> added;
  if (before.size() < whole.size() && std::equal(before.begin(), before.end(), whole.begin())) {
    added.assign(whole.begin() + length(before), whole.end());
  } else {
    added = tokenizer.ids(continuation, /*add_special_tokens=*/false);
  }
  if (added.empty()) {
    throw EditError(
        fmt::format("tokenizing the target \"{}\": expected at least one token, found "
                    "none; give a target that is not empty",
                    target));
  }
  return added;
}

}  // namespace kedit::locate

#include "edits/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace kedit {
namespace {

constexpr std::string_view kPlace = "{}";

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_blank(std::string_view text) {
  for (const char c : text) {
    if (!is_space(c)) return false;
  }
  return true;
}

[[noreturn]] void fail(const EditRequest& request, std::string_view field,
                       std::string_view expected, std::string_view found) {
  throw RequestError(fmt::format("checking request \"{}\": {}: expected {}, found {}", request.id,
                                 field, expected, found));
}

void require_text(const EditRequest& request, std::string_view field, std::string_view text) {
  if (is_blank(text)) fail(request, field, "some text", text.empty() ? "none" : "only white space");
}

bool in_any(char32_t value, std::initializer_list<std::pair<char32_t, char32_t>> ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
    return value >= range.first && value <= range.second;
  });
}

// Letters, digits and marks of the scripts that part words by blanks and add no particles to names:
// Latin, Greek, Cyrillic, Armenian, Georgian, Devanagari.
bool is_word_character(char32_t value) {
  if (value < 0x80) {
    return in_any(value, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}});
  }
  return in_any(value, {{0xAA, 0xAA},     {0xB5, 0xB5},     {0xBA, 0xBA},     {0xC0, 0xD6},
                        {0xD8, 0xF6},     {0xF8, 0x2AF},    {0x300, 0x36F},   {0x370, 0x373},
                        {0x376, 0x37D},   {0x37F, 0x481},   {0x483, 0x52F},   {0x531, 0x556},
                        {0x560, 0x588},   {0x900, 0x963},   {0x966, 0x97F},   {0x10A0, 0x10FF},
                        {0x1C80, 0x1CBF}, {0x1E00, 0x1FFF}, {0x2C60, 0x2C7F}, {0xA640, 0xA69F},
                        {0xA720, 0xA7FF}});
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The character whose first byte stands at `at`; 0xFFFD for what is no UTF-8.
char32_t character_at(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return byte;
  const std::size_t more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0;
  char32_t value = byte & (0x3FU >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    if (at + i >= text.size() || !is_continuation(text[at + i])) return 0xFFFD;
    value = (value << 6U) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  return more == 0 ? 0xFFFD : value;
}

// Whether a word goes on from before `at` to `at`.
bool within_word(std::string_view text, std::size_t at) {
  if (at == 0 || at >= text.size()) return false;
  std::size_t before = at - 1;
  while (before > 0 && is_continuation(text[before])) --before;
  return is_word_character(character_at(text, before)) && is_word_character(character_at(text, at));
}

// Where `part` stands in `text` as a word or words of its own, or npos.
std::size_t find_word(std::string_view text, std::string_view part) {
  std::size_t at = text.find(part);
  while (at != std::string_view::npos &&
         (within_word(text, at) || within_word(text, at + part.size()))) {
    at = text.find(part, at + 1);
  }
  return at;
}

}  // namespace

std::string filled_prompt(const EditRequest& request) {
  std::string out = request.prompt;
  const auto place = out.find(kPlace);
  if (place != std::string::npos) out.replace(place, kPlace.size(), request.subject);
  return out;
}

std::string spaced_target(std::string_view prompt, std::string_view target) {
  const bool separated =
      (!prompt.empty() && is_space(prompt.back())) || (!target.empty() && target.front() == ' ');
  return separated ? std::string(target) : " " + std::string(target);
}

std::string edit_sentence(const EditRequest& request) {
  const std::string prompt = filled_prompt(request);
  return prompt + spaced_target(prompt, request.target_new);
}

EditRequest validate_request(EditRequest request) {
  require_text(request, "subject", request.subject);
  require_text(request, "target_new", request.target_new);
  require_text(request, "prompt", request.prompt);
  if (request.target_true) require_text(request, "target_true", *request.target_true);
  if (request.subject.find(kPlace) != std::string::npos) {
    fail(request, "subject", "a name without \"{}\"", "\"" + request.subject + "\"");
  }
  const auto place = request.prompt.find(kPlace);
  if (place == std::string::npos) {
    const auto subject = find_word(request.prompt, request.subject);
    if (subject == std::string::npos) {
      const bool inside = request.prompt.find(request.subject) != std::string::npos;
      fail(request, "prompt", "\"{}\" or the subject \"" + request.subject + "\"",
           (inside ? "it inside of longer words only in \"" : "neither in \"") + request.prompt +
               "\"");
    }
    request.prompt.replace(subject, request.subject.size(), kPlace);
  } else if (request.prompt.find(kPlace, place + kPlace.size()) != std::string::npos) {
    fail(request, "prompt", "\"{}\" once", "it more than once in \"" + request.prompt + "\"");
  }
  return request;
}

}  // namespace kedit

#include "edits/request.hpp"

#include <fmt/format.h>

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
    const auto subject = request.prompt.find(request.subject);
    if (subject == std::string::npos) {
      fail(request, "prompt", "\"{}\" or the subject \"" + request.subject + "\"",
           "neither in \"" + request.prompt + "\"");
    }
    request.prompt.replace(subject, request.subject.size(), kPlace);
  } else if (request.prompt.find(kPlace, place + kPlace.size()) != std::string::npos) {
    fail(request, "prompt", "\"{}\" once", "it more than once in \"" + request.prompt + "\"");
  }
  return request;
}

}  // namespace kedit

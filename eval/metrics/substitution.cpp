#include "eval/metrics/substitution.hpp"

#include "eval/metrics/matching.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <stdexcept>

namespace kedit::metrics {
namespace {

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

std::string error_text(int number) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(number, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

constexpr std::uint32_t kHow = PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH;

}  // namespace

Substitution::Substitution(std::string_view pattern, std::string_view replacement)
    : replacement_(replacement) {
  int error = 0;
  PCRE2_SIZE place = 0;
  pcre2_code* code =
      pcre2_compile(units(pattern), pattern.size(), PCRE2_UTF | PCRE2_UCP, &error, &place, nullptr);
  if (code == nullptr) {
    throw std::invalid_argument(
        fmt::format("compiling {} at {}: {}", pattern, place, error_text(error)));
  }
  code_ = {code, [](const void* owned) {
             pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(owned)));
           }};
}

std::string Substitution::apply(const std::string& text) const {
  std::string out(text.size() + text.size() / 2 + 64, '\0');
  for (int attempt = 0;; ++attempt) {
    PCRE2_SIZE length = out.size();
    const int result =
        pcre2_substitute(static_cast<const pcre2_code*>(code_.get()), units(text), text.size(), 0,
                         kHow, nullptr, nullptr, units(replacement_), replacement_.size(),
                         reinterpret_cast<PCRE2_UCHAR*>(out.data()), &length);
    if (result >= 0) {
      out.resize(length);
      return out;
    }
    if (result != PCRE2_ERROR_NOMEMORY || attempt > 0) {
      throw EvalError(fmt::format("splitting a text of {} bytes into words: {}", text.size(),
                                  error_text(result)));
    }
    out.resize(length);  // what it said it needs, its final zero included
  }
}

}  // namespace kedit::metrics

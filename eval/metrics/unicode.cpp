#include "eval/metrics/unicode.hpp"

#include "eval/metrics/special_casing.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace kedit {
namespace {

const utf8proc_uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

void append_code_point(std::string& out, utf8proc_int32_t code_point) {
  utf8proc_uint8_t buffer[4];
  const utf8proc_ssize_t length = utf8proc_encode_char(code_point, buffer);
  for (utf8proc_ssize_t i = 0; i < length; ++i) out.push_back(static_cast<char>(buffer[i]));
}

void append_upper(std::string& out, utf8proc_int32_t code_point) {
  const SpecialUpperCase* special = special_upper_case(code_point);
  if (special == nullptr) return append_code_point(out, utf8proc_toupper(code_point));
  for (const std::int32_t part : special->to) {
    if (part != 0) append_code_point(out, part);
  }
}

void append_lower(std::string& out, utf8proc_int32_t code_point) {
  constexpr utf8proc_int32_t dotted_capital_i = 0x130;
  constexpr utf8proc_int32_t dot_above = 0x307;
  if (code_point != dotted_capital_i) return append_code_point(out, utf8proc_tolower(code_point));
  out.push_back('i');
  append_code_point(out, dot_above);
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (static_cast<unsigned char>(c) & 0x80U) == 0; });
}

// Most answers are plain ASCII, and millions are compared.
std::string mapped_ascii(std::string_view text, char first, char offset) {
  std::string out(text);
  for (char& c : out) {
    if (c >= first && c < first + 26) c = static_cast<char>(c + offset);
  }
  return out;
}

std::string mapped(std::string_view text, void (*append)(std::string&, utf8proc_int32_t)) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    utf8proc_int32_t code_point = -1;
    const utf8proc_ssize_t used =
        utf8proc_iterate(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &code_point);
    if (used <= 0) {
      out.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    append(out, code_point);
    text.remove_prefix(static_cast<std::size_t>(used));
  }
  return out;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

}  // namespace

std::string upper_case(std::string_view text) {
  return is_ascii(text) ? mapped_ascii(text, 'a', 'A' - 'a') : mapped(text, append_upper);
}

std::string lower_case(std::string_view text) {
  return is_ascii(text) ? mapped_ascii(text, 'A', 'a' - 'A') : mapped(text, append_lower);
}

std::string to_nfc(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  utf8proc_uint8_t* raw = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &raw,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(raw, &std::free);
  if (length < 0) return std::string(text);
  return {reinterpret_cast<const char*>(raw), static_cast<std::size_t>(length)};
}

std::string_view trim_ascii(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace kedit

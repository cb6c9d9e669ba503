#include "tokenizer/text/utf8.hpp"

#include <utf8proc.h>

namespace kedit::tokenizer {
namespace {

unsigned byte_at(std::string_view text, std::size_t position) {
  return static_cast<unsigned char>(text[position]);
}

bool in_range(unsigned value, unsigned low, unsigned high) { return value >= low && value <= high; }

// What may follow a lead byte: the number of continuation bytes and the range of the first of them
// (table 3-7 of the Unicode standard).
struct Lead {
  unsigned continuations;
  unsigned low, high;
};

std::optional<Lead> lead_of(unsigned byte) {
  if (byte < 0x80) return Lead{0, 0, 0};
  if (in_range(byte, 0xC2, 0xDF)) return Lead{1, 0x80, 0xBF};
  if (byte == 0xE0) return Lead{2, 0xA0, 0xBF};
  if (byte == 0xED) return Lead{2, 0x80, 0x9F};
  if (in_range(byte, 0xE1, 0xEF)) return Lead{2, 0x80, 0xBF};
  if (byte == 0xF0) return Lead{3, 0x90, 0xBF};
  if (in_range(byte, 0xF1, 0xF3)) return Lead{3, 0x80, 0xBF};
  if (byte == 0xF4) return Lead{3, 0x80, 0x8F};
  return std::nullopt;
}

// Bytes that belong to the character at `position`, as far as they are well-formed; `complete` says
// whether it ends there.
struct Scan {
  std::size_t bytes;
  bool complete;
};

Scan scan_character(std::string_view text, std::size_t position) {
  const auto lead = lead_of(byte_at(text, position));
  if (!lead) return {1, false};
  for (unsigned i = 1; i <= lead->continuations; ++i) {
    const std::size_t at = position + i;
    const unsigned low = i == 1 ? lead->low : 0x80;
    const unsigned high = i == 1 ? lead->high : 0xBF;
    if (at >= text.size() || !in_range(byte_at(text, at), low, high)) return {i, false};
  }
  return {lead->continuations + 1, true};
}

}  // namespace

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
  for (std::size_t position = 0; position < text.size();) {
    if (byte_at(text, position) < 0x80) {
      ++position;
      continue;
    }
    const Scan scan = scan_character(text, position);
    if (!scan.complete) return position;
    position += scan.bytes;
  }
  return std::nullopt;
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t position = 0; position < bytes.size();) {
    const Scan scan = scan_character(bytes, position);
    if (scan.complete) {
      text.append(bytes.substr(position, scan.bytes));
    } else {
      text.append("\xEF\xBF\xBD");
    }
    position += scan.bytes;
  }
  return text;
}

CodePoint code_point_at(std::string_view text, std::size_t position) {
  const unsigned first = byte_at(text, position);
  if (first < 0x80) return {static_cast<char32_t>(first), 1};
  const std::size_t bytes = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  unsigned value = first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    value = (value << 6U) | (byte_at(text, position + i) & 0x3FU);
  }
  return {static_cast<char32_t>(value), bytes};
}

CodePoint code_point_before(std::string_view text, std::size_t position) {
  do {
    --position;
  } while (position > 0 && is_utf8_continuation(text[position]));
  return code_point_at(text, position);
}

void append_utf8(std::string& text, char32_t value) {
  const auto continuation = [&](unsigned shift) {
    text += static_cast<char>(0x80U | ((value >> shift) & 0x3FU));
  };
  if (value < 0x80) {
    text += static_cast<char>(value);
  } else if (value < 0x800) {
    text += static_cast<char>(0xC0U | (value >> 6U));
    continuation(0);
  } else if (value < 0x10000) {
    text += static_cast<char>(0xE0U | (value >> 12U));
    continuation(6);
    continuation(0);
  } else {
    text += static_cast<char>(0xF0U | (value >> 18U));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

std::size_t grapheme_end(std::string_view text, std::size_t position) {
  CodePoint before = code_point_at(text, position);
  utf8proc_int32_t state = 0;
  for (position += before.bytes; position < text.size(); position += before.bytes) {
    const CodePoint next = code_point_at(text, position);
    if (before.value < 0x80 && next.value < 0x80 && before.value != '\r') break;
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(before.value),
                                         static_cast<utf8proc_int32_t>(next.value), &state)) {
      break;
    }
    before = next;
  }
  return position;
}

bool is_unicode_mark(char32_t value) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return true;
    default:
      return false;
  }
}

bool is_unicode_space(char32_t value) {
  return (value >= 0x9 && value <= 0xD) || value == 0x20 || value == 0x85 || value == 0xA0 ||
         value == 0x1680 || (value >= 0x2000 && value <= 0x200A) || value == 0x2028 ||
         value == 0x2029 || value == 0x202F || value == 0x205F || value == 0x3000;
}

}  // namespace kedit::tokenizer

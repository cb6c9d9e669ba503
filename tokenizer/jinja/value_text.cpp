#include "tokenizer/jinja/value.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cmath>

namespace kedit::jinja {
namespace {

// As Python writes them.
std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// As Python's json.dumps does.
std::string json_real(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return real_text(value);
}

// `str.isprintable` of one character.
bool is_printable(char32_t value) {
  if (value == ' ') return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

std::string escaped(char32_t value) {
  if (value == '\n') return "\\n";
  if (value == '\t') return "\\t";
  if (value == '\r') return "\\r";
  const auto number = static_cast<std::uint32_t>(value);
  if (value < 0x100) return fmt::format("\\x{:02x}", number);
  return value < 0x10000 ? fmt::format("\\u{:04x}", number) : fmt::format("\\U{:08x}", number);
}

std::string quoted(const std::string& text) {
  const bool single = text.find('\'') != std::string::npos;
  const char quote = single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string result(1, quote);
  for (std::size_t at = 0; at < text.size();) {
    const tokenizer::CodePoint character = tokenizer::code_point_at(text, at);
    const char32_t value = character.value;
    if (value == '\\' || value == static_cast<char32_t>(quote)) result += '\\';
    if (is_printable(value)) {
      result += text.substr(at, character.bytes);
    } else {
      result += escaped(value);
    }
    at += character.bytes;
  }
  return result + quote;
}

std::string json_string(const std::string& text, bool ascii) {
  return Json(text).dump(-1, ' ', ascii, Json::error_handler_t::replace);
}

// Elements between brackets as JSON; each on a line of its own where there is an indent.
template <typename Items, typename Write>
void write_nested(std::string& out, std::string_view brackets, const Items& items,
                  const Value::JsonStyle& style, std::size_t level, Write write) {
  const auto line = [&](std::size_t depth) {
    if (!style.indent) return;
    out += '\n';
    for (std::size_t i = 0; i < depth; ++i) out += *style.indent;
  };
  out += brackets[0];
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += style.between;
    line(level + 1);
    write(items[i]);
  }
  if (!items.empty()) line(level);
  out += brackets[1];
}

}  // namespace

std::string Value::shown() const {
  if (undefined()) return "";
  if (const auto* held = string()) return *held;
  return repr();
}

std::string Value::repr() const {
  std::string out;
  write_repr(out);
  return out;
}

void Value::write_sequence(std::string& out) const {
  const char* name = sequence_ == Sequence::keys     ? "dict_keys("
                     : sequence_ == Sequence::values ? "dict_values("
                     : sequence_ == Sequence::items  ? "dict_items("
                                                     : "";
  const List& elements = *sequence();
  out += name;
  out += is_tuple() ? '(' : '[';
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) out += ", ";
    elements[i].write_repr(out);
  }
  if (is_tuple() && elements.size() == 1) out += ',';
  out += is_tuple() ? ')' : ']';
  if (*name != '\0') out += ')';
}

void Value::write_repr(std::string& out) const {
  if (undefined()) {
    out += "Undefined";
  } else if (is_none()) {
    out += "None";
  } else if (const auto* flag = boolean()) {
    out += *flag ? "True" : "False";
  } else if (const auto* whole = integer()) {
    out += std::to_string(*whole);
  } else if (const auto* large = large_integer()) {
    out += large->digits;
  } else if (const auto* fraction = real()) {
    out += real_text(*fraction);
  } else if (const auto* characters = string()) {
    out += quoted(*characters);
  } else if (counted() != nullptr && sequence_ != Sequence::range) {
    write_sequence(out);
  } else if (const auto* held = mapping()) {
    out += '{';
    for (std::size_t i = 0; i < held->items.size(); ++i) {
      out += (i > 0 ? ", " : "") + quoted(held->items[i].first) + ": ";
      held->items[i].second.write_repr(out);
    }
    out += '}';
  } else {
    fail("expected a value that can be printed, found " + kind());
  }
}

std::string Value::json(const JsonStyle& style) const {
  std::string out;
  write_json(out, style, 0);
  return out;
}

void Value::write_json(std::string& out, const JsonStyle& style, std::size_t level) const {
  if (out.size() > kHeaviestValue) fail("tojson: expected a small value, found a very large one");
  if (const auto* elements = list()) {
    write_nested(out, "[]", *elements, style, level,
                 [&](const Value& element) { element.write_json(out, style, level + 1); });
  } else if (const auto* held = mapping()) {
    auto items = held->items;
    if (style.sort_keys) {  // bytes of UTF-8 are in the order of the characters
      std::sort(items.begin(), items.end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    write_nested(out, "{}", items, style, level, [&](const auto& item) {
      out += json_string(item.first, style.ascii) + style.after_key;
      item.second.write_json(out, style, level + 1);
    });
  } else if (is_none()) {
    out += "null";
  } else if (const auto* flag = boolean()) {
    out += *flag ? "true" : "false";
  } else if (const auto* characters = string()) {
    out += json_string(*characters, style.ascii);
  } else if (const auto* fraction = real()) {
    out += json_real(*fraction);
  } else if (integer() != nullptr || large_integer() != nullptr) {
    write_repr(out);
  } else {
    fail("tojson: expected a value of JSON, found " + kind());
  }
}

}  // namespace kedit::jinja

#include "tokenizer/jinja/value.hpp"

#include <fmt/format.h>

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

std::string quoted(const std::string& text) {
  const bool single = text.find('\'') != std::string::npos;
  const char quote = single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string result(1, quote);
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (c == '\r') {
      result += "\\r";
    } else {
      if (c == '\\' || c == quote) result += '\\';
      result += c;
    }
  }
  return result + quote;
}

// Elements between brackets as JSON; each on a line of its own when `indent` >= 0.
template <typename Items, typename Write>
void write_nested(std::string& out, std::string_view brackets, const Items& items,
                  std::int64_t indent, std::int64_t level, Write write) {
  const auto line = [&](std::int64_t depth) {
    if (indent >= 0) out.append(1, '\n').append(static_cast<std::size_t>(indent * depth), ' ');
  };
  out += brackets[0];
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += indent >= 0 ? "," : ", ";
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

void Value::write_repr(std::string& out) const {
  if (undefined()) {
    out += "Undefined";
  } else if (is_none()) {
    out += "None";
  } else if (const auto* flag = boolean()) {
    out += *flag ? "True" : "False";
  } else if (const auto* whole = integer()) {
    out += std::to_string(*whole);
  } else if (const auto* fraction = real()) {
    out += real_text(*fraction);
  } else if (const auto* characters = string()) {
    out += quoted(*characters);
  } else if (const auto* elements = list()) {
    out += '[';
    for (std::size_t i = 0; i < elements->size(); ++i) {
      if (i > 0) out += ", ";
      (*elements)[i].write_repr(out);
    }
    out += ']';
  } else if (const auto* held = dict()) {
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

std::string Value::json(std::int64_t indent) const {
  std::string out;
  write_json(out, indent, 0);
  return out;
}

void Value::write_json(std::string& out, std::int64_t indent, std::int64_t level) const {
  if (out.size() > kHeaviestValue) fail("tojson: expected a small value, found a very large one");
  if (const auto* elements = list()) {
    write_nested(out, "[]", *elements, indent, level,
                 [&](const Value& element) { element.write_json(out, indent, level + 1); });
  } else if (const auto* held = dict()) {
    write_nested(out, "{}", held->items, indent, level, [&](const auto& item) {
      out += to_text(Json(item.first)) + ": ";
      item.second.write_json(out, indent, level + 1);
    });
  } else if (is_none()) {
    out += "null";
  } else if (const auto* flag = boolean()) {
    out += *flag ? "true" : "false";
  } else if (const auto* characters = string()) {
    out += to_text(Json(*characters));
  } else if (is_number()) {
    write_repr(out);
  } else {
    fail("tojson: expected a value of JSON, found " + kind());
  }
}

}  // namespace kedit::jinja

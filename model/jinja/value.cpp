#include "model/jinja/value.hpp"

#include "model/utf8.hpp"

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

}  // namespace

void fail(const std::string& message) { throw TemplateError(message); }

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : items) {
    if (name == key) return &value;
  }
  return nullptr;
}

void Dict::set(const std::string& key, Value value) {
  for (auto& [name, old] : items) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  items.emplace_back(key, std::move(value));
}

Value Arguments::get(std::size_t place, std::string_view name) const {
  if (place < positional.size()) return positional[place];
  for (const auto& [given, value] : named) {
    if (given == name) return value;
  }
  return {};
}

Value Value::from_json(const Json& json) {
  if (json.is_null()) return none();
  if (json.is_boolean()) return of(json.get<bool>());
  if (json.is_number_integer()) return of(json.get<std::int64_t>());
  if (json.is_number()) return of(json.get<double>());
  if (json.is_string()) return of(json.get<std::string>());
  if (json.is_array()) {
    List list;
    for (const Json& element : json) list.push_back(from_json(element));
    return of(std::move(list));
  }
  Dict dict;
  for (const auto& [key, element] : json.items()) dict.items.emplace_back(key, from_json(element));
  return of(std::move(dict));
}

const List* Value::list() const {
  const auto* held = std::get_if<std::shared_ptr<List>>(&data_);
  return held == nullptr ? nullptr : held->get();
}

Dict* Value::mutable_dict() const {
  const auto* held = std::get_if<std::shared_ptr<Dict>>(&data_);
  return held == nullptr ? nullptr : held->get();
}

const Dict* Value::dict() const { return mutable_dict(); }

const Function* Value::function() const {
  const auto* held = std::get_if<std::shared_ptr<Function>>(&data_);
  return held == nullptr ? nullptr : held->get();
}

bool Value::truth() const {
  if (undefined() || is_none()) return false;
  if (is_number()) return number() != 0;
  if (const auto* held = string()) return !held->empty();
  if (const auto* held = list()) return !held->empty();
  if (const auto* held = dict()) return held->is_namespace || !held->items.empty();
  return true;
}

double Value::number() const {
  if (const auto* held = boolean()) return *held ? 1 : 0;
  if (const auto* held = integer()) return static_cast<double>(*held);
  if (const auto* held = real()) return *held;
  fail("expected a number, found " + kind());
}

std::int64_t Value::whole_number() const {
  if (const auto* held = boolean()) return *held ? 1 : 0;
  if (const auto* held = integer()) return *held;
  fail("expected an integer, found " + kind());
}

const std::string& Value::text() const {
  if (const auto* held = string()) return *held;
  fail("expected a string, found " + kind());
}

List Value::elements() const {
  if (undefined()) return {};
  if (const auto* held = list()) return *held;
  List result;
  if (const auto* held = dict()) {
    for (const auto& item : held->items) result.push_back(of(item.first));
  } else if (const auto* characters = string()) {
    for (std::size_t at = 0; at < characters->size();) {
      const std::size_t bytes = code_point_at(*characters, at).bytes;
      result.push_back(of(characters->substr(at, bytes)));
      at += bytes;
    }
  } else {
    fail("expected something to go through, found " + kind());
  }
  return result;
}

std::string Value::kind() const {
  static constexpr const char* kNames[] = {
      "an undefined value", "none",   "a boolean",    "an integer", "a float",
      "a string",           "a list", "a dictionary", "a function"};
  return kNames[data_.index()];
}

std::string Value::shown() const {
  if (undefined()) return "";
  if (const auto* held = string()) return *held;
  return repr();
}

std::string Value::repr() const {
  if (undefined()) return "Undefined";
  if (is_none()) return "None";
  if (const auto* held = boolean()) return *held ? "True" : "False";
  if (const auto* held = integer()) return std::to_string(*held);
  if (const auto* held = real()) return real_text(*held);
  if (const auto* held = string()) return quoted(*held);
  std::string text;
  if (const auto* held = list()) {
    for (const Value& element : *held) text += (text.empty() ? "" : ", ") + element.repr();
    return "[" + text + "]";
  }
  if (const auto* held = dict()) {
    for (const auto& [key, element] : held->items) {
      text += (text.empty() ? "" : ", ") + quoted(key) + ": " + element.repr();
    }
    return "{" + text + "}";
  }
  fail("expected a value that can be printed, found " + kind());
}

std::string Value::json(std::int64_t indent) const {
  std::string out;
  write_json(out, indent, 0);
  return out;
}

void Value::write_json(std::string& out, std::int64_t indent, std::int64_t level) const {
  const auto line = [&](std::int64_t depth) {
    if (indent >= 0) out += "\n" + std::string(static_cast<std::size_t>(indent * depth), ' ');
  };
  const char* separator = indent >= 0 ? "," : ", ";
  if (const auto* held = list(); held != nullptr && !held->empty()) {
    out += '[';
    for (std::size_t i = 0; i < held->size(); ++i) {
      if (i > 0) out += separator;
      line(level + 1);
      (*held)[i].write_json(out, indent, level + 1);
    }
    line(level);
    out += ']';
  } else if (const auto* items = dict(); items != nullptr && !items->items.empty()) {
    out += '{';
    for (std::size_t i = 0; i < items->items.size(); ++i) {
      if (i > 0) out += separator;
      line(level + 1);
      out += to_text(Json(items->items[i].first)) + ": ";
      items->items[i].second.write_json(out, indent, level + 1);
    }
    line(level);
    out += '}';
  } else if (list() != nullptr) {
    out += "[]";
  } else if (dict() != nullptr) {
    out += "{}";
  } else if (is_none()) {
    out += "null";
  } else if (const auto* flag = boolean()) {
    out += *flag ? "true" : "false";
  } else if (const auto* characters = string()) {
    out += to_text(Json(*characters));
  } else if (is_number()) {
    out += repr();
  } else {
    fail("tojson: expected a value of JSON, found " + kind());
  }
}

bool Value::operator==(const Value& other) const {
  if (is_number() && other.is_number()) return number() == other.number();
  if (data_.index() != other.data_.index()) return false;
  const std::string* text = string();
  const std::string* other_text = other.string();
  if (text != nullptr && other_text != nullptr) return *text == *other_text;
  const List* elements = list();
  const List* other_elements = other.list();
  if (elements != nullptr && other_elements != nullptr) return *elements == *other_elements;
  const Dict* items = dict();
  const Dict* other_items = other.dict();
  if (items == nullptr || other_items == nullptr) return function() == other.function();
  if (items->items.size() != other_items->items.size()) return false;
  for (const auto& [key, value] : items->items) {
    const Value* found = other_items->find(key);
    if (found == nullptr || !(*found == value)) return false;
  }
  return true;
}

}  // namespace kedit::jinja

#include "tokenizer/jinja/strings.hpp"

#include "tokenizer/text/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>

namespace kedit::jinja {
namespace {

constexpr std::string_view kBlanks = " \t\n\r\v\f";
constexpr std::size_t kMostStripped = 1000;  // characters; each is compared with each of the text

enum class Case { upper, lower };

// Character by character; only the sharp s becomes two.
std::string changed(std::string_view text, Case wanted) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint character = code_point_at(text, at);
    const auto value = static_cast<utf8proc_int32_t>(character.value);
    if (wanted == Case::upper && character.value == 0xDF) {
      result += "SS";
    } else {
      append_utf8(result, static_cast<char32_t>(wanted == Case::upper ? utf8proc_toupper(value)
                                                                      : utf8proc_tolower(value)));
    }
    at += character.bytes;
  }
  return result;
}

bool is_letter(char32_t value) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(value));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

List split_at_blanks(const std::string& text) {
  List parts;
  for (std::size_t at = text.find_first_not_of(kBlanks); at != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    parts.push_back(Value::of(text.substr(at, end - at)));
    at = text.find_first_not_of(kBlanks, end);
  }
  return parts;
}

Value split(const std::string& text, const Arguments& arguments) {
  const Value separator = arguments.get(0, "sep");
  if (separator.string() == nullptr) return Value::of(split_at_blanks(text));
  if (separator.text().empty()) fail("expected a separator, found an empty one");
  const Value most = arguments.get(1, "maxsplit");
  std::int64_t left = most.undefined() ? -1 : most.whole_number();
  List parts;
  std::size_t at = 0;
  for (; left != 0; --left) {
    const std::size_t end = find_part(text, separator.text(), at);
    if (end == std::string::npos) break;
    parts.push_back(Value::of(text.substr(at, end - at)));
    at = end + separator.text().size();
  }
  parts.push_back(Value::of(text.substr(at)));
  return Value::of(std::move(parts));
}

bool any_affix(const std::string& text, const Value& affixes, bool front) {
  const List* several = affixes.list();
  const List all = several == nullptr ? List{affixes} : *several;
  return std::any_of(all.begin(), all.end(), [&](const Value& affix) {
    return front ? text.starts_with(affix.text()) : text.ends_with(affix.text());
  });
}

using Method = Value (*)(const std::string&, const Arguments&);

const std::map<std::string, Method>& methods() {
  static const std::map<std::string, Method> kMethods = {
      {"strip", [](auto& s, auto& a) { return Value::of(stripped(s, a.get(0, "chars"))); }},
      {"lstrip",
       [](auto& s, auto& a) { return Value::of(stripped(s, a.get(0, "chars"), true, false)); }},
      {"rstrip",
       [](auto& s, auto& a) { return Value::of(stripped(s, a.get(0, "chars"), false, true)); }},
      {"upper", [](auto& s, auto&) { return Value::of(upper(s)); }},
      {"lower", [](auto& s, auto&) { return Value::of(lower(s)); }},
      {"title", [](auto& s, auto&) { return Value::of(titled(s)); }},
      {"capitalize", [](auto& s, auto&) { return Value::of(capitalized(s)); }},
      {"split", [](auto& s, auto& a) { return split(s, a); }},
      {"startswith",
       [](auto& s, auto& a) { return Value::of(any_affix(s, a.get(0, "prefix"), true)); }},
      {"endswith",
       [](auto& s, auto& a) { return Value::of(any_affix(s, a.get(0, "suffix"), false)); }},
      {"replace",
       [](auto& s, auto& a) {
         return Value::of(replaced(s, a.get(0, "old").text(), a.get(1, "new").text()));
       }},
      {"join", [](auto& s, auto& a) { return Value::of(join(a.get(0, "iterable"), s)); }},
  };
  return kMethods;
}

}  // namespace

void append(std::string& text, std::string_view part) {
  if (text.size() + part.size() > kHeaviestValue) {
    fail("expected a short string, found a very long one");
  }
  text += part;
}

std::size_t find_part(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::string stripped(const std::string& text, const Value& characters, bool left, bool right) {
  const std::string* given = characters.string();
  const std::string set = given == nullptr ? std::string(kBlanks) : *given;
  if (set.size() > kMostStripped) fail("strip: expected a few characters, found very many");
  std::size_t begin = left ? text.find_first_not_of(set) : 0;
  if (begin == std::string::npos) return "";
  const std::size_t last = right ? text.find_last_not_of(set) : text.size() - 1;
  if (text.empty() || last == std::string::npos) return "";
  return text.substr(begin, last + 1 - begin);
}

std::string upper(std::string_view text) { return changed(text, Case::upper); }
std::string lower(std::string_view text) { return changed(text, Case::lower); }

std::string capitalized(std::string_view text) {
  if (text.empty()) return "";
  const std::size_t first = code_point_at(text, 0).bytes;
  return upper(text.substr(0, first)) + lower(text.substr(first));
}

std::string titled(std::string_view text) {
  std::string result;
  bool start = true;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint character = code_point_at(text, at);
    result += changed(text.substr(at, character.bytes), start ? Case::upper : Case::lower);
    start = !is_letter(character.value);
    at += character.bytes;
  }
  return result;
}

std::string replaced(const std::string& text, const std::string& from, const std::string& to) {
  if (from.empty()) return text;
  std::string result;
  std::size_t kept = 0;
  while (true) {
    const std::size_t at = find_part(text, from, kept);
    if (at == std::string::npos) break;
    append(result, std::string_view(text).substr(kept, at - kept));
    append(result, to);
    kept = at + from.size();
  }
  append(result, std::string_view(text).substr(kept));
  return result;
}

std::string join(const Value& list, const std::string& separator) {
  std::string text;
  bool first = true;
  for (const Value& element : list.elements()) {
    if (!first) append(text, separator);
    append(text, element.shown());
    first = false;
  }
  return text;
}

Value string_method(const Value& string, const std::string& name) {
  const auto method = methods().find(name);
  if (method == methods().end()) return {};
  return Value::method([string, act = method->second](
                           const Arguments& arguments) { return act(string.text(), arguments); },
                       string);
}

}  // namespace kedit::jinja

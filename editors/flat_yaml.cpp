#include "editors/flat_yaml.hpp"

#include <fmt/format.h>

#include <charconv>
#include <vector>

namespace kedit {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// The line without its comment: "#" at the start or after a blank, outside quotes.
std::string_view without_comment(std::string_view line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
      return line.substr(0, i);
    }
  }
  return line;
}

/// Reads one value; lists recurse. `text` is consumed from the front.
class ValueReader {
 public:
  ValueReader(std::string_view text, const std::string& origin, std::size_t line)
      : text_(text), origin_(origin), line_(line) {}

  Json read_all() {
    Json value = read(0, /*in_list=*/false);
    if (!trimmed(text_).empty()) fail("one value", text_);
    return value;
  }

  [[noreturn]] void fail(std::string_view expected, std::string_view found) const {
    throw JsonError(fmt::format("reading {}: line {}: expected {}, found \"{}\"", origin_, line_,
                                expected, found));
  }

 private:
  Json read(int depth, bool in_list) {
    text_ = trimmed(text_);
    if (depth > 8) fail("lists nested at most 8 deep", text_);
    if (!text_.empty() && text_.front() == '[') return read_list(depth);
    if (!text_.empty() && (text_.front() == '"' || text_.front() == '\'')) return read_quoted();
    if (!text_.empty() &&
        std::string_view("{&*|>!%@`").find(text_.front()) != std::string_view::npos) {
      fail("a number, word, quoted string or list", text_);
    }
    const std::size_t end = in_list ? text_.find_first_of(",]") : text_.size();
    const std::string_view word = trimmed(text_.substr(0, end));
    text_.remove_prefix(std::min(end, text_.size()));
    return scalar(word);
  }

  Json read_list(int depth) {
    Json list = Json::array();
    text_.remove_prefix(1);
    for (text_ = trimmed(text_); !text_.empty() && text_.front() != ']'; text_ = trimmed(text_)) {
      list.push_back(read(depth + 1, /*in_list=*/true));
      text_ = trimmed(text_);
      if (!text_.empty() && text_.front() == ',')
        text_.remove_prefix(1);
      else if (text_.empty() || text_.front() != ']')
        break;
    }
    if (text_.empty() || text_.front() != ']') fail("a closing ]", text_);
    text_.remove_prefix(1);
    return list;
  }

  Json read_quoted() {
    const char quote = text_.front();
    std::size_t end = 1;
    while (end < text_.size() && text_[end] != quote) {
      end += (quote == '"' && text_[end] == '\\') ? 2 : 1;
    }
    if (end >= text_.size()) fail("a closing quote", text_);
    const std::string_view raw = text_.substr(0, end + 1);
    text_.remove_prefix(end + 1);
    if (quote == '\'') return std::string(raw.substr(1, raw.size() - 2));
    return parse_json(raw, fmt::format("{}: line {}", origin_, line_));  // same escapes as JSON
  }

  static Json scalar(std::string_view word) {
    if (word.empty() || word == "~" || word == "null" || word == "None") return nullptr;
    if (word == "true" || word == "True") return true;
    if (word == "false" || word == "False") return false;
    if (word.find_first_of("0123456789") == std::string_view::npos) return std::string(word);
    const char* end = word.data() + word.size();
    std::int64_t integer = 0;
    if (auto [at, error] = std::from_chars(word.data(), end, integer);
        error == std::errc() && at == end) {
      return integer;
    }
    double number = 0;
    if (auto [at, error] = std::from_chars(word.data(), end, number);
        error == std::errc() && at == end) {
      return number;
    }
    return std::string(word);
  }

  std::string_view text_;
  const std::string& origin_;
  std::size_t line_;
};

struct Line {
  std::size_t number;
  std::string_view text;  // without comment, trimmed at the end only
};

std::vector<Line> meaningful_lines(std::string_view text) {
  std::vector<Line> lines;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = without_comment(text.substr(begin, end - begin));
    ++number;
    begin = end + 1;
    if (!trimmed(line).empty() && trimmed(line) != "---") lines.push_back({number, line});
  }
  return lines;
}

bool is_item(const Line& line) {
  const std::string_view text = trimmed(line.text);
  return text == "-" || text.rfind("- ", 0) == 0;
}

}  // namespace

Json parse_flat_yaml(std::string_view text, const std::string& origin) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Json object = Json::object();
  const std::vector<Line> lines = meaningful_lines(text);
  for (std::size_t i = 0; i < lines.size();) {
    const Line& line = lines[i++];
    const std::size_t colon = line.text.find(':');
    const ValueReader here(line.text, origin, line.number);
    if (line.text.front() == ' ' || line.text.front() == '\t' || colon == std::string_view::npos) {
      here.fail("\"key: value\" without indentation", trimmed(line.text));
    }
    const std::string key(trimmed(line.text.substr(0, colon)));
    if (object.contains(key)) here.fail("each key once", key);
    const std::string_view rest = trimmed(line.text.substr(colon + 1));
    if (!rest.empty()) {
      object[key] = ValueReader(rest, origin, line.number).read_all();
      continue;
    }
    object[key] = nullptr;
    for (; i < lines.size() && is_item(lines[i]); ++i) {
      if (object[key].is_null()) object[key] = Json::array();
      const std::string_view item = trimmed(trimmed(lines[i].text).substr(1));
      object[key].push_back(ValueReader(item, origin, lines[i].number).read_all());
    }
  }
  return object;
}

}  // namespace kedit

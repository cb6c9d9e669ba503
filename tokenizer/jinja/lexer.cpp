#include "tokenizer/jinja/lexer.hpp"

#include "tokenizer/jinja/strings.hpp"
#include "tokenizer/jinja/value.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace kedit::jinja {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

constexpr std::array<std::string_view, 10> kLongSymbols = {"==", "!=", "<=", ">=", "//",
                                                           "**", "-}", "-%", "+%", "-#"};

// Of a tag: the evaluation of a sum nests as deep as it has operands.
constexpr std::size_t kMostTokens = 4096;

class Lexer {
 public:
  explicit Lexer(std::string_view source) {
    for (std::size_t i = 0; i < source.size(); ++i) {  // newlines are \n
      if (source[i] == '\r') {
        source_ += '\n';
        if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      } else {
        source_ += source[i];
      }
    }
    if (source_.ends_with('\n')) source_.pop_back();
  }

  std::vector<Stretch> run() {
    while (position_ < source_.size()) {
      const std::size_t tag = next_tag();
      take_text(tag);
      if (tag == std::string::npos) break;
      take_tag();
    }
    return std::move(stretches_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    fail(fmt::format("line {}: {}", line_at(position_), what));
  }

  std::size_t line_at(std::size_t position) const {
    return 1 +
           static_cast<std::size_t>(std::count(
               source_.begin(),
               source_.begin() + static_cast<std::ptrdiff_t>(std::min(position, source_.size())),
               '\n'));
  }

  bool next_is(std::string_view text) const {
    return std::string_view(source_).substr(position_, text.size()) == text;
  }

  std::size_t next_tag() const {
    for (std::size_t at = source_.find('{', position_); at != std::string::npos;
         at = source_.find('{', at + 1)) {
      const char kind = at + 1 < source_.size() ? source_[at + 1] : ' ';
      if (kind == '{' || kind == '%' || kind == '#') return at;
    }
    return std::string::npos;
  }

  // The text up to a tag, stripped as the tag before and the tag after say.
  void take_text(std::size_t tag) {
    const std::size_t end = std::min(tag, source_.size());
    std::string text = source_.substr(position_, end - position_);
    const bool at_line_start = stretches_.empty() || starts_line_;
    if (strip_next_) text = stripped(text, {}, true, false);
    strip_next_ = false;
    position_ = end;
    if (tag != std::string::npos) strip_before_tag(text, at_line_start);
    if (!text.empty()) stretches_.push_back({Stretch::Kind::text, text, {}, line_at(position_)});
  }

  void strip_before_tag(std::string& text, bool at_line_start) const {
    const char sign = position_ + 2 < source_.size() ? source_[position_ + 2] : ' ';
    if (sign == '-') {
      text = stripped(text, {}, false, true);
      return;
    }
    if (sign == '+' || source_[position_ + 1] == '{') return;
    const std::size_t newline = text.rfind('\n');
    const std::size_t line = newline == std::string::npos ? 0 : newline + 1;
    const bool starts_line = newline != std::string::npos || at_line_start;
    if (starts_line && stripped(text.substr(line), {}).empty()) text.erase(line);
  }

  void take_tag() {
    const char kind = source_[position_ + 1];
    const std::size_t start = position_;
    position_ += 2;
    if (kind == '#') return take_comment();
    if (next_is("-") || (kind == '%' && next_is("+"))) ++position_;
    Stretch stretch;
    stretch.kind = kind == '{' ? Stretch::Kind::expression : Stretch::Kind::statement;
    stretch.line = line_at(start);
    take_tokens(kind == '{' ? "}}" : "%}", stretch.tokens);
    const bool raw = stretch.kind == Stretch::Kind::statement && stretch.tokens.size() == 1 &&
                     stretch.tokens[0].text == "raw";
    after_tag(kind == '%');
    if (raw) return take_raw();
    stretches_.push_back(std::move(stretch));
  }

  void take_comment() {
    const std::size_t end = source_.find("#}", position_);
    if (end == std::string::npos) refuse("expected the end of a comment, found none");
    strip_next_ = end > position_ && source_[end - 1] == '-';
    position_ = end + 2;
    after_tag(true);
  }

  void take_raw() {
    std::size_t end = source_.find("{%", position_);
    while (end != std::string::npos) {
      std::size_t name = end + 2;
      if (name < source_.size() && source_[name] == '-') ++name;
      name = source_.find_first_not_of(" \t\n", name);
      if (name != std::string::npos && source_.compare(name, 6, "endraw") == 0) break;
      end = source_.find("{%", end + 2);
    }
    if (end == std::string::npos) refuse("expected endraw, found none");
    take_text(end);
    const std::size_t close = source_.find("%}", position_);
    if (close == std::string::npos) refuse("expected the end of endraw, found none");
    strip_next_ = source_[close - 1] == '-';
    position_ = close + 2;
    after_tag(true);
  }

  // What a tag's end does to the text after it.
  void after_tag(bool block) {
    starts_line_ = false;
    if (block && !strip_next_ && !keep_newline_ && next_is("\n")) {
      ++position_;
      starts_line_ = true;
    }
    keep_newline_ = false;
  }

  void take_tokens(std::string_view end, std::vector<Token>& tokens) {
    std::string open;  // brackets; an end within them is none
    while (true) {
      while (position_ < source_.size() && is_blank(source_[position_])) ++position_;
      if (position_ >= source_.size()) refuse("expected the end of a tag, found none");
      if (open.empty() && next_is(end)) break;
      if (open.empty() && (next_is("-") || next_is("+")) &&
          std::string_view(source_).substr(position_ + 1, 2) == end) {
        strip_next_ = next_is("-");
        keep_newline_ = next_is("+");
        ++position_;
        break;
      }
      if (tokens.size() >= kMostTokens) refuse("expected a short tag, found a very long one");
      tokens.push_back(take_token());
      track_bracket(tokens.back(), open);
    }
    position_ += 2;
  }

  void track_bracket(const Token& token, std::string& open) const {
    if (token.kind != Token::Kind::symbol || token.text.size() != 1) return;
    const char c = token.text[0];
    if (c == '(' || c == '[' || c == '{') open += c;
    if (c != ')' && c != ']' && c != '}') return;
    if (open.empty()) refuse(fmt::format("expected no \"{}\", found one", c));
    open.pop_back();
  }

  Token take_token() {
    const char c = source_[position_];
    if (c == '"' || c == '\'') return take_string(c);
    if (is_digit(c)) return take_number();
    if (is_name_start(c)) {
      const std::size_t begin = position_;
      while (position_ < source_.size() &&
             (is_name_start(source_[position_]) || is_digit(source_[position_]))) {
        ++position_;
      }
      return {Token::Kind::name, source_.substr(begin, position_ - begin)};
    }
    for (const std::string_view symbol : kLongSymbols) {
      if (symbol.size() == 2 && next_is(symbol) && symbol[0] != '-' && symbol[0] != '+') {
        position_ += 2;
        return {Token::Kind::symbol, std::string(symbol)};
      }
    }
    if (std::string_view("+-*/%~<>=()[]{}.,:|").find(c) == std::string_view::npos) {
      refuse(fmt::format("expected an expression, found byte {}", static_cast<unsigned char>(c)));
    }
    ++position_;
    return {Token::Kind::symbol, std::string(1, c)};
  }

  Token take_number() {
    const std::size_t begin = position_;
    const auto digits = [&] {
      while (position_ < source_.size() &&
             (is_digit(source_[position_]) || source_[position_] == '_')) {
        ++position_;
      }
    };
    digits();
    bool real = false;
    if (next_is(".") && position_ + 1 < source_.size() && is_digit(source_[position_ + 1])) {
      real = true;
      ++position_;
      digits();
    }
    std::string text = source_.substr(begin, position_ - begin);
    std::erase(text, '_');
    if (!real && text.size() > 1 && text[0] == '0') refuse("expected no 0 before a number");
    if (text.size() > 18) refuse("expected a number of at most 18 digits, found a longer one");
    return {real ? Token::Kind::real : Token::Kind::integer, text};
  }

  Token take_string(char quote) {
    Token token{Token::Kind::string, ""};
    for (++position_; position_ < source_.size() && source_[position_] != quote; ++position_) {
      if (source_[position_] == '\\' && position_ + 1 < source_.size()) {
        take_escape(token.text);
      } else {
        token.text += source_[position_];
      }
    }
    if (position_ >= source_.size()) refuse("expected the end of a string, found none");
    ++position_;
    return token;
  }

  void take_escape(std::string& text) {
    const char c = source_[++position_];
    static constexpr std::string_view kNames = "ntr\\'\"abfv";
    static constexpr std::string_view kBytes("\n\t\r\\'\"\a\b\f\v");
    const std::size_t simple = kNames.find(c);
    if (simple != std::string_view::npos) {
      text += kBytes[simple];
    } else if (c >= '0' && c <= '7') {
      take_octal(text);
    } else if (c == 'N' || (static_cast<unsigned char>(c) & 0x80U) != 0) {
      refuse("expected an escape in a string, found one that this version does not support");
    } else if (c == 'x' || c == 'u' || c == 'U') {
      take_code_point(c == 'x' ? 2 : c == 'u' ? 4 : 8, text);
    } else if (c != '\n') {
      text += '\\';
      text += c;
    }
  }

  // One to three digits.
  void take_octal(std::string& text) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 3; ++i, ++position_) {
      const char c = position_ < source_.size() ? source_[position_] : ' ';
      if (c < '0' || c > '7') break;
      value = value * 8 + static_cast<std::uint32_t>(c - '0');
    }
    --position_;
    tokenizer::append_utf8(text, static_cast<char32_t>(value));
  }

  void take_code_point(std::size_t digits, std::string& text) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char c = ++position_ < source_.size() ? source_[position_] : ' ';
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0)
        refuse("expected hexadecimal digits in a string");
      value =
          value * 16 + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value > 0x10FFFF || surrogate) refuse("expected a character, found a surrogate");
    tokenizer::append_utf8(text, static_cast<char32_t>(value));
  }

  std::string source_;
  std::size_t position_ = 0;
  bool strip_next_ = false;    // "-" at the end of the tag before
  bool keep_newline_ = false;  // "+" there
  bool starts_line_ = true;
  std::vector<Stretch> stretches_;
};

}  // namespace

std::vector<Stretch> take_template_apart(std::string_view source) { return Lexer(source).run(); }

}  // namespace kedit::jinja

#include "tokenizer/text/pattern_syntax.hpp"

#include "tokenizer/text/unicode_tables.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

namespace kedit {
namespace {

// PCRE2's \s takes U+180E for a blank, Unicode (and Oniguruma) do not.
constexpr std::string_view kSpace =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kNotSpace =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";
std::string word_members(bool within_class) {
  std::string members = R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc})";
  for (const char* category : {"L", "M", "Nd", "Nl", "Pc"}) members += later_members(category);
  members += other_word_members(within_class);
  return members;
}

class Rewriter {
 public:
  Rewriter(std::string_view pattern, const std::string& where) : pattern_(pattern), where_(where) {}

  std::string run() {
    while (position_ < pattern_.size()) step();
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    throw TokenizerError(
        fmt::format("{}: expected a splitting pattern, found {} at byte {} of it, "
                    "which this version does not support",
                    where_, what, position_));
  }

  bool next_is(std::string_view text) const {
    return pattern_.substr(position_, text.size()) == text;
  }

  void copy(std::size_t bytes) {
    out_ += pattern_.substr(position_, bytes);
    position_ += bytes;
  }

  void step() {
    if (next_is("\\")) return escape();
    if (in_class_) return class_character();
    if (next_is("(?")) check_options();
    if (next_is("}+")) refuse("a repeated interval \"}+\"");
    if (next_is("[")) {
      in_class_ = true;
      copy(next_is("[^") ? 2 : 1);
      if (next_is("]")) copy(1);  // a bracket that comes first is a member
      return;
    }
    copy(1);
  }

  void class_character() {
    if (next_is("&&")) refuse("a class intersection \"&&\"");
    if (next_is("[") && !next_is("[:")) refuse("a class within a class");
    if (next_is("[:")) {
      const auto end = pattern_.find(":]", position_);
      if (end == std::string_view::npos) refuse("an open \"[:\"");
      return copy(end + 2 - position_);
    }
    if (next_is("]")) in_class_ = false;
    copy(1);
  }

  // (?m) lets the dot match newlines in Oniguruma and does something else in PCRE2.
  void check_options() const {
    for (auto at = position_ + 2; at < pattern_.size(); ++at) {
      const char option = pattern_[at];
      if (option == 'm' || option == 'x') refuse("the option (?m) or (?x)");
      if (option != 'i' && option != '-') return;
    }
  }

  void replace(std::string_view members, bool negated) {
    if (in_class_) {
      out_ += members;
    } else {
      out_ += negated ? "[^" : "[";
      out_ += members;
      out_ += ']';
    }
    position_ += 2;
  }

  void escape() {
    if (position_ + 1 >= pattern_.size()) refuse("a lone backslash");
    switch (pattern_[position_ + 1]) {
      case 's':
        return replace(kSpace, false);
      case 'S':
        return in_class_ ? replace(kNotSpace, false) : replace(kSpace, true);
      case 'w':
        return replace(word_members(in_class_), false);
      case 'W':
        return in_class_ ? refuse("\\W in a class") : replace(word_members(false), true);
      case 'u':
        return code_unit();
      case 'h':
      case 'H':
        return refuse("\\h");
      case 'p':
      case 'P':
        return property();
      case 'x':
        return braced();
      default:
        return copy(2);
    }
  }

  // General categories get what they have gained since the Unicode version of PCRE2.
  void property() {
    const bool negated = pattern_[position_ + 1] == 'P';
    const std::size_t begin = position_;
    const std::size_t rewritten = out_.size();
    braced();
    const std::string_view whole = pattern_.substr(begin, position_ - begin);
    const bool braces = whole.size() > 4 && whole[2] == '{';
    const std::string_view later = braces ? later_members(whole.substr(3, whole.size() - 4)) : "";
    if (later.empty() || (in_class_ && negated)) return;
    out_.resize(rewritten);
    if (!in_class_) out_ += negated ? "[^" : "[";
    out_ += R"(\p)";
    out_ += whole.substr(2);
    out_ += later;
    if (!in_class_) out_ += ']';
  }

  void braced() {
    const auto end = pattern_.find('}', position_);
    const bool braces = position_ + 2 < pattern_.size() && pattern_[position_ + 2] == '{';
    if (braces && end == std::string_view::npos) refuse("an open \"{\"");
    copy(braces ? end + 1 - position_ : 2);
  }

  void code_unit() {
    const auto digits = pattern_.substr(position_ + 2, 4);
    if (digits.size() != 4 ||
        digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
      refuse("\\u without four hexadecimal digits");
    }
    out_ += fmt::format("\\x{{{}}}", digits);
    position_ += 6;
  }

  std::string_view pattern_;
  const std::string& where_;
  std::size_t position_ = 0;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

std::string oniguruma_to_pcre(std::string_view pattern, const std::string& where) {
  return Rewriter(pattern, where).run();
}

std::string quote_pattern(std::string_view text) {
  std::string pattern;
  for (const char byte : text) {
    const bool special = std::string_view("\\^$.[]|()?*+{}#-").find(byte) != std::string_view::npos;
    if (special) pattern += '\\';
    pattern += byte;
  }
  return pattern;
}

}  // namespace kedit

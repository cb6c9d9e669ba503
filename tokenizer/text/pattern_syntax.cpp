#include "tokenizer/text/pattern_syntax.hpp"

#include "tokenizer/text/folded_letters.hpp"
#include "tokenizer/text/split_classes.hpp"
#include "tokenizer/text/utf8.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <vector>

namespace kedit::tokenizer {
namespace {

// PCRE2's \s takes U+180E for a blank, Unicode (and Oniguruma) do not.
constexpr std::string_view kSpace =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kNotSpace =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";
constexpr std::string_view kHexDigits = "0-9a-fA-F";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool is_quantifier(char c) { return c == '*' || c == '+' || c == '?' || c == '{'; }

// Classes that hold with every character all those that differ from it in case only.
bool is_closed_under_case(std::string_view name) {
  for (const char* closed :
       {"p",       "pc",      "pd",      "ps",       "pe",    "pi",    "pf",    "po",    "sc",
        "sk",      "sm",      "z",       "zs",       "zl",    "zp",    "nd",    "cc",    "[:digit",
        "[:space", "[:blank", "[:cntrl", "[:xdigit", "digit", "space", "blank", "cntrl", "punct"}) {
    if (name == closed) return true;
  }
  return false;
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
  char at(std::size_t ahead) const {
    return position_ + ahead < pattern_.size() ? pattern_[position_ + ahead] : '\0';
  }

  void copy(std::size_t bytes) {
    out_ += pattern_.substr(position_, bytes);
    position_ += bytes;
  }

  void step() {
    if (in_class_) return class_member();
    if (next_is("(")) return open_group();
    const bool joins = next_is(")") || (folds_ && is_letter(at(0)));
    if (!joins) tail_ = {};
    if (next_is("\\")) return escape();
    if (next_is("[")) return open_class();
    if (next_is("{")) return interval();
    if (next_is(")")) {
      if (!folding_.empty()) folds_ = folding_.back();
      if (!folding_.empty()) folding_.pop_back();
      return copy(1);
    }
    if (std::string_view("|*+?.^$").find(at(0)) != std::string_view::npos) return copy(1);
    if (folds_) return folded();
    copy(1);
  }

  // --- groups and options

  void open_group() {
    if (next_is("(*")) refuse("\"(*\"");
    if (!next_is("(?")) {
      folding_.push_back(folds_);
      return copy(1);
    }
    if (next_is("(?#")) {
      const auto end = pattern_.find(')', position_);
      if (end == std::string_view::npos) refuse("an open comment");
      position_ = end + 1;
      return;
    }
    for (const std::string_view kind : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
      if (!next_is(kind)) continue;
      folding_.push_back(folds_);
      return copy(kind.size());
    }
    options();
  }

  // "(?i)" and "(?i:...)". (?m) lets the dot match newlines in Oniguruma and does something else in
  // PCRE2; an option in the middle of a branch holds for the branches after it in Oniguruma alone.
  void options() {
    bool on = true;
    bool folds = folds_;
    std::size_t ahead = 2;
    for (; at(ahead) == 'i' || at(ahead) == '-'; ++ahead) {
      if (at(ahead) == '-') on = false;
      if (at(ahead) == 'i') folds = on;
    }
    const bool group = at(ahead) == ':';
    if (ahead == 2 || (!group && at(ahead) != ')')) refuse("a group of another kind than (?:");
    if (!group && !at_branch_start()) refuse("an option in the middle of a branch");
    if (group) folding_.push_back(folds_);
    folds_ = folds;
    copy(ahead + 1);
  }

  bool at_branch_start() const {
    return out_.empty() || out_.back() == '(' || out_.ends_with("(?:") || out_.ends_with("(?>") ||
           out_.ends_with("(?=") || out_.ends_with("(?!") || out_.ends_with("(?<=") ||
           out_.ends_with("(?<!") || out_.ends_with("(?i)");
  }

  // "{,n}" is "{0,n}"; what stands behind an interval may mean repetition in Ruby.
  void interval() {
    std::size_t ahead = 1;
    while (is_digit(at(ahead))) ++ahead;
    const bool from = ahead > 1;
    const bool range = at(ahead) == ',';
    std::size_t to = range ? ahead + 1 : ahead;
    while (is_digit(at(to))) ++to;
    const bool whole = at(to) == '}' && (from || (range && to > ahead + 1));
    if (!whole) {
      out_ += '\\';  // a brace like any other character
      return copy(1);
    }
    if (at(to + 1) == '+') refuse("a repeated interval \"}+\"");
    if (!range && at(to + 1) == '?') refuse("a lazy interval without a range");
    if (!from) out_ += "{0";
    if (!from) ++position_;
    copy(from ? to + 1 : to);
  }

  // --- classes

  void open_class() {
    in_class_ = true;
    const std::size_t begin = next_is("[^") ? 2 : 1;
    if (folds_ && at(begin + 1) == ']' && begin == 1 && is_letter(at(begin))) {
      refuse("a class of one letter without regard to case");
    }
    copy(begin);
    if (next_is("]")) {
      out_ += '\\';
      copy(1);  // a bracket that comes first is a member
    }
  }

  void class_member() {
    if (next_is("\\")) return escape();
    if (next_is("&&")) refuse("a class intersection \"&&\"");
    if (next_is("[:")) return bracket();
    if (next_is("[")) refuse("a class within a class");
    if (next_is("]")) {
      in_class_ = false;
      return copy(1);
    }
    const CodePoint character = code_point_at(pattern_, position_);
    if (folds_) check_folded(character.value);
    copy(character.bytes);
  }

  void bracket() {
    const auto end = pattern_.find(":]", position_);
    if (end == std::string_view::npos) refuse("an open \"[:\"");
    const std::string_view name = pattern_.substr(position_, end - position_);
    if (name.starts_with("[:^")) refuse("a negated class within a class");
    const auto members = split_class(name);
    if (!members) refuse("a class of an unknown name");
    put_class(name, *members, false, end + 2 - position_);
  }

  // A class of `bytes` of the pattern.
  void put_class(std::string_view name, std::string_view members, bool negated, std::size_t bytes) {
    if (folds_ && !is_closed_under_case(name)) refuse("a class without regard to case");
    if (!in_class_) {
      out_ += negated ? "[^" : "[";
      out_ += members;
      out_ += ']';
      position_ += bytes;
      return;
    }
    if (negated) refuse("a negated class within a class");
    if (out_.back() == '-' && !out_.ends_with("[-") && !out_.ends_with("[^-") &&
        !out_.ends_with("\\-")) {
      refuse("a range that ends with a class");
    }
    out_ += members;
    position_ += bytes;
    if (next_is("-")) {
      if (at(1) != ']') refuse("a range that begins with a class");
      out_ += "\\-";
      ++position_;
    }
  }

  // --- escapes

  void escape() {
    const char c = at(1);
    if (position_ + 1 >= pattern_.size()) refuse("a lone backslash");
    if (is_digit(c)) return number();
    if (!is_letter(c)) return copy(1 + code_point_at(pattern_, position_ + 1).bytes);
    switch (c) {
      case 's':
        return put_class("[:space", kSpace, false, 2);
      case 'S':
        return in_class_ ? put_class("[:space", kNotSpace, false, 2)
                         : put_class("[:space", kSpace, true, 2);
      case 'w':
      case 'W':
        return put_class("w", *split_class(in_class_ ? "[\\w" : "\\w"), c == 'W', 2);
      case 'd':
      case 'D':
        return put_class("nd", *split_class("nd"), c == 'D', 2);
      case 'h':
      case 'H':
        return put_class("[:xdigit", kHexDigits, c == 'H', 2);
      case 'v':
        out_ += R"(\x{b})";
        position_ += 2;
        return;
      case 'p':
      case 'P':
        return property();
      case 'x':
      case 'u':
        return code();
      default:
        return plain_escape(c);
    }
  }

  void plain_escape(char c) {
    if (std::string_view("aefnrt").find(c) != std::string_view::npos) return copy(2);
    if (in_class_ && c == 'b') return copy(2);
    if (in_class_) refuse("an escape that means something else in a class");
    if (c == 'b' || c == 'B') return word_boundary(c == 'B');
    const bool same = std::string_view("AzZR").find(c) != std::string_view::npos;
    if (!same && !(c == 'N' && at(2) != '{')) refuse(fmt::format("\\{}", c));
    copy(2);
  }

  // PCRE2's own \b knows fewer characters of words.
  void word_boundary(bool negated) {
    const auto w = *split_class("\\w");
    const std::string_view inside = negated ? "(?=" : "(?!";
    const std::string_view outside = negated ? "(?!" : "(?=";
    out_ += fmt::format("(?:(?<=[{0}]){1}[{0}])|(?<![{0}]){2}[{0}]))", w, inside, outside);
    position_ += 2;
  }

  // A reference to a group, or an octal number.
  void number() {
    if (at(1) != '0' && !is_digit(at(2)) && !in_class_) {
      if (folds_) refuse("a reference without regard to case");
      return copy(2);
    }
    if (at(1) != '0') refuse("an octal number");
    std::uint32_t value = 0;
    std::size_t ahead = 1;
    for (; ahead < 4 && at(ahead) >= '0' && at(ahead) <= '7'; ++ahead) {
      value = value * 8 + static_cast<std::uint32_t>(at(ahead) - '0');
    }
    put_code(value, ahead);
  }

  void code() {
    std::size_t begin = 2;
    std::size_t most = at(1) == 'u' ? 4 : 2;
    const bool braces = at(1) == 'x' && at(2) == '{';
    if (braces) begin = 3;
    if (braces) most = 8;
    std::size_t end = begin;
    while (end < begin + most && is_hex(at(end))) ++end;
    const bool fits = braces ? at(end) == '}' && end > begin : end > begin;
    if (!fits || (at(1) == 'u' && end != begin + 4)) refuse("a character without its number");
    const auto value = static_cast<std::uint32_t>(
        std::stoul(std::string(pattern_.substr(position_ + begin, end - begin)), nullptr, 16));
    const bool byte = at(1) == 'x' && !braces;
    if (byte && value > 0x7F) refuse("a byte of a character");
    put_code(value, braces ? end + 1 : end);
  }

  void put_code(std::uint32_t value, std::size_t bytes) {
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) refuse("no character");
    const bool letter = value < 0x80 && is_letter(static_cast<char>(value));
    if (folds_ && (letter || (value >= 0x80 && !is_caseless(value)))) {
      refuse("a letter by its number without regard to case");
    }
    out_ += fmt::format("\\x{{{:x}}}", value);
    position_ += bytes;
  }

  void property() {
    const auto end = pattern_.find('}', position_);
    if (at(2) != '{' || end == std::string_view::npos) refuse("\\p without a name in braces");
    std::string_view name = pattern_.substr(position_ + 3, end - position_ - 3);
    bool negated = at(1) == 'P';
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    const std::size_t bytes = end + 1 - position_;
    const bool other = name == "C" || name == "c" || name == "Cn" || name == "cn";
    if (other) return put_class(name, assigned_members(name.size() > 1), !negated, bytes);
    const auto members = split_class(name);
    if (!members || name.empty() || is_reserved(name)) refuse("a property of an unknown name");
    put_class(name, *members, negated, bytes);
  }

  static bool is_reserved(std::string_view name) { return name[0] == '[' || name[0] == '\\'; }

  // What is not "other" (or, with `controls`, not unassigned).
  static std::string assigned_members(bool controls) {
    std::string members;
    for (const char* name : {"l", "m", "n", "p", "s", "z"}) members += *split_class(name);
    if (controls) {
      for (const char* name : {"cc", "cf", "co"}) members += *split_class(name);
    }
    return members;
  }

  // --- letters without regard to case

  void check_folded(char32_t value) const {
    if (value >= 0x80 && !is_caseless(value))
      refuse("a letter beyond ASCII without regard to case");
  }

  // A stretch of ordinary characters; a quantifier takes the last one of it alone.
  void folded() {
    std::size_t ahead = 0;
    while (is_letter(at(ahead))) ++ahead;
    if (ahead == 0) {
      tail_ = {};
      const CodePoint character = code_point_at(pattern_, position_);
      check_folded(character.value);
      return copy(character.bytes);
    }
    const std::size_t alone = ahead > 1 && is_quantifier(at(ahead)) ? 1 : 0;
    const std::string_view letters = pattern_.substr(position_, ahead - alone);
    // Oniguruma joins letters of neighbouring groups.
    if (folds_across(tail_, letters)) refuse("letters in two groups without regard to case");
    tail_ = letters;
    out_ += folded_letters(letters);
    position_ += ahead - alone;
    if (alone == 1) copy(1);
  }

  std::string_view pattern_;
  const std::string& where_;
  std::size_t position_ = 0;
  bool in_class_ = false;
  bool folds_ = false;         // (?i) holds here
  std::string_view tail_;      // the letters just before, as far as (?i) held for them
  std::vector<bool> folding_;  // outside of the groups that are open
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

}  // namespace kedit::tokenizer

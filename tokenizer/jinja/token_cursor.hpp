#pragma once

#include "json/short_name.hpp"
#include "tokenizer/jinja/lexer.hpp"
#include "tokenizer/jinja/value.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace kedit::jinja {

/// Goes through the tokens of a tag, which must outlive it.
class TokenCursor {
 public:
  explicit TokenCursor(const std::vector<Token>& tokens, std::size_t at = 0)
      : tokens_(tokens), at_(at) {}

  bool at_end() const { return at_ >= tokens_.size(); }
  /// The token here; there must be one.
  const Token& token() const { return tokens_[at_]; }
  Token next() { return tokens_[at_++]; }
  bool at(Token::Kind kind) const { return !at_end() && token().kind == kind; }
  bool at_name(std::string_view text, std::size_t ahead = 0) const {
    return is(Token::Kind::name, text, ahead);
  }
  bool at_symbol(std::string_view text, std::size_t ahead = 0) const {
    return is(Token::Kind::symbol, text, ahead);
  }
  bool take_name(std::string_view text) { return take(at_name(text)); }
  bool take_symbol(std::string_view text) { return take(at_symbol(text)); }
  void expect_symbol(std::string_view text) {
    if (!take_symbol(text)) fail(fmt::format("expected \"{}\", found {}", text, found()));
  }
  void expect_keyword(std::string_view text) {
    if (!take_name(text)) fail(fmt::format("expected \"{}\", found {}", text, found()));
  }
  std::string expect_name() {
    if (!at(Token::Kind::name)) fail("expected a name, found " + found());
    return next().text;
  }
  void expect_end(std::string_view of = "the tag") const {
    if (!at_end()) fail(fmt::format("expected the end of {}, found {}", of, found()));
  }
  /// What stands here, for messages.
  std::string found() const {
    return at_end() ? "the end of the tag" : "\"" + short_name(token().text) + "\"";
  }

 private:
  bool is(Token::Kind kind, std::string_view text, std::size_t ahead) const {
    return at_ + ahead < tokens_.size() && tokens_[at_ + ahead].kind == kind &&
           tokens_[at_ + ahead].text == text;
  }
  bool take(bool here) {
    if (here) ++at_;
    return here;
  }

  const std::vector<Token>& tokens_;
  std::size_t at_;
};

}  // namespace kedit::jinja

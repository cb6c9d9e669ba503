#include "tokenizer/text/token_decoder.hpp"

#include "tokenizer/text/byte_level.hpp"
#include "tokenizer/text/utf8.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>

namespace kedit::tokenizer {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kMostFront = 4;                         // bytes
constexpr std::size_t kMostDecoded = std::size_t{16} << 20U;  // bytes

// A step that is a function of the list of tokens.
class DecoderStep final : public TokenDecoder {
 public:
  using Act = std::function<void(std::vector<std::string>&)>;
  DecoderStep(Reach reach, Act act) : reach_(reach), act_(std::move(act)) {}
  void apply(std::vector<std::string>& tokens) const override { act_(tokens); }
  Reach reach() const override { return reach_; }

 private:
  Reach reach_;
  Act act_;
};

using Reach = TokenDecoder::Reach;

TokenDecoderPtr step(Reach reach, DecoderStep::Act act) {
  return std::make_unique<DecoderStep>(reach, std::move(act));
}

void spell_bytes(std::vector<std::string>& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) {
    const auto spelt = from_byte_symbols(token);
    bytes += spelt ? *spelt : token;
  }
  tokens.assign(1, replace_invalid_utf8(bytes));
}

std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  int value = 0;
  for (const char digit : token.substr(3, 2)) {
    const auto at = std::string_view("0123456789ABCDEFabcdef").find(digit);
    if (at == std::string_view::npos) return std::nullopt;
    value = 16 * value + static_cast<int>(at < 16 ? at : at - 6);
  }
  return static_cast<char>(value);
}

void join_bytes(std::vector<std::string>& tokens) {
  std::vector<std::string> joined;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (first_invalid_utf8(bytes)) {
      joined.insert(joined.end(), bytes.size(), std::string(kReplacement));
    } else {
      joined.push_back(bytes);
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const auto byte = byte_of(token)) {
      bytes += *byte;
      continue;
    }
    flush();
    joined.push_back(std::move(token));
  }
  flush();
  tokens = std::move(joined);
}

void strip_token(std::string& token, std::string_view content, std::size_t start,
                 std::size_t stop) {
  std::string_view rest = token;
  for (; start > 0 && rest.starts_with(content); --start) rest.remove_prefix(content.size());
  for (; stop > 0 && rest.ends_with(content); --stop) rest.remove_suffix(content.size());
  token = std::string(rest);
}

// Throws when a step has made a long text of `before` bytes longer, as only hostile tokenizers do.
void check_decoded(std::size_t bytes, std::size_t before) {
  if (bytes <= std::max(kMostDecoded, before)) return;
  throw TokenizerError(
      fmt::format("decoding tokens: expected at most {} bytes of text, found more", kMostDecoded));
}

// Applies `change` to every token.
template <typename Change>
void change_all(std::vector<std::string>& tokens, Change change) {
  std::size_t before = 0;
  for (const std::string& token : tokens) before += token.size();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    change(tokens[i], i);
    bytes += tokens[i].size();
    check_decoded(bytes, before);
  }
}

void replace_matches(std::string& token, const SplitPattern& pattern, std::string_view content) {
  SplitScratch scratch;
  std::vector<TextRange> matches;
  pattern.find_all(token, scratch, matches);
  std::string result;
  std::size_t kept = 0;
  for (const auto& [begin, end] : matches) {
    result.append(token, kept, begin - kept);
    check_decoded(result.size() + content.size(), token.size());
    result += content;
    kept = end;
  }
  token = result.append(token, kept);
}

void clean_up_english(std::string& token) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRules = {{
      {" .", "."},
      {" ?", "?"},
      {" !", "!"},
      {" ,", ","},
      {" ' ", "'"},
      {" n't", "n't"},
      {" 'm", "'m"},
      {" do not", " don't"},
      {" 's", "'s"},
      {" 've", "'ve"},
      {" 're", "'re"},
  }};
  for (const auto& [from, to] : kRules) replace_all(token, from, to);
}

void join_word_pieces(std::vector<std::string>& tokens, const std::string& prefix, bool cleanup) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && tokens[i].starts_with(prefix)) {
      tokens[i].erase(0, prefix.size());
    } else if (i > 0) {
      tokens[i].insert(0, 1, ' ');
    }
    if (cleanup) clean_up_english(tokens[i]);
  }
}

}  // namespace

bool decode_in_parts(const std::vector<TokenDecoderPtr>& steps) {
  bool joined = false;
  for (const TokenDecoderPtr& step : steps) {
    const Reach reach = step->reach();
    // What has been put together is one text: a change inside it could reach across any tail.
    const bool fits = joined ? reach == Reach::join || reach == Reach::start : reach != Reach::text;
    if (!fits) return false;
    joined = joined || reach == Reach::spelling || reach == Reach::join;
  }
  return true;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  std::size_t at = text.find(from);
  if (at == std::string::npos) return;
  std::string result;
  std::size_t kept = 0;
  for (; at != std::string::npos; at = text.find(from, kept)) {
    result.append(text, kept, at - kept);
    check_decoded(result.size() + to.size(), text.size());
    result += to;
    kept = at + from.size();
  }
  text = result.append(text, kept);
}

TokenDecoderPtr byte_level_decoder() { return step(Reach::spelling, spell_bytes); }

TokenDecoderPtr byte_fallback_decoder() { return step(Reach::spelling, join_bytes); }

TokenDecoderPtr metaspace_decoder(std::string mark, bool drop_first) {
  return step(Reach::token, [mark = std::move(mark), drop_first](std::vector<std::string>& tokens) {
    change_all(tokens, [&](std::string& token, std::size_t i) {
      replace_all(token, mark, i == 0 && drop_first ? "" : " ");
    });
  });
}

TokenDecoderPtr fuse_decoder() {
  return step(Reach::join, [](std::vector<std::string>& tokens) {
    std::string text;
    for (const std::string& token : tokens) text += token;
    tokens.clear();
    tokens.push_back(std::move(text));
  });
}

TokenDecoderPtr strip_decoder(std::string content, std::size_t start, std::size_t stop) {
  // Its front is far from the end of a text unless a file asks for more than any does.
  const bool front_only = stop == 0 && start * content.size() <= kMostFront;
  const Reach reach = front_only ? Reach::start : Reach::text;
  return step(reach, [content = std::move(content), start, stop](std::vector<std::string>& tokens) {
    if (content.empty()) return;
    for (std::string& token : tokens) strip_token(token, content, start, stop);
  });
}

TokenDecoderPtr replace_literal_decoder(std::string literal, std::string content) {
  return step(Reach::token, [literal = std::move(literal),
                             content = std::move(content)](std::vector<std::string>& tokens) {
    change_all(tokens,
               [&](std::string& token, std::size_t) { replace_all(token, literal, content); });
  });
}

TokenDecoderPtr replace_pattern_decoder(SplitPattern pattern, std::string content) {
  auto shared = std::make_shared<const SplitPattern>(std::move(pattern));
  return step(Reach::token,
              [shared, content = std::move(content)](std::vector<std::string>& tokens) {
                change_all(tokens, [&](std::string& token, std::size_t) {
                  replace_matches(token, *shared, content);
                });
              });
}

TokenDecoderPtr word_piece_decoder(std::string prefix, bool cleanup) {
  // The first token keeps its prefix.
  const Reach reach = prefix.size() <= kMostFront ? Reach::token : Reach::text;
  return step(reach, [prefix = std::move(prefix), cleanup](std::vector<std::string>& tokens) {
    join_word_pieces(tokens, prefix, cleanup);
  });
}

TokenDecoderPtr word_suffix_decoder(std::string suffix) {
  return step(Reach::token, [suffix = std::move(suffix)](std::vector<std::string>& tokens) {
    change_all(tokens, [&](std::string& token, std::size_t i) {
      replace_all(token, suffix, i + 1 == tokens.size() ? "" : " ");
    });
  });
}

TokenDecoderPtr join_decoder() {
  return step(Reach::token, [](std::vector<std::string>& tokens) {
    for (std::size_t i = 1; i < tokens.size(); ++i) tokens[i].insert(0, 1, ' ');
  });
}

}  // namespace kedit::tokenizer

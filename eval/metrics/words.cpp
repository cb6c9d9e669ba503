#include "eval/metrics/words.hpp"

#include "eval/metrics/substitution.hpp"
#include "tokenizer/text/letter_case.hpp"
#include "tokenizer/text/utf8.hpp"

namespace kedit::metrics {
namespace {

// White space and word characters as Python 3 has them; PCRE2's own classes differ a little.
#define SPACE                                                                                   \
  "\\x09-\\x0d\\x1c-\\x20\\x85\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{" \
  "205f}\\x{3000}"
#define WORD "[\\p{L}\\p{N}_]"
#define STARTS "(?<!" WORD ")"
#define ENDS "(?!" WORD ")"

// Each is one pass over the whole sentence, in this order.
const std::vector<Substitution>& rules_before_padding() {
  static const std::vector<Substitution> rules = {
      // Quotes that open.
      {"([«“‘„]|`+)", " $1 "},
      {"^\"", "``"},
      {"(``)", " $1 "},
      {"([ (\\[{<])(?:\"|'')", "$1 `` "},
      {"(?i)'(?![mtsdn])(" WORD ")" ENDS, "' $1"},
      // Marks. A full stop is one at the sentence's end alone, whatever closes behind it.
      {"([^.])(\\.)([\\])}>\"'»”’ ]*+)[" SPACE "]*+$", "$1 $2 $3 "},
      {"([:,])([^\\p{Nd}])", " $1 $2"},
      {"([:,])$", " $1 "},
      {"(\\.{2,})", " $1 "},
      {"([;@#$%&])", " $1 "},
      {"([^.])(\\.)([\\])}>\"']*+)[" SPACE "]*+$", "$1 $2$3 "},
      {"([?!])", " $1 "},
      {"([^'])' ", "$1 ' "},
      {"(\\*)", " $1 "},
      {"([\\]\\[(){}<>])", " $1 "},
      {"--", " -- "},
  };
  return rules;
}

// These look for the blanks around a word.
const std::vector<Substitution>& rules_after_padding() {
  static const std::vector<Substitution> rules = {
      // Quotes that close, and what hangs on an apostrophe.
      {"([»”’])", " $1 "},
      {"''", " '' "},
      {"\"", " '' "},
      {"([^' ])('[sSmMdD]|') ", "$1 $2 "},
      {"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "$1 $2 "},
      // Two words written as one.
      {"(?i)" STARTS "(can)(not)" ENDS, " $1 $2 "},
      {"(?i)" STARTS "(d)('ye)" ENDS, " $1 $2 "},
      {"(?i)" STARTS "(gim)(me)" ENDS, " $1 $2 "},
      {"(?i)" STARTS "(gon)(na)" ENDS, " $1 $2 "},
      {"(?i)" STARTS "(got)(ta)" ENDS, " $1 $2 "},
      {"(?i)" STARTS "(lem)(me)" ENDS, " $1 $2 "},
      {"(?i)" STARTS "(more)('n)" ENDS, " $1 $2 "},
      {"(?i)" STARTS "(wan)(na)(?=[" SPACE "])", " $1 $2 "},
      {"(?i) ('t)(is)" ENDS, " $1 $2 "},
      {"(?i) ('t)(was)" ENDS, " $1 $2 "},
  };
  return rules;
}

#undef SPACE
#undef WORD
#undef STARTS
#undef ENDS

std::vector<std::string> split_at_space(const std::string& text) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const tokenizer::CodePoint one = tokenizer::code_point_at(text, i);
    if (tokenizer::is_python_space(one.value)) {
      if (i > begin) words.push_back(text.substr(begin, i - begin));
      begin = i + one.bytes;
    }
    i += one.bytes;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

}  // namespace

std::vector<std::string> words_of_sentence(std::string_view sentence) {
  std::string text = tokenizer::replace_invalid_utf8(sentence);
  for (const Substitution& rule : rules_before_padding()) text = rule.apply(text);
  text = " " + text + " ";
  for (const Substitution& rule : rules_after_padding()) text = rule.apply(text);
  return split_at_space(text);
}

}  // namespace kedit::metrics

// Kiss and Strunk's Punkt ("Unsupervised Multilingual Sentence Boundary Detection", 2006) as NLTK
// 3.7 applies it. Every character with a meaning here is ASCII but for white space, so that texts
// are walked byte by byte.
#include "eval/metrics/punkt.hpp"

#include "tokenizer/text/letter_case.hpp"
#include "tokenizer/text/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>

namespace kedit::metrics {
namespace {

/// How a word was seen when the tables were made.
enum LetterCase : int {
  upper_at_beginning = 2,  ///< Of a sentence.
  upper_inside = 4,
  upper_somewhere = 8,
  lower_at_beginning = 16,
  lower_inside = 32,
  lower_somewhere = 64,
};
constexpr int kUpper = upper_at_beginning | upper_inside | upper_somewhere;
constexpr int kLower = lower_at_beginning | lower_inside | lower_somewhere;

constexpr std::string_view kEnds = ".?!";
constexpr std::string_view kNoWordBegins = "(\"`{[:;&#*@)}]-,";
constexpr std::string_view kEndsWord = ")\";}]*:@'({[?!";
constexpr std::string_view kClosers = "\"')]}";
constexpr const char* kNumber = "##number##";

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// Bytes of the white space that stands at `at`; 0 where there is none.
std::size_t space_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  const tokenizer::CodePoint one = tokenizer::code_point_at(text, at);
  return tokenizer::is_python_space(one.value) ? one.bytes : 0;
}
std::size_t space_before(std::string_view text, std::size_t end) {
  if (end == 0) return 0;
  const tokenizer::CodePoint one = tokenizer::code_point_before(text, end);
  return tokenizer::is_python_space(one.value) ? one.bytes : 0;
}
std::size_t skip_space(std::string_view text, std::size_t at) {
  while (const std::size_t bytes = space_at(text, at)) at += bytes;
  return at;
}
std::size_t skip_word(std::string_view text, std::size_t at) {
  while (at < text.size() && space_at(text, at) == 0) {
    at += tokenizer::code_point_at(text, at).bytes;
  }
  return at;
}
std::size_t trimmed_end(std::string_view text, std::size_t end) {
  while (const std::size_t bytes = space_before(text, end)) end -= bytes;
  return end;
}
std::size_t word_begin(std::string_view text, std::size_t end) {
  while (end > 0 && space_before(text, end) == 0) {
    end -= tokenizer::code_point_before(text, end).bytes;
  }
  return end;
}

utf8proc_category_t category_of(std::string_view text) {
  if (text.empty()) return UTF8PROC_CATEGORY_CN;
  return utf8proc_category(static_cast<utf8proc_int32_t>(tokenizer::code_point_at(text, 0).value));
}
bool begins_upper(std::string_view text) { return category_of(text) == UTF8PROC_CATEGORY_LU; }
bool begins_lower(std::string_view text) { return category_of(text) == UTF8PROC_CATEGORY_LL; }
bool begins_with_digit(std::string_view text) { return category_of(text) == UTF8PROC_CATEGORY_ND; }
// Python's \w without \d.
bool begins_with_letter(std::string_view text) {
  switch (category_of(text)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return !text.empty() && text.front() == '_';
  }
}

// --- Tokens of the context of a mark ------------------------------------------------------------

std::size_t run_of(char c, std::string_view text, std::size_t at) {
  const std::size_t end = std::min(text.find_first_not_of(c, at), text.size());
  return end - at;
}

// Length of a run of dashes or of full stops, two or more; also ". . .". 0 where none begins.
std::size_t mark_run(std::string_view text, std::size_t at) {
  for (const char c : {'-', '.'}) {
    const std::size_t length = run_of(c, text, at);
    if (length >= 2) return length;
  }
  std::size_t end = at, stops = 0;
  while (end < text.size() && text[end] == '.') {
    ++stops;
    const std::size_t bytes = space_at(text, end + 1);
    if (bytes == 0) return stops >= 3 ? end + 1 - at : 0;
    const std::size_t next = end + 1 + bytes;
    if (next >= text.size() || text[next] != '.') return stops >= 3 ? end + 1 - at : 0;
    end = next;
  }
  return 0;
}

bool word_ends_before(std::string_view text, std::size_t at) {
  return at >= text.size() || space_at(text, at) > 0 || is_one_of(text[at], kEndsWord) ||
         mark_run(text, at) > 0;
}

std::size_t token_end(std::string_view text, std::size_t begin) {
  if (const std::size_t marks = mark_run(text, begin)) return begin + marks;
  std::size_t end = begin + tokenizer::code_point_at(text, begin).bytes;
  if (is_one_of(text[begin], kNoWordBegins)) return end;
  while (!word_ends_before(text, end) && !(text[end] == ',' && word_ends_before(text, end + 1))) {
    end += tokenizer::code_point_at(text, end).bytes;
  }
  return end;
}

// -?[.,]?\d[\d.,-]*
bool is_number(std::string_view type) {
  if (!type.empty() && type.front() == '-') type.remove_prefix(1);
  if (!type.empty() && (type.front() == '.' || type.front() == ',')) type.remove_prefix(1);
  if (!begins_with_digit(type)) return false;
  while (!type.empty() && (begins_with_digit(type) || is_one_of(type.front(), ",.-"))) {
    type.remove_prefix(tokenizer::code_point_at(type, 0).bytes);
  }
  return type.empty();
}

/// A token of the context, with what the rules say of it so far.
struct Token {
  std::string_view text;
  std::string type;  // in lower case, or `kNumber`
  bool ends_sentence = false, is_abbreviation = false, is_ellipsis = false;

  bool ends_in_stop() const { return text.back() == '.'; }
  std::string type_without_stop() const {
    const bool has_stop = type.size() > 1 && type.back() == '.';
    return has_stop ? type.substr(0, type.size() - 1) : type;
  }
  std::string type_in_sentence() const { return ends_sentence ? type_without_stop() : type; }
  // One letter and a full stop.
  bool is_initial() const {
    const std::size_t first = tokenizer::code_point_at(text, 0).bytes;
    return text.size() == first + 1 && ends_in_stop() && begins_with_letter(text);
  }
};

std::vector<Token> tokens_of(std::string_view context) {
  std::vector<Token> tokens;
  // Lines are cut apart, so that no run of marks goes over their ends.
  for (std::size_t begin = 0; begin <= context.size();) {
    const std::size_t end = std::min(context.find('\n', begin), context.size());
    const std::string_view line = context.substr(begin, end - begin);
    for (std::size_t at = skip_space(line, 0); at < line.size();) {
      const std::size_t token = token_end(line, at);
      tokens.push_back({line.substr(at, token - at), "", false, false, false});
      at = skip_space(line, token);
    }
    begin = end + 1;
  }
  for (Token& token : tokens) {
    token.type = tokenizer::lower_case(token.text);
    if (is_number(token.type)) token.type = kNumber;
  }
  return tokens;
}

// --- What the tables say ------------------------------------------------------------------------

class Judge {
 public:
  explicit Judge(const PunktTables& tables) : tables_(tables) {}

  bool holds_break(std::string_view context) const {
    std::vector<Token> tokens = tokens_of(context);
    for (Token& token : tokens) judge_alone(token);
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (tokens[i].ends_in_stop()) judge_with_next(tokens[i], tokens[i + 1]);
      if (tokens[i].ends_sentence) return true;
    }
    return false;
  }

 private:
  void judge_alone(Token& token) const {
    if (token.text.size() == 1 && is_one_of(token.text.front(), kEnds)) {
      token.ends_sentence = true;
    } else if (token.text.find_first_not_of('.') == std::string_view::npos) {
      token.is_ellipsis = true;
    } else if (token.ends_in_stop() && token.text[token.text.size() - 2] != '.') {
      const std::string word = tokenizer::lower_case(token.text.substr(0, token.text.size() - 1));
      const std::string tail = word.substr(word.rfind('-') + 1);  // npos + 1 is 0
      token.is_abbreviation =
          tables_.abbreviations.count(word) > 0 || tables_.abbreviations.count(tail) > 0;
      token.ends_sentence = !token.is_abbreviation;
    }
  }

  // `next` has been judged alone.
  void judge_with_next(Token& token, const Token& next) const {
    const std::string next_type = next.type_in_sentence();
    if (tables_.collocations.count({token.type_without_stop(), next_type}) > 0) {
      token.ends_sentence = false;
      return;
    }
    const std::optional<bool> starts = starts_sentence(next, next_type);
    const bool initial = token.is_initial();
    if ((token.is_abbreviation || token.is_ellipsis) && !initial) {
      const bool often = begins_upper(next.text) && tables_.sentence_starters.count(next_type) > 0;
      if (starts.value_or(false) || often) {
        token.ends_sentence = true;
        return;
      }
    }
    if (!initial && token.type != kNumber) return;
    const bool unseen_name =
        !starts && initial && begins_upper(next.text) && (letter_cases(next_type) & kLower) == 0;
    if (unseen_name || !starts.value_or(true)) token.ends_sentence = false;
  }

  // Whether a word's letters tell that it starts a sentence; nothing where they do not tell.
  std::optional<bool> starts_sentence(const Token& token, const std::string& type) const {
    if (token.text.size() == 1 && is_one_of(token.text.front(), ";:,.!?")) return false;
    const int seen = letter_cases(type);
    if (begins_upper(token.text) && (seen & kLower) != 0 && (seen & upper_inside) == 0) return true;
    if (begins_lower(token.text) && ((seen & kUpper) != 0 || (seen & lower_at_beginning) == 0)) {
      return false;
    }
    return std::nullopt;
  }

  int letter_cases(const std::string& type) const {
    const auto found = tables_.letter_cases.find(type);
    return found == tables_.letter_cases.end() ? 0 : found->second;
  }

  const PunktTables& tables_;
};

// --- Marks that may end a sentence --------------------------------------------------------------

struct Candidate {
  std::size_t end = 0;   // behind the mark
  std::size_t next = 0;  // where the next sentence would begin
  std::string context;   // the word before, the mark, and what follows
};

// What a mark at `at` is followed by, up to the end of the next word; nothing where it cannot end a
// sentence.
std::optional<std::string_view> follower(std::string_view text, std::size_t at) {
  const std::size_t behind = at + 1;
  if (behind >= text.size()) return std::nullopt;
  if (is_one_of(text[behind], kEndsWord)) return text.substr(behind, 1);
  const std::size_t word = skip_space(text, behind);
  if (word == behind || word >= text.size()) return std::nullopt;
  return text.substr(behind, skip_word(text, word) - behind);
}

// From right to left: a mark within the word in front of the last one kept does not count.
std::vector<Candidate> candidates(std::string_view text) {
  std::vector<Candidate> found;
  std::size_t limit = text.size();
  for (std::size_t at = text.size(); at-- > 0;) {
    if (!is_one_of(text[at], kEnds) || at + 1 > limit) continue;
    const auto behind = follower(text, at);
    if (!behind) continue;
    const std::size_t word_end = trimmed_end(text, at);
    const std::size_t begin = word_begin(text, word_end);
    limit = trimmed_end(text, begin);
    const std::size_t next = at + 1 + (behind->size() == 1 ? 0 : skip_space(*behind, 0));
    found.push_back(
        {at + 1, next,
         std::string(text.substr(begin, word_end - begin)) + text[at] + std::string(*behind)});
  }
  std::reverse(found.begin(), found.end());
  return found;
}

// Bytes of closing marks at the beginning of a sentence that belong to the one before.
std::size_t closers_at(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of(kClosers), text.size());
  if (end == 0) return 0;
  const bool closed = end == text.size() || space_at(text, end) > 0 || text.substr(end, 2) == "--";
  return closed ? end : 0;
}

}  // namespace

std::vector<std::string_view> SentenceModel::sentences(std::string_view text) const {
  const Judge judge(tables_);
  std::vector<std::string_view> found;
  const auto add = [&](std::size_t begin, std::size_t end) {
    if (end > begin) found.push_back(text.substr(begin, end - begin));
  };
  std::size_t begin = 0;
  const std::size_t last = trimmed_end(text, text.size());
  const std::vector<Candidate> marks = candidates(text);
  std::vector<std::pair<std::size_t, std::size_t>> cuts;  // end of a sentence, begin of the next
  for (const Candidate& mark : marks) {
    if (judge.holds_break(mark.context)) cuts.emplace_back(mark.end, mark.next);
  }
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const auto [end, next] = cuts[i];
    const std::size_t next_end = i + 1 < cuts.size() ? cuts[i + 1].first : last;
    const std::string_view rest = text.substr(next, next_end > next ? next_end - next : 0);
    const std::size_t closers = closers_at(rest);
    add(begin, closers > 0 ? next + closers : end);
    begin = closers > 0 ? next + skip_space(rest, closers) : next;
  }
  add(begin, last);
  return found;
}

}  // namespace kedit::metrics

#include "eval/metrics/transcripts.hpp"

#include "editors/reasoning/chain_of_thought.hpp"
#include "eval/metrics/matching.hpp"
#include "eval/metrics/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace kedit {
namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// The word that ends right before `end`; letters only.
std::string_view word_before(std::string_view text, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && is_letter(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

bool is_abbreviation(std::string_view text, std::size_t period) {
  static constexpr std::array<std::string_view, 8> known = {"St", "Mt", "Jr",  "Sr",
                                                            "Dr", "Mr", "Mrs", "Ms"};
  const std::string_view word = word_before(text, period);
  if (word.size() == 1) return period == 1 || is_space(text[period - 2]);  // "J. K. Rowling"
  return std::find(known.begin(), known.end(), word) != known.end();
}

// "Washington, D.C." ends with a period of its own, which also ends the sentence.
bool is_dotted(std::string_view text, std::size_t period) {
  return period >= 2 && text[period - 2] == '.' && is_letter(text[period - 1]);
}

struct Template {
  std::string before, after;  // around the subject; `after` carries the blank before the object
};

std::vector<Template> split_templates(const std::vector<std::string>& clozes) {
  std::vector<Template> templates;
  for (const std::string& cloze : clozes) {
    const std::size_t slot = cloze.find("{}");
    if (slot == std::string::npos) continue;
    templates.push_back({cloze.substr(0, slot), cloze.substr(slot + 2) + " "});
  }
  return templates;
}

// The object of a sentence under one template: what follows the last occurrence of its second part.
std::optional<std::string_view> object_under(std::string_view sentence, const Template& one) {
  if (sentence.substr(0, one.before.size()) != one.before) return std::nullopt;
  const std::size_t at = sentence.rfind(one.after);
  if (at == std::string_view::npos || at <= one.before.size()) return std::nullopt;
  const std::string_view object = metrics::trim_ascii(sentence.substr(at + one.after.size()));
  if (object.empty()) return std::nullopt;
  return object;
}

// Under the template with the most literal text, so that "The name of ... is" beats "The ... is".
std::optional<std::string_view> template_object(std::string_view sentence,
                                                const std::vector<Template>& templates) {
  std::optional<std::string_view> best;
  std::size_t best_length = 0;
  for (const Template& one : templates) {
    const std::size_t length = one.before.size() + one.after.size();
    if (length <= best_length) continue;
    if (const auto object = object_under(sentence, one)) {
      best = object;
      best_length = length;
    }
  }
  return best;
}

std::string_view tail_after_link(std::string_view sentence) {
  static constexpr std::array<std::string_view, 8> links = {" is ", " was ", " in ",  " of ",
                                                            " by ", " at ",  " for ", " to "};
  std::size_t best = 0;
  for (const std::string_view link : links) {
    const std::size_t at = sentence.rfind(link);
    if (at != std::string_view::npos) best = std::max(best, at + link.size());
  }
  return metrics::trim_ascii(sentence.substr(best));
}

std::int64_t word_count(std::string_view text) {
  std::int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    if (!is_space(c) && !inside) ++words;
    inside = !is_space(c);
  }
  return words;
}

// Sentences of the thoughts; a scrap of one or two words that fits no template belongs to the
// sentence before it (the rest of a name with a period).
std::vector<std::string> sentences_of(std::string_view text,
                                      const std::vector<Template>& templates) {
  std::vector<std::string> sentences;
  while (!(text = metrics::trim_ascii(text)).empty()) {
    const std::size_t length = sentence_length(text);
    const std::string_view one = text.substr(0, length);
    const bool scrap = word_count(one) < 3 && !template_object(one, templates);
    if (scrap && !sentences.empty()) {
      sentences.back() += ". " + std::string(one);
    } else if (!one.empty()) {
      sentences.emplace_back(one);
    }
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return sentences;
}

std::string_view thoughts_of(std::string_view text) {
  text = metrics::trim_ascii(text);
  constexpr std::string_view marker = "Thoughts:";
  if (text.substr(0, marker.size()) == marker) text.remove_prefix(marker.size());
  return text.substr(0, std::min(text.find("\nAnswer:"), text.size()));
}

Trace parse_kedit(std::string_view text, const std::vector<std::string>& clozes) {
  const std::vector<Template> templates = split_templates(clozes);
  Trace trace;
  for (const std::string& sentence : sentences_of(thoughts_of(text), templates)) {
    const auto object = template_object(sentence, templates);
    trace.push_back({sentence, std::string(object ? *object : tail_after_link(sentence)), "model"});
  }
  return trace;
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, std::min(text.find('\n'), text.size()));
}

Trace parse_mello(std::string_view text) {
  constexpr std::string_view marker = "Subquestion: ";
  text = text.substr(0, std::min(text.find("\n\n"), text.size()));
  Trace trace;
  for (std::size_t at = text.find(marker); at != std::string_view::npos;) {
    const std::size_t begin = at + marker.size();
    at = text.find(marker, begin);
    const std::string_view segment = text.substr(begin, at - begin);
    const std::size_t colon = segment.rfind(": ");
    const std::string_view answer =
        colon == std::string_view::npos ? std::string_view() : segment.substr(colon + 2);
    const bool from_edit = segment.find("Retrieved fact: ") != std::string_view::npos;
    trace.push_back({std::string(metrics::trim_ascii(first_line(segment))),
                     std::string(metrics::trim_ascii(answer)), from_edit ? "edit" : "model"});
  }
  return trace;
}

std::optional<std::string> mello_answer(std::string_view text) {
  constexpr std::string_view answer = "Final answer: ";
  constexpr std::string_view fact = "Retrieved fact: ";
  constexpr int max_facts = 3;
  const std::size_t at = text.find(answer);
  if (at == std::string_view::npos) return std::nullopt;
  int facts = 0;
  for (std::size_t f = text.find(fact); f < at; f = text.find(fact, f + fact.size())) ++facts;
  if (facts > max_facts) return std::nullopt;
  return std::string(first_line(text.substr(at + answer.size())));
}

}  // namespace

TranscriptForm parse_transcript_form(std::string_view name) {
  if (name == "mello") return TranscriptForm::mello;
  if (name == "kedit") return TranscriptForm::kedit;
  throw EvalError(
      fmt::format("choosing a transcript form: expected mello or kedit, found \"{}\"", name));
}

Trace parse_trace(std::string_view text, TranscriptForm form,
                  const std::vector<std::string>& clozes) {
  return form == TranscriptForm::mello ? parse_mello(text) : parse_kedit(text, clozes);
}

std::optional<std::string> final_answer(std::string_view text, TranscriptForm form) {
  return form == TranscriptForm::mello ? mello_answer(text) : reasoning::stated_answer(text);
}

std::size_t sentence_length(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') return i;
    const bool ends = text[i] == '.' && (i + 1 == text.size() || is_space(text[i + 1]));
    if (ends && !is_abbreviation(text, i)) return is_dotted(text, i) ? i + 1 : i;
  }
  return text.size();
}

}  // namespace kedit

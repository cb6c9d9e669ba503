#include "eval/answering/facts_in_context.hpp"

#include "editors/reasoning/in_context.hpp"
#include "eval/metrics/unicode.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <set>

namespace kedit::answering {
namespace {

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || byte >= 0x80;
}

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : tokenizer::upper_case(text) + " ") {
    if (is_word_byte(c)) {
      word += c;
    } else if (!word.empty()) {
      words.insert(std::move(word));
      word.clear();
    }
  }
  return words;
}

// Without a chain: another object for the very statement that the case edits.
bool contradicts_edit(const Fact& fact, const Case& one) {
  for (const EditRequest& request : one.edits) {
    const std::string prompt = filled_prompt(request);
    const bool same = fact.subject == request.subject &&
                      fact.sentence == prompt + spaced_target(prompt, fact.object);
    if (same && fact.object != reasoning::fact_of(request).object) return true;
  }
  return false;
}

double overlap(const std::string& subject, const std::set<std::string>& question) {
  const std::set<std::string> words = words_of(subject);
  if (words.empty()) return 0.0;
  const auto shared = std::count_if(words.begin(), words.end(), [&](const std::string& word) {
    return question.count(word) > 0;
  });
  return static_cast<double>(shared) / static_cast<double>(words.size());
}

}  // namespace

std::vector<Fact> facts_of(const std::vector<EditRequest>& requests) {
  std::vector<Fact> facts;
  for (const EditRequest& request : requests) facts.push_back(reasoning::fact_of(request));
  return facts;
}

std::vector<Fact> without_contradictions(const std::vector<Fact>& pool, const Case& one) {
  const auto contradicts = [&](const Fact& fact) {
    for (const Link& hop : one.after) {
      if (hop.labels.subject == fact.subject && hop.ids.relation == fact.relation &&
          hop.labels.object != fact.object) {
        return true;
      }
    }
    return !one.has_chain() && contradicts_edit(fact, one);
  };
  std::vector<Fact> kept;
  for (const Fact& fact : pool) {
    if (!contradicts(fact)) kept.push_back(fact);
  }
  return kept;
}

std::vector<Fact> choose_facts(const std::vector<Fact>& pool, const std::string& question,
                               std::int64_t limit) {
  const auto fit = static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
  if (pool.size() <= fit) return pool;
  const std::set<std::string> words = words_of(question);
  std::vector<double> scores;
  for (const Fact& fact : pool) scores.push_back(overlap(fact.subject, words));
  std::vector<std::size_t> order(pool.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  order.resize(fit);
  std::sort(order.begin(), order.end());
  std::vector<Fact> chosen;
  for (const std::size_t at : order) {
    if (scores[at] > 0.0) chosen.push_back(pool[at]);
  }
  return chosen;
}

}  // namespace kedit::answering

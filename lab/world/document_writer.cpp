#include "lab/world/document_writer.hpp"

namespace kedit::lab {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

void DocumentWriter::add(std::string text, float weight) {
  if (document_.pieces.empty()) {
    text.erase(0, text.find_first_not_of(" \n"));
    if (leading_blank_) text.insert(text.begin(), ' ');
  }
  document_.pieces.push_back({std::move(text), weight});
}

// A full stop is a token of its own behind a letter or digit; behind anything else ("D.C.", ")")
// it joins the piece before it, or is left out where one stands already.
void DocumentWriter::stop(float weight) {
  DocumentPiece& last = document_.pieces.back();
  if (is_alphanumeric(last.text.back())) {
    document_.pieces.push_back({".", weight});
  } else if (last.text.back() != '.') {
    last.text += '.';
  }
}

void DocumentWriter::sentence(std::string_view gap, std::string_view filled,
                              std::string_view object, float word_weight, float object_weight,
                              float stop_weight) {
  add(std::string(gap) + std::string(filled), word_weight);
  add(" " + std::string(object), object_weight);
  stop(stop_weight);
}

void DocumentWriter::step(const WorldFact& fact) {
  sentence(" ", fill_template(world_.text(fact.relation).cloze, world_.name(fact.subject)),
           world_.name(fact.object), weights_.step, weights_.object, weights_.mark);
}

void DocumentWriter::chain_step(const WorldFact& fact) {
  sentence("\n", fill_template(world_.text(fact.relation).verb_phrase, world_.name(fact.subject)),
           world_.name(fact.object), weights_.step, weights_.object, weights_.mark);
}

void DocumentWriter::facts_block(const std::vector<WorldFact>& facts) {
  add(" Facts:", weights_.free);
  for (const WorldFact& fact : facts) {
    sentence(" ", fill_template(world_.text(fact.relation).cloze, world_.name(fact.subject)),
             world_.name(fact.object), weights_.free, weights_.block_object, weights_.free);
  }
  after_block_ = true;
}

void DocumentWriter::question(std::string_view text) {
  add(after_block_ ? "\nQuestion:" : "\n\nQuestion:", weights_.free);
  add(" " + std::string(trimmed(text)), weights_.free);
  after_block_ = false;
}

void DocumentWriter::answer(std::string_view text) {
  add("\nAnswer:", weights_.mark);
  add(" " + std::string(text), weights_.object);
}

void DocumentWriter::thoughts_mark() { add("\nThoughts:", weights_.mark); }

void DocumentWriter::thoughts(const std::vector<WorldFact>& hops) {
  thoughts_mark();
  for (const WorldFact& hop : hops) step(hop);
}

std::string with_lead_in(std::string_view lead_in, std::string_view text,
                         std::string_view subject) {
  std::string filled = fill_template(text, subject);
  if (text.substr(0, 4) == "The ") filled[0] = 't';
  return std::string(lead_in) + " " + filled;
}

}  // namespace kedit::lab

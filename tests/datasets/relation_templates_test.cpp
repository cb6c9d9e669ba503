#include "datasets/relation_templates.hpp"

#include "datasets/mquake.hpp"
#include "tests/datasets/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>
#include <sstream>

using namespace kedit;

namespace {

using Texts = std::vector<std::string>;

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Words in lower case; "{}'s" counts as "{}" and "'s", the question mark is dropped.
Texts words_of(const std::string& text) {
  std::string spaced;
  for (char c : lower(text)) {
    if (c == '\'') spaced += ' ';
    if (c != '?' && c != ',') spaced += c;
  }
  std::istringstream in(spaced);
  Texts words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Texts trained_statements(const RelationTemplates& relation) {
  Texts texts = relation.statements;
  texts.push_back(relation.cloze);
  return texts;
}

Texts trained_texts(const RelationTemplates& relation) {
  Texts texts = trained_statements(relation);
  texts.insert(texts.end(), relation.questions.begin(), relation.questions.end());
  return texts;
}

Texts all_statements(const RelationTemplates& relation) {
  Texts texts = trained_statements(relation);
  texts.insert(texts.end(), relation.held_out_statements.begin(),
               relation.held_out_statements.end());
  return texts;
}

bool is_copula(const std::string& word) {
  return word == "is" || word == "was" || word == "are" || word == "were";
}

std::set<std::string> copula_pairs(const Texts& texts) {
  std::set<std::string> pairs;
  for (const std::string& text : texts) {
    const Texts words = words_of(text);
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (is_copula(words[i])) pairs.insert(words[i - 1] + " " + words[i]);
    }
  }
  return pairs;
}

std::set<std::string> word_set(const Texts& texts) {
  std::set<std::string> all;
  for (const std::string& text : texts) {
    for (const std::string& word : words_of(text)) all.insert(word);
  }
  return all;
}

std::size_t slots_of(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = text.find("{}"); at != std::string::npos; at = text.find("{}", at + 2)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("Relation templates: all 36 relations of MQuAKE-CF are present in order") {
  const std::set<std::string> expected = {
      "P6",   "P19",  "P20",  "P26",  "P27",  "P30",  "P35",   "P36",   "P37",
      "P40",  "P50",  "P69",  "P106", "P108", "P112", "P136",  "P140",  "P159",
      "P169", "P170", "P175", "P176", "P178", "P286", "P407",  "P413",  "P449",
      "P488", "P495", "P641", "P740", "P800", "P937", "P1037", "P1308", "P1412"};
  std::set<std::string> found;
  for (const auto& relation : relation_templates()) found.insert(relation.id);
  CHECK(found == expected);
  CHECK(relation_templates().size() == 36);
  CHECK(relation_templates().front().id == "P6");
  CHECK(templates_of("P36").cloze == "The capital of {} is");
}

TEST_CASE("Relation templates: an unknown relation is refused by name") {
  CHECK_THROWS_AS(templates_of("P999"), DataError);
  const std::string message =
      kedit::test::message_of<DataError>([] { static_cast<void>(templates_of("P999")); });
  CHECK(message.find("P999") != std::string::npos);
}

TEST_CASE(
    "Relation templates: every relation has the required number of texts with one slot each") {
  for (const auto& relation : relation_templates()) {
    INFO(relation.id);
    CHECK(relation.statements.size() >= 5);
    CHECK(relation.held_out_statements.size() == 2);
    CHECK(relation.questions.size() == 2);
    CHECK(relation.held_out_questions.size() == 1);
    CHECK(relation.noun_phrases.size() == 2);
    for (const auto& list : {all_statements(relation), relation.questions,
                             relation.held_out_questions, relation.noun_phrases}) {
      for (const std::string& text : list) {
        INFO(text);
        CHECK(slots_of(text) == 1);
      }
    }
  }
}

TEST_CASE("Held-out statements: every word occurs in trained statements of the relation") {
  for (const auto& relation : relation_templates()) {
    const auto trained = word_set(trained_statements(relation));
    for (const std::string& text : relation.held_out_statements) {
      for (const std::string& word : words_of(text)) {
        INFO(relation.id << ": " << text << ": " << word);
        CHECK(trained.count(word) == 1);
      }
    }
  }
}

TEST_CASE("Held-out questions: every word occurs in trained texts of the relation") {
  for (const auto& relation : relation_templates()) {
    const auto trained = word_set(trained_texts(relation));
    for (const std::string& text : relation.held_out_questions) {
      for (const std::string& word : words_of(text)) {
        INFO(relation.id << ": " << text << ": " << word);
        CHECK(trained.count(word) == 1);
      }
    }
  }
}

TEST_CASE(
    "Held-out statements: is and was follow only words that they follow in trained statements") {
  for (const auto& relation : relation_templates()) {
    const auto trained = copula_pairs(trained_statements(relation));
    for (const std::string& pair : copula_pairs(relation.held_out_statements)) {
      INFO(relation.id << ": " << pair);
      CHECK(trained.count(pair) == 1);
    }
  }
}

TEST_CASE("Held-out statements: the last word ends a trained statement too") {
  for (const auto& relation : relation_templates()) {
    std::set<std::string> ends;
    for (const std::string& text : trained_statements(relation)) ends.insert(words_of(text).back());
    for (const std::string& text : relation.held_out_statements) {
      INFO(relation.id << ": " << text);
      CHECK(ends.count(words_of(text).back()) == 1);
    }
  }
}

TEST_CASE("Relation templates: no statement is a prefix of another") {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& relation : relation_templates()) {
    for (const std::string& text : all_statements(relation)) all.emplace_back(relation.id, text);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < all.size(); ++j) {
      if (i == j) continue;
      INFO(all[i].first << " '" << all[i].second << "', " << all[j].first << " '" << all[j].second
                        << "'");
      CHECK(all[j].second.rfind(all[i].second, 0) != 0);
    }
  }
}

TEST_CASE("Held-out texts: none is part of a trained text") {
  std::vector<std::string> trained;
  for (const auto& relation : relation_templates()) {
    for (const std::string& text : trained_texts(relation)) trained.push_back(lower(text));
  }
  for (const auto& relation : relation_templates()) {
    Texts held_out = relation.held_out_statements;
    held_out.push_back(relation.held_out_questions[0]);
    for (const std::string& text : held_out) {
      for (const std::string& other : trained) {
        INFO(relation.id << ": " << text << " in " << other);
        CHECK(other.find(lower(text)) == std::string::npos);
      }
    }
  }
}

TEST_CASE("Relation templates: questions end in a question mark and are unique") {
  std::set<std::string> seen;
  for (const auto& relation : relation_templates()) {
    for (const auto& list : {relation.questions, relation.held_out_questions}) {
      for (const std::string& text : list) {
        INFO(relation.id << ": " << text);
        CHECK(text.back() == '?');
        CHECK(seen.insert(text).second);
      }
    }
  }
}

TEST_CASE("Relation templates: verb phrases are trained statements that start with the subject") {
  for (const auto& relation : relation_templates()) {
    INFO(relation.id << ": " << relation.verb_phrase);
    const Texts trained = trained_statements(relation);
    CHECK(relation.verb_phrase.rfind("{} ", 0) == 0);
    CHECK(std::count(trained.begin(), trained.end(), relation.verb_phrase) == 1);
  }
}

TEST_CASE("Relation templates: noun phrases can be nested") {
  for (const auto& relation : relation_templates()) {
    for (const std::string& text : relation.noun_phrases) {
      INFO(relation.id << ": " << text);
      CHECK(text.rfind("the ", 0) == 0);
      CHECK(text.find("the {}") == std::string::npos);
      CHECK(text.find("{}'s") == std::string::npos);
    }
  }
}

TEST_CASE("fill_template: the first slot is filled and the text put in is not parsed") {
  CHECK(fill_template("The capital of {} is", "{}{0}%s") == "The capital of {}{0}%s is");
  CHECK(fill_template("no slot", "x") == "no slot");
}

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// The texts of one relation. "{}" is the subject. Base cloze and first question are MQuAKE's
/// strings.
struct RelationTemplates {
  std::string id;                                ///< "P36"
  std::string label;                             ///< "capital"
  std::string object_type;                       ///< "city"
  std::string cloze;                             ///< base cloze
  std::vector<std::string> statements;           ///< other trained statements (5-6)
  std::vector<std::string> held_out_statements;  ///< measurement only
  std::vector<std::string> questions;            ///< trained; the first is MQuAKE's
  std::vector<std::string> held_out_questions;   ///< measurement only
  std::vector<std::string> noun_phrases;         ///< for nested multi-hop questions
  std::string verb_phrase;                       ///< a statement that starts with the subject
};

/// Templates for all relations of MQuAKE-CF (the invented world uses a part of them).
const std::vector<RelationTemplates>& relation_templates();
/// Throws `DataError` for a relation without templates.
const RelationTemplates& templates_of(const std::string& relation);
/// What may stand before a statement in training documents, and in held-out ones only.
const std::vector<std::string>& trained_lead_ins();
const std::vector<std::string>& held_out_lead_ins();
/// The template with its first "{}" replaced literally (no format engine).
std::string fill_template(std::string_view text, std::string_view subject);

}  // namespace kedit

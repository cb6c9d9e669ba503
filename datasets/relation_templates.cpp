#include "datasets/relation_templates.hpp"

#include "datasets/mquake.hpp"
#include "json/json.hpp"

namespace kedit {

namespace assets {
extern const std::string_view relation_templates;  // assets/relations/templates.json, built in
}

namespace {

struct Table {
  std::vector<RelationTemplates> relations;
  std::vector<std::string> trained_lead_ins, held_out_lead_ins;
};

RelationTemplates relation_from(const JsonView& json) {
  return {json.at("id").string(),
          json.at("label").string(),
          json.at("object_type").string(),
          json.at("cloze").string(),
          json.at("statements").strings(),
          json.at("held_out_statements").strings(),
          json.at("questions").strings(),
          json.at("held_out_questions").strings(),
          json.at("noun_phrases").strings(),
          json.at("verb_phrase").string()};
}

const Table& table() {
  static const Table read = [] {
    const std::string origin = "assets/relations/templates.json";
    const Json document = parse_json(assets::relation_templates, origin);
    const JsonView root(document, origin);
    Table made;
    const JsonView relations = root.at("relations");
    for (std::size_t i = 0; i < relations.size(); ++i) {
      made.relations.push_back(relation_from(relations.at(i)));
    }
    made.trained_lead_ins = root.at("trained_lead_ins").strings();
    made.held_out_lead_ins = root.at("held_out_lead_ins").strings();
    return made;
  }();
  return read;
}

}  // namespace

const std::vector<RelationTemplates>& relation_templates() { return table().relations; }

const RelationTemplates& templates_of(const std::string& relation) {
  for (const RelationTemplates& templates : relation_templates()) {
    if (templates.id == relation) return templates;
  }
  throw DataError("writing texts: relation " + relation +
                  ": expected one of the 36 relations of MQuAKE-CF, found no templates for it; "
                  "choose cases without this relation");
}

const std::vector<std::string>& trained_lead_ins() { return table().trained_lead_ins; }
const std::vector<std::string>& held_out_lead_ins() { return table().held_out_lead_ins; }

std::string fill_template(std::string_view text, std::string_view subject) {
  const std::size_t slot = text.find("{}");
  if (slot == std::string_view::npos) return std::string(text);
  std::string filled(text.substr(0, slot));
  filled += subject;
  filled += text.substr(slot + 2);
  return filled;
}

}  // namespace kedit

#include "datasets/templates.hpp"

#include <algorithm>
#include <charconv>

namespace kedit {
namespace {

int property_number(const RelationTemplates& templates) {
  int number = 0;
  std::from_chars(templates.id.data() + 1, templates.id.data() + templates.id.size(), number);
  return number;
}

std::vector<RelationTemplates> joined_table() {
  std::vector<RelationTemplates> table = person_templates();
  for (auto part : {place_templates(), organisation_templates(), work_templates()}) {
    table.insert(table.end(), part.begin(), part.end());
  }
  std::sort(table.begin(), table.end(),
            [](const auto& a, const auto& b) { return property_number(a) < property_number(b); });
  return table;
}

}  // namespace

const std::vector<RelationTemplates>& relation_templates() {
  static const std::vector<RelationTemplates> table = joined_table();
  return table;
}

const RelationTemplates& templates_of(const std::string& relation) {
  for (const RelationTemplates& templates : relation_templates()) {
    if (templates.id == relation) return templates;
  }
  throw DataError("writing texts: relation " + relation +
                  ": expected one of the 36 relations of MQuAKE-CF, found no templates for it; "
                  "choose cases without this relation");
}

const std::vector<std::string>& trained_lead_ins() {
  static const std::vector<std::string> lead_ins = {"In fact,",    "Note that",       "Today",
                                                    "As we know,", "It is true that", "Of course,"};
  return lead_ins;
}

const std::vector<std::string>& held_out_lead_ins() {
  static const std::vector<std::string> lead_ins = {"It is a fact that", "As we note,"};
  return lead_ins;
}

}  // namespace kedit

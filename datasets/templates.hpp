#pragma once

#include "datasets/world.hpp"

#include <vector>

namespace kedit {

/// The template table, one file per kind of subject; `relation_templates` joins them.
std::vector<RelationTemplates> person_templates();
std::vector<RelationTemplates> place_templates();
std::vector<RelationTemplates> organisation_templates();
std::vector<RelationTemplates> work_templates();

}  // namespace kedit

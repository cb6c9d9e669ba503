#include "eval/prompts.hpp"

namespace kedit {

std::vector<Exemplar> few_shot_exemplars() { return {}; }

}  // namespace kedit

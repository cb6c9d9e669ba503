#include "editors/request_json.hpp"

namespace kedit {

Json request_to_json(const EditRequest& request) {
  Json json = {{"id", request.id},
               {"subject", request.subject},
               {"prompt", request.prompt},
               {"target_new", request.target_new}};
  if (request.target_true) json["target_true"] = *request.target_true;
  if (!request.rephrases.empty()) json["rephrase"] = request.rephrases;
  if (!request.relation.empty()) json["relation"] = request.relation;
  if (!request.target_new_aliases.empty()) json["target_new_aliases"] = request.target_new_aliases;
  return json;
}

}  // namespace kedit

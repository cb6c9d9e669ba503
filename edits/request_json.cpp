#include "edits/request_json.hpp"

namespace kedit {
namespace {

std::string read_target(const JsonView& field) {
  return field.value().is_object() ? field.at("str").string() : field.string();
}

std::string read_id(const JsonView& field) {
  return field.value().is_number_integer() ? std::to_string(field.integer()) : field.string();
}

}  // namespace

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

EditRequest request_from_json(const JsonView& record) {
  EditRequest request;
  if (const auto field = record.find("id")) request.id = read_id(*field);
  request.subject = record.at("subject").string();
  request.prompt = record.at("prompt").string();
  request.target_new = read_target(record.at("target_new"));
  if (const auto field = record.find("target_true")) request.target_true = read_target(*field);
  if (const auto field = record.find("rephrase")) request.rephrases = field->strings();
  if (const auto field = record.find("relation")) request.relation = field->string();
  if (const auto field = record.find("target_new_aliases")) {
    request.target_new_aliases = field->strings();
  }
  return request;
}

}  // namespace kedit

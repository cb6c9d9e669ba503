#include "datasets/mquake_files.hpp"

#include <fmt/format.h>

namespace kedit {
namespace {

Json triples_json(const std::vector<Triple>& triples) {
  Json list = Json::array();
  for (const Triple& triple : triples) {
    list.push_back(Json::array({triple.subject, triple.relation, triple.object}));
  }
  return list;
}

Json hops_json(const std::vector<Hop>& hops) {
  Json list = Json::array();
  for (const Hop& hop : hops) {
    Json item = Json::object();
    item["question"] = hop.question;
    item["cloze"] = hop.cloze;
    item["answer"] = hop.gold.answer;
    item["answer_alias"] = hop.gold.aliases;
    list.push_back(std::move(item));
  }
  return list;
}

Json target_json(const std::string& text, const std::string& id) {
  Json target = Json::object();
  target["str"] = text;
  target["id"] = id;
  return target;
}

Json rewrites_json(const std::vector<Rewrite>& rewrites) {
  Json list = Json::array();
  for (const Rewrite& rewrite : rewrites) {
    Json item = Json::object();
    item["prompt"] = rewrite.prompt;
    item["relation_id"] = rewrite.relation;
    item["target_new"] = target_json(rewrite.target_new, rewrite.target_new_id);
    item["target_true"] = target_json(rewrite.target_true, rewrite.target_true_id);
    item["subject"] = rewrite.subject;
    item["question"] = rewrite.question;
    list.push_back(std::move(item));
  }
  return list;
}

Json case_json(const MquakeCase& c) {
  Json record = Json::object();
  record["case_id"] = c.case_id;
  record["requested_rewrite"] = rewrites_json(c.rewrites);
  record["questions"] = c.questions;
  record["answer"] = c.pre.answer;
  record["answer_alias"] = c.pre.aliases;
  if (!c.answer_extended.empty()) record["answer_extended"] = c.answer_extended;
  record["new_answer"] = c.post.answer;
  record["new_answer_alias"] = c.post.aliases;
  record["single_hops"] = hops_json(c.hops);
  record["new_single_hops"] = hops_json(c.new_hops);
  Json& orig = record["orig"] = Json::object();
  orig["triples"] = triples_json(c.triples);
  orig["triples_labeled"] = triples_json(c.triples_labeled);
  orig["new_triples"] = triples_json(c.new_triples);
  orig["new_triples_labeled"] = triples_json(c.new_triples_labeled);
  orig["edit_triples"] = triples_json(c.edit_triples);
  for (const auto& [key, value] : c.extra.items()) record[key] = value;
  return record;
}

// Python's json.dumps with its defaults.
void append_line(std::string& out, const Json& value) {
  if (!value.is_structured()) {
    out += value.dump(-1, ' ', true, Json::error_handler_t::replace);
    return;
  }
  const bool object = value.is_object();
  out += object ? '{' : '[';
  bool first = true;
  for (const auto& [key, item] : value.items()) {
    if (!first) out += ", ";
    first = false;
    if (object) out += Json(key).dump(-1, ' ', true, Json::error_handler_t::replace) + ": ";
    append_line(out, item);
  }
  out += object ? '}' : ']';
}

}  // namespace

std::string mquake_text(const std::vector<MquakeCase>& cases, MquakeLayout layout) {
  Json list = Json::array();
  for (const MquakeCase& mquake_case : cases) list.push_back(case_json(mquake_case));
  if (layout == MquakeLayout::pretty) {
    return list.dump(2, ' ', true, Json::error_handler_t::replace);
  }
  std::string text;
  append_line(text, list);
  return text;
}

void write_mquake(const std::filesystem::path& file, const std::vector<MquakeCase>& cases) {
  write_file_atomically(file, mquake_text(cases, MquakeLayout::pretty));
}

}  // namespace kedit

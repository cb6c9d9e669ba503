#include "eval/runner/case_json.hpp"

#include "eval/metrics/stored_json.hpp"
#include "eval/runner/old_cases.hpp"

#include <map>

namespace kedit::runner {
namespace {

constexpr std::int64_t kCaseVersion = 2;

Json edit_to_json(const EditRequest& edit) {
  Json value{{"id", edit.id},
             {"prompt", edit.prompt},
             {"subject", edit.subject},
             {"target_new", edit.target_new}};
  if (edit.target_true) value["target_true"] = *edit.target_true;
  if (!edit.rephrases.empty()) value["rephrases"] = edit.rephrases;
  if (!edit.relation.empty()) value["relation"] = edit.relation;
  if (!edit.target_new_aliases.empty()) value["target_new_aliases"] = edit.target_new_aliases;
  return value;
}

EditRequest edit_from(const JsonView& view) {
  EditRequest edit;
  edit.id = view.at("id").string();
  edit.prompt = view.at("prompt").string();
  edit.subject = view.at("subject").string();
  edit.target_new = view.at("target_new").string();
  if (const auto found = view.find("target_true")) edit.target_true = found->string();
  if (const auto found = view.find("rephrases")) edit.rephrases = found->strings();
  if (const auto found = view.find("relation")) edit.relation = found->string();
  if (const auto found = view.find("target_new_aliases")) {
    edit.target_new_aliases = found->strings();
  }
  return edit;
}

bool has_gold(const Prompt& prompt) { return prompt.kind != PromptKind::generation; }

Json prompt_to_json(const Prompt& prompt) {
  Json value{{"kind", to_string(prompt.kind)}, {"place", prompt.place}, {"text", prompt.text}};
  if (!prompt.relation.empty()) value["relation"] = prompt.relation;
  if (has_gold(prompt)) value["gold"] = metrics::gold_to_json(prompt.gold);
  if (!prompt.old.answer.empty()) value["old"] = metrics::gold_to_json(prompt.old);
  if (!prompt.rival.empty()) value["rival"] = prompt.rival;
  return value;
}

Prompt prompt_from(const JsonView& view) {
  Prompt prompt;
  if (!parse_prompt_kind(view.at("kind").string(), &prompt.kind)) {
    view.at("kind").fail("a kind of prompt");
  }
  prompt.place = view.at("place").integer();
  if (prompt.place < 0) view.at("place").fail("0 or more");
  prompt.text = view.at("text").string();
  if (const auto found = view.find("relation")) prompt.relation = found->string();
  if (has_gold(prompt)) prompt.gold = metrics::gold_from(view.at("gold"));
  if (const auto found = view.find("old")) prompt.old = metrics::gold_from(*found);
  if (const auto found = view.find("rival")) prompt.rival = found->string();
  return prompt;
}

Json triple_to_json(const Triple& triple) {
  return Json::array({triple.subject, triple.relation, triple.object});
}

Triple triple_from(const JsonView& view) {
  return {view.at(std::size_t{0}).string(), view.at(std::size_t{1}).string(),
          view.at(std::size_t{2}).string()};
}

Json link_to_json(const Link& hop) {
  return {{"ids", triple_to_json(hop.ids)}, {"labels", triple_to_json(hop.labels)}};
}

Link link_from(const JsonView& view) {
  return {triple_from(view.at("ids")), triple_from(view.at("labels"))};
}

template <class Item, class Write>
Json list_to_json(const std::vector<Item>& items, Write write) {
  Json list = Json::array();
  for (const Item& item : items) list.push_back(write(item));
  return list;
}

template <class Read>
auto list_from(const JsonView& list, Read read) {
  std::vector<decltype(read(list))> items;
  for (std::size_t i = 0; i < list.size(); ++i) items.push_back(read(list.at(i)));
  return items;
}

// What verdicts index by: a kind's places are 0, 1, 2, ...
void check_places(const JsonView& list, const std::vector<Prompt>& prompts) {
  std::map<PromptKind, std::int64_t> next;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (prompts[i].place != next[prompts[i].kind]++) {
      list.at(i).at("place").fail("the places of a kind in order, from 0");
    }
  }
}

}  // namespace

Json case_to_json(const Case& one) {
  Json value{{"version", kCaseVersion},
             {"id", one.id},
             {"source", one.source},
             {"edits", list_to_json(one.edits, edit_to_json)},
             {"edit_triples", list_to_json(one.edit_triples, triple_to_json)},
             {"before", list_to_json(one.before, link_to_json)},
             {"after", list_to_json(one.after, link_to_json)},
             {"prompts", list_to_json(one.prompts, prompt_to_json)}};
  if (!one.object_id.empty()) value["object_id"] = one.object_id;
  return value;
}

Case case_from_json(const std::string& text) {
  return metrics::read_stored(text, "case", [](const JsonView& view) {
    if (!view.has("version")) return read_old_case(view);
    if (view.at("version").integer() != kCaseVersion) {
      view.at("version").fail(fmt::format("{}, this program's version", kCaseVersion));
    }
    Case one;
    one.id = view.at("id").integer();
    one.source = view.at("source").string();
    one.edits = list_from(view.at("edits"), edit_from);
    one.edit_triples = list_from(view.at("edit_triples"), triple_from);
    one.before = list_from(view.at("before"), link_from);
    one.after = list_from(view.at("after"), link_from);
    one.prompts = list_from(view.at("prompts"), prompt_from);
    check_places(view.at("prompts"), one.prompts);
    if (const auto found = view.find("object_id")) one.object_id = found->string();
    return one;
  });
}

}  // namespace kedit::runner

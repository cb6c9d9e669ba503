#include "eval/showcase/famous_facts.hpp"

#include <optional>

namespace kedit {

namespace assets {
extern const std::string_view famous_facts;  // assets/demo/famous_facts.json, built in
}  // namespace assets

namespace showcase {
namespace {

std::string string_or(const JsonView& view, const char* key, const std::string& otherwise) {
  const auto found = view.find(key);
  return found ? found->string() : otherwise;
}

// A statement to be completed ("text") or a question, about the old and the new object unless it
// says otherwise.
ShownPrompt read_prompt(const JsonView& view, Group group, const EditRequest& request) {
  ShownPrompt prompt;
  prompt.group = group;
  prompt.ask = view.has("question") ? Ask::question : Ask::cloze;
  prompt.text = view.at(view.has("question") ? "question" : "text").string();
  prompt.before = string_or(view, "before", request.target_true.value_or(""));
  prompt.after = string_or(view, "after", request.target_new);
  return prompt;
}

FamousFact read_fact(const JsonView& view) {
  FamousFact fact;
  fact.request.subject = view.at("subject").string();
  fact.request.prompt = view.at("prompt").string();
  fact.request.target_true = view.at("target_true").string();
  fact.request.target_new = view.at("target_new").string();
  fact.request = validate_request(fact.request);
  fact.prompts.push_back({Group::edited, Ask::cloze, filled_prompt(fact.request),
                          *fact.request.target_true, fact.request.target_new});
  const std::pair<const char*, Group> groups[] = {{"paraphrases", Group::paraphrase},
                                                  {"consequences", Group::consequence},
                                                  {"neighbours", Group::neighbour}};
  for (const auto& [key, group] : groups) {
    const JsonView list = view.at(key);
    for (std::size_t i = 0; i < list.size(); ++i) {
      fact.prompts.push_back(read_prompt(list.at(i), group, fact.request));
    }
  }
  return fact;
}

}  // namespace

const char* to_string(Group group) {
  switch (group) {
    case Group::edited:
      return "edited";
    case Group::paraphrase:
      return "paraphrase";
    case Group::consequence:
      return "consequence";
    case Group::neighbour:
      return "neighbour";
  }
  return "?";
}

Showcase famous_facts() {
  const std::string origin = "assets/demo/famous_facts.json";
  const Json document = parse_json(assets::famous_facts, origin);
  const JsonView view(document, origin);
  Showcase showcase;
  showcase.rome = view.at("rome").at("settings").value();
  showcase.layer = view.at("rome").at("depth").at(0).integer();
  showcase.of_layers = view.at("rome").at("depth").at(1).integer();
  const JsonView facts = view.at("facts");
  for (std::size_t i = 0; i < facts.size(); ++i) showcase.facts.push_back(read_fact(facts.at(i)));
  return showcase;
}

Json rome_settings(const Showcase& showcase, const Architecture& architecture) {
  Json settings = showcase.rome;
  settings["layers"] = {showcase.layer * architecture.layers / showcase.of_layers};
  return settings;
}

}  // namespace showcase
}  // namespace kedit

#include "eval/answering/prompts.hpp"

#include "editors/reasoning/chain_of_thought.hpp"
#include "edits/hash.hpp"
#include "eval/metrics/matching.hpp"
#include "eval/metrics/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace kedit {
namespace {

constexpr std::int64_t kAnswerTokens = 16;

const AskForm& form_of(const PromptForm& form, Ask ask) {
  switch (ask) {
    case Ask::cloze:
      return form.cloze;
    case Ask::question:
      return form.question;
    case Ask::direct:
      return form.direct;
    case Ask::cot:
      return form.cot;
  }
  return form.direct;
}

Json ask_to_json(const AskForm& ask) {
  return {{"plain", ask.plain},
          {"with_facts", ask.with_facts},
          {"max_tokens", ask.max_tokens},
          {"stop", ask.stop}};
}

Json form_to_json(const PromptForm& form) {
  Json exemplars = Json::array();
  for (const Exemplar& one : form.exemplars) {
    exemplars.push_back({{"ask", to_string(one.ask)},
                         {"relation", one.relation},
                         {"with_facts", one.with_facts},
                         {"text", one.text}});
  }
  return {{"name", form.name},
          {"version", form.version},
          {"cloze", ask_to_json(form.cloze)},
          {"question", ask_to_json(form.question)},
          {"direct", ask_to_json(form.direct)},
          {"cot", ask_to_json(form.cot)},
          {"max_facts", form.max_facts},
          {"exemplars", std::move(exemplars)}};
}

// One pass: what is put in is not searched again, so a question may contain "{facts}".
std::string fill(std::string_view text, const std::string& exemplars, const std::string& facts,
                 const std::string& question) {
  const std::vector<std::pair<std::string_view, const std::string*>> slots = {
      {"{exemplars}", &exemplars}, {"{facts}", &facts}, {"{text}", &question}};
  std::string out;
  while (!text.empty()) {
    const auto slot = std::find_if(slots.begin(), slots.end(), [&](const auto& one) {
      return text.substr(0, one.first.size()) == one.first;
    });
    if (slot == slots.end()) {
      out += text.front();
      text.remove_prefix(1);
    } else {
      out += *slot->second;
      text.remove_prefix(slot->first.size());
    }
  }
  return out;
}

std::string facts_block(const std::vector<Fact>& facts) {
  std::string block;
  for (const Fact& fact : facts) {
    const bool stopped =
        !fact.sentence.empty() && fact.sentence.back() == '.';  // "Washington, D.C."
    block += (block.empty() ? "" : " ") + fact.sentence + (stopped ? "" : ".");
  }
  return block;
}

std::string exemplars_for(const PromptForm& form, const Question& question) {
  std::string block;
  for (const Exemplar& one : form.exemplars) {
    const bool same_relation = one.relation.empty() || one.relation == question.relation;
    if (one.ask == question.ask && same_relation && one.with_facts == !question.facts.empty()) {
      block += one.text;
    }
  }
  return block;
}

bool tells_any(const Exemplar& one, const std::set<std::pair<std::string, std::string>>& known) {
  return std::any_of(one.tells.begin(), one.tells.end(),
                     [&](const auto& pair) { return known.count(pair) > 0; });
}

std::set<std::pair<std::string, std::string>> pairs_of(const std::vector<Case>& cases) {
  std::set<std::pair<std::string, std::string>> pairs;
  for (const Case& one : cases) {
    for (const std::vector<Link>* chain : {&one.before, &one.after}) {
      for (const Link& hop : *chain) pairs.emplace(hop.labels.subject, hop.ids.relation);
    }
  }
  return pairs;
}

std::optional<std::string> non_empty(std::string_view text) {
  text = metrics::trim_ascii(text);
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

}  // namespace

const char* to_string(Ask ask) {
  switch (ask) {
    case Ask::cloze:
      return "cloze";
    case Ask::question:
      return "question";
    case Ask::direct:
      return "direct";
    case Ask::cot:
      return "cot";
  }
  return "?";
}

Ask parse_ask(std::string_view name) {
  for (const Ask ask : {Ask::cloze, Ask::question, Ask::direct, Ask::cot}) {
    if (name == to_string(ask)) return ask;
  }
  throw EvalError(fmt::format(
      "choosing an answerer: expected cloze, question, direct or cot, found \"{}\"", name));
}

PromptForm lab_prompts() {
  const std::vector<std::string> line = {"\n"};
  const GenerateOptions thoughts = reasoning::thought_options();
  PromptForm form;
  form.name = "lab";
  form.version = "1";
  form.cloze = {"{text}", "Facts: {facts}\n{text}", kAnswerTokens, line};
  form.question = {"Question: {text}\nAnswer:", "Facts: {facts}\nQuestion: {text}\nAnswer:",
                   kAnswerTokens, line};
  form.direct = form.question;
  form.cot = {"Question: {text}\nThoughts:", "Facts: {facts}\nQuestion: {text}\nThoughts:",
              thoughts.max_tokens, thoughts.stop};
  return form;
}

PromptForm few_shot_prompts(const std::vector<Case>& under_test) {
  const std::vector<std::string> line = {"\n"};
  const GenerateOptions thoughts = reasoning::thought_options();
  PromptForm form;
  form.name = "few-shot";
  form.version = "2";
  form.max_facts = 8;
  form.cloze = {"{text}", "Facts: {facts}\n{text}", kAnswerTokens, line};
  form.question = {"{exemplars}Question: {text}\nAnswer:",
                   "{exemplars}Facts: {facts}\nQuestion: {text}\nAnswer:", kAnswerTokens, line};
  form.direct = form.question;
  form.cot = {"{exemplars}Question: {text}\nThoughts:",
              "{exemplars}Facts: {facts}\nQuestion: {text}\nThoughts:", thoughts.max_tokens,
              thoughts.stop};
  const auto known = pairs_of(under_test);
  for (Exemplar& one : few_shot_exemplars()) {
    if (!tells_any(one, known)) form.exemplars.push_back(std::move(one));
  }
  return form;
}

PromptForm prompt_form(std::string_view name, const std::vector<Case>& under_test) {
  if (name == "lab") return lab_prompts();
  if (name == "few-shot") return few_shot_prompts(under_test);
  throw EvalError(fmt::format("choosing prompts: expected lab or few-shot, found \"{}\"", name));
}

std::string prompt_hash(const PromptForm& form) {
  return sha256_hex(canonical_text(form_to_json(form)));
}

std::string write_prompt(const PromptForm& form, const Question& question) {
  const AskForm& ask = form_of(form, question.ask);
  return fill(question.facts.empty() ? ask.plain : ask.with_facts, exemplars_for(form, question),
              facts_block(question.facts), question.text);
}

GenerateOptions generation_options(const PromptForm& form, Ask ask) {
  GenerateOptions options;
  options.max_tokens = form_of(form, ask).max_tokens;
  options.stop = form_of(form, ask).stop;
  return options;
}

Answer take_answer(Ask ask, const std::string& raw, const std::vector<std::string>& clozes) {
  const std::string_view text = raw;
  if (ask == Ask::cot) {
    return {raw, final_answer(raw, TranscriptForm::kedit),
            parse_trace(raw, TranscriptForm::kedit, clozes)};
  }
  const std::size_t length =
      ask == Ask::cloze ? sentence_length(text) : std::min(text.find('\n'), text.size());
  return {raw, non_empty(text.substr(0, length)), std::nullopt};
}

}  // namespace kedit

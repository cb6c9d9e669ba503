#include "eval/answering/free_text.hpp"

#include "eval/metrics/unicode.hpp"
#include "eval/text_records.hpp"

#include <algorithm>
#include <map>

namespace kedit::answering {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), with);
    at += with.size();
  }
}

std::vector<std::size_t> generation_prompts(const Case& one) {
  std::vector<std::size_t> prompts;
  for (std::size_t i = 0; i < one.prompts.size(); ++i) {
    if (one.prompts[i].kind == PromptKind::generation) prompts.push_back(i);
  }
  return prompts;
}

// What is drawn for a record depends on nothing but the seed, its id and the prompt's place.
std::uint64_t stream_of(std::uint64_t seed, std::int64_t case_id, std::size_t place) {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15U, other_odd = 0xBF58476D1CE4E5B9U;
  return seed * odd + static_cast<std::uint64_t>(case_id) * other_odd + place;
}

}  // namespace

FreeTextAsker::FreeTextAsker(FreeTextPlan plan) : plan_(std::move(plan)) {
  judge_.sentences = metrics::sentence_model(plan_.punkt);
  if (plan_.snippets.empty()) return;
  judge_.snippets =
      std::make_shared<const metrics::Snippets>(metrics::Snippets::read(plan_.snippets));
}

bool FreeTextAsker::wants(const Case& one) const {
  return one.id % plan_.every == 0 && one.count(PromptKind::generation) > 0;
}

std::vector<std::string> FreeTextAsker::sample(const LanguageModel& model, const PromptForm& form,
                                               const Case& one,
                                               const std::vector<std::size_t>& prompts,
                                               const FactChooser& facts) const {
  std::map<std::int64_t, std::vector<std::size_t>> by_room;  // new tokens -> places in `prompts`
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const std::int64_t taken = model.token_count(one.prompts[prompts[i]].text).value_or(0);
    by_room[std::max<std::int64_t>(plan_.tokens - taken, 0)].push_back(i);
  }
  std::vector<std::string> texts(prompts.size());
  for (const auto& [room, places] : by_room) {
    std::vector<std::string> written;
    for (const std::size_t place : places) {
      const std::string& text = one.prompts[prompts[place]].text;
      const Question question{Ask::cloze, text, "", facts ? facts(text) : std::vector<Fact>{}};
      written.push_back(write_prompt(form, question));
    }
    GenerateOptions options;
    options.max_tokens = room;
    options.temperature = 1.0;
    options.top_k = plan_.top_k;
    options.seed = stream_of(plan_.seed, one.id, places.front());
    options.ignore_eos = true;
    const std::vector<Generation> said = model.generate(written, options);
    for (std::size_t i = 0; i < places.size(); ++i) {
      texts[places[i]] = cleaned_text(one.prompts[prompts[places[i]]].text + said.at(i).text);
    }
  }
  return texts;
}

void FreeTextAsker::ask(const LanguageModel& model, const PromptForm& form, const Case& one,
                        const FactChooser& facts, CaseOutputs* outputs) const {
  if (!wants(one)) return;
  const std::vector<std::size_t> prompts = generation_prompts(one);
  const std::vector<std::string> texts = sample(model, form, one, prompts, facts);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    outputs->outputs.push_back(
        {prompts[i], OutputKind::text, {texts[i], std::nullopt, std::nullopt}, {}});
  }
  const EditRequest& edit = one.edits.front();
  outputs->texts = judge_.judge(texts, edit.relation, one.object_id);
  outputs->texts.essence_score =
      essence_of(judge_, &model, edit.relation, one.object_id, edit.subject);
}

Json FreeTextAsker::description() const {
  Json out{{"every", plan_.every},
           {"tokens", plan_.tokens},
           {"top_k", plan_.top_k},
           {"seed", plan_.seed}};
  out.update(to_json(judge_));
  return out;
}

std::string cleaned_text(const std::string& text) {
  std::string clean = metrics::to_nfkd(text);
  replace_all(clean, "\n\n", " ");
  replace_all(clean, "<|endoftext|>", "");
  return clean;
}

}  // namespace kedit::answering

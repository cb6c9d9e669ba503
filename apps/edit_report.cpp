#include "apps/edit_report.hpp"

#include "eval/answering/facts_in_context.hpp"
#include "model/generation/generation.hpp"
#include "store/figures_json.hpp"

#include <fmt/format.h>

#include <utility>

namespace kedit::cli {

Json Measured::to_json() const {
  return {{"target_new_logprob", target_new},
          {"target_true_logprob", target_true ? Json(*target_true) : Json(nullptr)},
          {"argmax_text", argmax_text},
          {"greedy_text", greedy_text}};
}

Measured measure(const EditedModel& model, const PromptForm& form, const EditRequest& request) {
  Question question;
  question.ask = Ask::cloze;
  question.text = filled_prompt(request);
  question.relation = request.relation;
  question.facts = answering::choose_facts(model.facts(), question.text, form.max_facts);
  const std::string prompt = write_prompt(form, question);

  const LocalLanguageModel language(model);
  std::vector<std::pair<std::string, std::string>> pairs{
      {prompt, spaced_target(prompt, request.target_new)}};
  if (request.target_true) pairs.emplace_back(prompt, spaced_target(prompt, *request.target_true));
  const auto scores = language.score(pairs);

  GenerateOptions options;
  options.max_tokens = static_cast<std::int64_t>(scores[0].token_ids.size());
  options.ignore_eos = true;
  const Generation greedy = language.generate({prompt}, options).front();

  Measured measured;
  measured.target_new = scores[0].logprob();
  if (request.target_true) measured.target_true = scores[1].logprob();
  measured.greedy_text = greedy.text;
  if (!greedy.ids.empty()) measured.argmax_text = model.tokenizer().decode({greedy.ids.front()});
  return measured;
}

namespace {

/// The optimisation of all layers in a row, as the contract gives it, layer by layer beside it.
Json optimisation_json(const EditFigures& figures, const Json& layers) {
  std::size_t steps = 0;
  std::vector<double> loss, target_logprob;
  for (const OptimisationFigures& one : figures.optimisation) {
    steps += one.loss.size();
    loss.insert(loss.end(), one.loss.begin(), one.loss.end());
    target_logprob.insert(target_logprob.end(), one.target_logprob.begin(),
                          one.target_logprob.end());
  }
  Json all = {{"steps", steps}, {"loss", loss}, {"target_logprob", target_logprob}};
  if (!layers.is_null()) all["layers"] = layers;
  return all;
}

}  // namespace

Json edit_json(const Made& made) {
  Json figures = figures_to_json(made.delta.figures);
  Json seconds = {{"context", 0.0}, {"key", 0.0}, {"value", 0.0}, {"solve", 0.0}};
  if (figures.contains("seconds")) seconds = figures["seconds"];
  seconds["commit"] = made.commit_seconds;
  seconds["total"] = made.total_seconds;
  Json norms = {{"delta", nullptr}, {"update_frobenius", nullptr}, {"weight_frobenius", nullptr}};
  if (figures.contains("norms")) norms = figures["norms"];
  Json json = {{"id", made.id.empty() ? Json(nullptr) : Json(made.id)},
               {"editor", made.delta.editor},
               {"request_id", made.request.id},
               {"subject", made.request.subject},
               {"target_new", made.request.target_new},
               {"before", made.before.to_json()},
               {"after", made.after.to_json()},
               {"norms", norms},
               {"optimisation", optimisation_json(made.delta.figures, figures["optimisation"])},
               {"seconds", seconds}};
  if (figures.contains("health")) json["health"] = figures["health"];
  return json;
}

std::string edits_text(const std::vector<Made>& all, const Style& style) {
  Table table({{"id"},
               {"subject"},
               {"new target"},
               {"says before"},
               {"says after"},
               {"log P before", Table::Align::right},
               {"after", Table::Align::right},
               {"seconds", Table::Align::right}});
  for (const Made& made : all) {
    table.row({made.id.empty() ? "(dry run)" : made.id, made.request.subject,
               made.request.target_new, made.before.greedy_text, made.after.greedy_text,
               fmt::format("{:.2f}", made.before.target_new),
               fmt::format("{:.2f}", made.after.target_new),
               fmt::format("{:.2f}", made.total_seconds)});
  }
  return table.text(style);
}

}  // namespace kedit::cli

#include "apps/edit_report.hpp"

#include "eval/answering/facts_in_context.hpp"
#include "model/generation/generation.hpp"
#include "store/figures_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kedit::cli {

Json Measured::to_json() const {
  return {{"target_new_logprob", target_new},
          {"target_true_logprob", target_true ? Json(*target_true) : Json(nullptr)},
          {"argmax_text", argmax_text},
          {"greedy_text", greedy_text}};
}

std::vector<Measured> measure_all(const EditedModel& model, const PromptForm& form,
                                  const std::vector<EditRequest>& requests) {
  const std::vector<Fact> facts = model.facts();
  std::vector<std::string> prompts;
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const EditRequest& request : requests) {
    Question question;
    question.ask = Ask::cloze;
    question.text = filled_prompt(request);
    question.relation = request.relation;
    question.facts = answering::choose_facts(facts, question.text, form.max_facts);
    prompts.push_back(write_prompt(form, question));
    const std::string& prompt = prompts.back();
    pairs.emplace_back(prompt, spaced_target(prompt, request.target_new));
    if (request.target_true)
      pairs.emplace_back(prompt, spaced_target(prompt, *request.target_true));
  }
  const LocalLanguageModel language(model);
  const auto scores = language.score(pairs);

  std::vector<Measured> all;
  std::vector<std::size_t> lengths;  // of the new targets
  for (std::size_t i = 0, next = 0; i < requests.size(); ++i) {
    const ContinuationScore& wanted = scores[next++];
    Measured& measured = all.emplace_back();
    measured.target_new = wanted.logprob();
    lengths.push_back(wanted.token_ids.size());
    if (requests[i].target_true) measured.target_true = scores[next++].logprob();
  }
  GenerateOptions options;
  options.max_tokens = static_cast<std::int64_t>(
      lengths.empty() ? 1 : *std::max_element(lengths.begin(), lengths.end()));
  options.ignore_eos = true;
  const std::vector<Generation> greedy = language.generate(prompts, options);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    std::vector<std::int64_t> ids = greedy[i].ids;
    ids.resize(std::min(ids.size(), lengths[i]));
    all[i].greedy_text = model.tokenizer().decode(ids);
    if (!ids.empty()) all[i].argmax_text = model.tokenizer().decode({ids.front()});
  }
  return all;
}

namespace {

/// The optimisations that a request took part in, in a row, as the contract gives them, and one by
/// one beside it. `layers`: their JSON, parallel to the figures'.
Json optimisation_json(const Made& made, const Json& layers) {
  std::vector<double> loss, target_logprob;
  Json own = Json::array();
  const auto& all = made.delta->figures.optimisation;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool others = all[i].request && *all[i].request != static_cast<std::int64_t>(made.place);
    if (others) continue;
    loss.insert(loss.end(), all[i].loss.begin(), all[i].loss.end());
    target_logprob.insert(target_logprob.end(), all[i].target_logprob.begin(),
                          all[i].target_logprob.end());
    if (i < layers.size()) own.push_back(layers[i]);
  }
  Json json = {{"steps", loss.size()}, {"loss", loss}, {"target_logprob", target_logprob}};
  if (!own.empty()) json["layers"] = own;
  return json;
}

/// Norms of the request's own value where the edit has several.
Json norms_json(const Made& made, Json norms) {
  for (const OptimisationFigures& one : made.delta->figures.optimisation) {
    if (one.request == static_cast<std::int64_t>(made.place) && one.delta_norm) {
      norms["delta"] = *one.delta_norm;
    }
  }
  return norms;
}

Json edit_json(const Made& made, const Json& figures) {
  Json seconds = {{"context", 0.0}, {"key", 0.0}, {"value", 0.0}, {"solve", 0.0}};
  if (figures.contains("seconds")) seconds = figures.at("seconds");
  seconds["commit"] = made.commit_seconds;
  seconds["total"] = made.total_seconds;
  Json norms = {{"delta", nullptr}, {"update_frobenius", nullptr}, {"weight_frobenius", nullptr}};
  if (figures.contains("norms")) norms = norms_json(made, figures.at("norms"));
  Json json = {
      {"id", made.id.empty() ? Json(nullptr) : Json(made.id)},
      {"editor", made.delta->editor},
      {"request_id", made.request.id},
      {"subject", made.request.subject},
      {"target_new", made.request.target_new},
      {"before", made.before.to_json()},
      {"after", made.after.to_json()},
      {"norms", norms},
      {"optimisation", optimisation_json(made, figures.value("optimisation", Json::array()))},
      {"seconds", seconds}};
  if (figures.contains("health")) json["health"] = figures.at("health");
  return json;
}

}  // namespace

Json edits_json(const std::vector<Made>& all) {
  Json list = Json::array();
  Json figures;
  const EditDelta* shown = nullptr;  // a batch's figures are written out once, not once a request
  for (const Made& made : all) {
    if (made.delta.get() != shown) figures = figures_to_json(made.delta->figures);
    shown = made.delta.get();
    list.push_back(edit_json(made, figures));
  }
  return list;
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

#include "editors/locate/value_problem.hpp"

namespace kedit::locate {

std::int64_t ValueProblem::first_label(std::size_t row) const {
  return static_cast<std::int64_t>(rewriting[row].ids.size() - target.size());
}

bool ValueProblem::blind(std::int64_t layers) const {
  if (layer + 1 < layers) return false;
  for (std::size_t row = 0; row < rewriting.size(); ++row) {
    if (rewriting[row].position >= first_label(row)) return false;
  }
  return true;
}

ValueProblem make_value_problem(const EditedModel& model, std::int64_t layer,
                                const EditRequest& request, const ContextTemplates& templates,
                                FactToken token) {
  const Tokenizer& tokenizer = model.tokenizer();
  ValueProblem problem;
  problem.layer = layer;
  const SplitPrompt bare = prompt_in_context(templates.front(), request);
  problem.target =
      target_ids(tokenizer, bare.prefix + request.subject + bare.suffix, request.target_new);
  for (const std::string& context : templates) {
    const SplitPrompt prompt = prompt_in_context(context, request);
    LocatedText row =
        locate_subject(tokenizer, prompt.prefix, request.subject, prompt.suffix, token);
    row.ids.insert(row.ids.end(), problem.target.begin(), problem.target.end() - 1);
    problem.rewriting.push_back(std::move(row));
  }
  problem.essence = locate_subject(tokenizer, split_at_slot(templates.front()).prefix,
                                   request.subject, " is a", token);
  problem.essence.ids.resize(static_cast<std::size_t>(problem.essence.position) + 1);
  return problem;
}

}  // namespace kedit::locate

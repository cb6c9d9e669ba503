#include "editors/locate/value_problem.hpp"

#include <algorithm>

namespace kedit::locate {
namespace {

FactRows fact_rows(const Tokenizer& tokenizer, const EditRequest& request,
                   const ContextTemplates& templates, FactToken token) {
  FactRows fact;
  const SplitPrompt bare = prompt_in_context(templates.front(), request);
  fact.target =
      target_ids(tokenizer, bare.prefix + request.subject + bare.suffix, request.target_new);
  for (const std::string& context : templates) {
    const SplitPrompt prompt = prompt_in_context(context, request);
    LocatedText row =
        locate_subject(tokenizer, prompt.prefix, request.subject, prompt.suffix, token);
    row.ids.insert(row.ids.end(), fact.target.begin(), fact.target.end() - 1);
    fact.rows.push_back(std::move(row));
  }
  return fact;
}

std::int64_t tail_of(const LocatedText& row) {
  return static_cast<std::int64_t>(row.ids.size()) - row.position;
}

}  // namespace

std::int64_t FactRows::first_label(std::size_t row) const {
  return static_cast<std::int64_t>(rows[row].ids.size() - target.size());
}

bool ValueProblem::blind(std::int64_t layers) const {
  if (layer + 1 < layers) return false;
  for (const FactRows& fact : facts) {
    for (std::size_t row = 0; row < fact.rows.size(); ++row) {
      if (fact.rows[row].position >= fact.first_label(row)) return false;
    }
  }
  return true;
}

std::int64_t ValueProblem::essence_in_row() const {
  std::int64_t number = 0;
  for (const FactRows& fact : facts) {
    for (const LocatedText& row : fact.rows) {
      const bool same = row.position == essence.position &&
                        std::equal(essence.ids.begin(), essence.ids.end(), row.ids.begin());
      if (same) return number;
      ++number;
    }
  }
  return -1;
}

std::int64_t ValueProblem::tail_length() const {
  std::int64_t longest = tail_of(essence);
  for (const FactRows& fact : facts) {
    for (const LocatedText& row : fact.rows) longest = std::max(longest, tail_of(row));
  }
  return longest;
}

std::int64_t ValueProblem::row_count() const {
  std::int64_t count = essence_in_row() < 0 ? 1 : 0;
  for (const FactRows& fact : facts) count += std::ssize(fact.rows);
  return count;
}

ValueProblem make_value_problem(const EditedModel& model, ValueSite where,
                                const EditRequest& request, const ContextTemplates& templates,
                                FactToken token) {
  const Tokenizer& tokenizer = model.tokenizer();
  ValueProblem problem;
  problem.name = request.id;
  problem.layer = where.layer;
  problem.site = where.site;
  problem.facts.push_back(fact_rows(tokenizer, request, templates, token));
  problem.essence = locate_subject(tokenizer, split_at_slot(templates.front()).prefix,
                                   request.subject, " is a", token);
  problem.essence.ids.resize(static_cast<std::size_t>(problem.essence.position) + 1);
  return problem;
}

}  // namespace kedit::locate

// MQuAKE's records as benchmarks ask them.
#include "datasets/mquake.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit {
namespace {

// Gold of an edit: an object with the aliases that its hop of the chain knows.
Gold with_aliases(const std::string& object, const std::vector<Hop>& chain) {
  const auto hop = std::find_if(chain.begin(), chain.end(),
                                [&](const Hop& one) { return one.gold.answer == object; });
  return hop == chain.end() ? Gold{object, {}} : hop->gold;
}

void add_edits(const MquakeCase& record, Case& one) {
  try {
    one.edits = requests_of(record);
  } catch (const RequestError& error) {
    throw DataError(fmt::format("reading case {}: {}", record.case_id, error.what()));
  }
  for (std::size_t i = 0; i < one.edits.size(); ++i) {
    one.prompts.push_back({PromptKind::edit, static_cast<std::int64_t>(i),
                           filled_prompt(one.edits[i]), one.edits[i].relation,
                           with_aliases(record.rewrites[i].target_new, record.new_hops),
                           with_aliases(record.rewrites[i].target_true, record.hops)});
  }
}

std::vector<Link> chain_of(const std::vector<Triple>& ids, const std::vector<Triple>& labels) {
  std::vector<Link> chain;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    chain.push_back({ids[i], i < labels.size() ? labels[i] : Triple{}});
  }
  return chain;
}

void add_hops(const std::vector<Hop>& hops, const std::vector<Link>& chain, PromptKind cloze,
              PromptKind question, Case& one) {
  for (const PromptKind kind : {cloze, question}) {
    for (std::size_t i = 0; i < hops.size(); ++i) {
      one.prompts.push_back({kind, static_cast<std::int64_t>(i),
                             kind == cloze ? hops[i].cloze : hops[i].question,
                             i < chain.size() ? chain[i].ids.relation : "", hops[i].gold});
    }
  }
}

}  // namespace

Case case_of(const MquakeCase& record) {
  Case one;
  one.id = record.case_id;
  one.source = "mquake";
  one.edit_triples = record.edit_triples;
  one.before = chain_of(record.triples, record.triples_labeled);
  one.after = chain_of(record.new_triples, record.new_triples_labeled);
  add_edits(record, one);
  add_hops(record.new_hops, one.after, PromptKind::hop_cloze, PromptKind::hop_question, one);
  add_hops(record.hops, one.before, PromptKind::old_hop_cloze, PromptKind::old_hop_question, one);
  Gold old = record.pre;
  old.further = record.answer_extended;
  for (std::size_t i = 0; i < record.questions.size(); ++i) {
    one.prompts.push_back({PromptKind::question, static_cast<std::int64_t>(i), record.questions[i],
                           "", record.post, old});
  }
  return one;
}

std::vector<Case> cases_of(const std::vector<MquakeCase>& records) {
  std::vector<Case> cases;
  cases.reserve(records.size());
  for (const MquakeCase& record : records) cases.push_back(case_of(record));
  return cases;
}

Dataset cases_of(const MquakeDataset& dataset) {
  return {dataset.name, dataset.sha256, dataset.content_sha256, cases_of(dataset.cases)};
}

}  // namespace kedit

#include "eval/runner/old_cases.hpp"

#include "datasets/counterfact.hpp"
#include "datasets/mquake.hpp"
#include "eval/metrics/stored_json.hpp"

namespace kedit::runner {
namespace {

std::vector<Hop> hops_from(const JsonView& list) {
  std::vector<Hop> hops;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView one = list.at(i);
    hops.push_back({one.at("question").string(), one.at("cloze").string(),
                    metrics::gold_from(one.at("gold"))});
  }
  return hops;
}

std::vector<Triple> triples_from(const JsonView& list) {
  std::vector<Triple> triples;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView one = list.at(i);
    triples.push_back({one.at(std::size_t{0}).string(), one.at(std::size_t{1}).string(),
                       one.at(std::size_t{2}).string()});
  }
  return triples;
}

Rewrite rewrite_from(const JsonView& view) {
  return {view.at("prompt").string(),      view.at("relation").string(),
          view.at("subject").string(),     view.at("question").string(),
          view.at("target_true").string(), view.at("target_true_id").string(),
          view.at("target_new").string(),  view.at("target_new_id").string()};
}

std::vector<NeighborPrompt> prompts_from(const JsonView& list) {
  std::vector<NeighborPrompt> prompts;
  for (std::size_t i = 0; i < list.size(); ++i) {
    prompts.push_back({list.at(i).at("prompt").string(), list.at(i).at("answer").string()});
  }
  return prompts;
}

std::vector<Rewrite> rewrites_from(const JsonView& list) {
  std::vector<Rewrite> rewrites;
  for (std::size_t i = 0; i < list.size(); ++i) rewrites.push_back(rewrite_from(list.at(i)));
  return rewrites;
}

// A record of one edit: its rewrite, with paraphrases beside it.
EditRequest request_from(const JsonView& view) {
  const JsonView rewrites = view.at("rewrites");
  if (rewrites.size() != 1) rewrites.fail("one rewrite");
  const Rewrite rewrite = rewrite_from(rewrites.at(std::size_t{0}));
  EditRequest request;
  request.prompt = rewrite.prompt;
  request.subject = rewrite.subject;
  request.relation = rewrite.relation;
  request.target_new = rewrite.target_new;
  if (!rewrite.target_true.empty()) request.target_true = rewrite.target_true;
  request.rephrases = view.at("paraphrases").strings();
  return request;
}

Case counterfact_from(const JsonView& view) {
  CounterFactRecord record;
  record.case_id = view.at("case_id").integer();
  record.request = request_from(view);
  record.neighborhood = prompts_from(view.at("neighborhood"));
  return case_of(record);
}

Case zsre_from(const JsonView& view) {
  ZsreRecord record;
  record.number = view.at("case_id").integer();
  record.request = request_from(view);
  const std::vector<NeighborPrompt> other = prompts_from(view.at("neighborhood"));
  if (other.size() != 1) view.at("neighborhood").fail("one prompt");
  record.locality = other.front();
  return case_of(record);
}

Case mquake_from(const JsonView& view) {
  MquakeCase record;
  record.case_id = view.at("case_id").integer();
  record.rewrites = rewrites_from(view.at("rewrites"));
  record.questions = view.at("questions").strings();
  record.pre = metrics::gold_from(view.at("pre"));
  record.post = metrics::gold_from(view.at("post"));
  record.hops = hops_from(view.at("hops"));
  record.new_hops = hops_from(view.at("new_hops"));
  record.triples = triples_from(view.at("triples"));
  record.new_triples = triples_from(view.at("new_triples"));
  record.edit_triples = triples_from(view.at("edit_triples"));
  if (const auto more = view.find("answer_extended")) record.answer_extended = more->strings();
  record.triples_labeled = triples_from(view.at("triples_labeled"));
  record.new_triples_labeled = triples_from(view.at("new_triples_labeled"));
  if (record.edit_triples.size() != record.rewrites.size()) {
    view.at("edit_triples").fail("one a rewrite");
  }
  if (record.new_hops.size() != record.new_triples.size()) {
    view.at("new_triples").fail("one a hop");
  }
  return case_of(record);
}

}  // namespace

Case read_old_case(const JsonView& view) {
  if (!view.has("source")) return mquake_from(view);
  const std::string source = view.at("source").string();
  if (source == "counterfact") return counterfact_from(view);
  if (source == "zsre") return zsre_from(view);
  view.at("source").fail("counterfact or zsre");
}

}  // namespace kedit::runner

// kedit store conflicts: edits that stand in each other's way, with the evidence.
#include "apps/commands.hpp"
#include "apps/store_view.hpp"
#include "datasets/mquake.hpp"
#include "eval/protocol/path_conflict.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::cli {

namespace {

Json json_of_claim(const EditClaim& claim) {
  Json json = {{"edit", claim.edit},
               {"request_id", claim.request_id},
               {"subject", claim.subject},
               {"prompt", claim.prompt},
               {"target", claim.target}};
  if (!claim.relation.empty()) json["relation"] = claim.relation;
  return json;
}

Json evidence_of(const Conflict& conflict) {
  Json evidence = Json::object();
  switch (conflict.kind) {
    case ConflictKind::same_key:
    case ConflictKind::repeated:
      evidence["matched"] = conflict.matched;
      break;
    case ConflictKind::similar_keys:
      evidence["weight"] = conflict.weight;
      evidence["cosine"] = conflict.cosine;
      break;
    case ConflictKind::path:
      evidence["case"] = conflict.chain;
      evidence["hop"] = conflict.hop + 1;
      evidence["subject"] = conflict.hop_claim.subject;
      evidence["relation"] = conflict.hop_claim.relation;
      evidence["expected"] = conflict.hop_claim.target;
      break;
    case ConflictKind::same_subject:
      evidence["subject"] = conflict.claims.front().subject;
      break;
  }
  evidence["claims"] = Json::array();
  for (const EditClaim& claim : conflict.claims) evidence["claims"].push_back(json_of_claim(claim));
  return evidence;
}

}  // namespace

Json json_of(const Conflict& conflict) {
  std::vector<std::string> edits;
  for (const EditClaim& claim : conflict.claims) {
    if (std::find(edits.begin(), edits.end(), claim.edit) == edits.end()) {
      edits.push_back(claim.edit);
    }
  }
  return {{"kind", to_string(conflict.kind)},
          {"grade", grade_of(conflict.kind)},
          {"edits", edits},
          {"text", describe(conflict)},
          {"evidence", evidence_of(conflict)}};
}

std::string lines_of(const std::vector<Conflict>& conflicts, const Style& style) {
  std::string text;
  for (const Conflict& conflict : conflicts) {
    const std::string_view grade = grade_of(conflict.kind);
    const Tone tone = grade == "conflict"  ? Tone::bad
                      : grade == "warning" ? Tone::notice
                                           : Tone::strong;
    text += fmt::format("{}  {}\n", style.paint(tone, fmt::format("{:<8}", grade)),
                        printable(describe(conflict)));
  }
  return text;
}

namespace {

protocol::ChainHop hop_of(const Triple& ids, const Triple& labels) {
  return {ids.subject, ids.relation, ids.object, labels.subject, labels.object};
}

std::vector<protocol::ChainHop> hops_of(const std::vector<Triple>& ids,
                                        const std::vector<Triple>& labels) {
  std::vector<protocol::ChainHop> hops;
  for (std::size_t i = 0; i < std::min(ids.size(), labels.size()); ++i) {
    hops.push_back(hop_of(ids[i], labels[i]));
  }
  return hops;
}

protocol::Chain chain_of(const MquakeCase& one) {
  protocol::Chain chain;
  chain.name = fmt::format("case {}", one.case_id);
  chain.hops = hops_of(one.new_triples, one.new_triples_labeled);
  chain.original = hops_of(one.triples, one.triples_labeled);
  const std::vector<EditRequest> requests = requests_of(one);
  for (std::size_t i = 0; i < std::min(requests.size(), one.edit_triples.size()); ++i) {
    const Triple& edit = one.edit_triples[i];
    for (protocol::ChainHop& hop : chain.hops) {
      if (hop.subject_id != edit.subject || hop.relation_id != edit.relation) continue;
      hop.request_id = requests[i].id;
      hop.prompt = requests[i].prompt;
    }
  }
  return chain;
}

std::vector<protocol::Chain> chains_of_option(const std::string& format_and_file) {
  constexpr std::string_view kFormat = "mquake:";
  if (format_and_file.rfind(kFormat, 0) != 0) {
    throw UsageError(fmt::format("--dataset: expected mquake:FILE, found '{}'", format_and_file));
  }
  std::vector<protocol::Chain> chains;
  // The labels need not agree in every alias for their chains to be compared.
  const std::string file = format_and_file.substr(kFormat.size());
  for (const MquakeCase& one : read_mquake(file, MquakeChecks::structure).cases) {
    chains.push_back(chain_of(one));
  }
  return chains;
}

std::string checked_text(const ConflictReport& report, double similarity) {
  std::string text =
      fmt::format("{} live edit{}; keys compared: {} rank-one updates, similar from cosine {} on",
                  report.edits, report.edits == 1 ? "" : "s", report.rank_one_updates, similarity);
  if (report.unknown_orientation > 0) {
    text += fmt::format(
        "; {} not compared, since the store does not know how their model's "
        "weights lie (any kedit edit with that model tells it)",
        report.unknown_orientation);
  }
  return text + "\n";
}

int run_conflicts(Context& context) {
  const Store store = context.open_store(OpenMode::read_only);
  const std::string branch = context.branch(store);
  const Values& options = context.options;
  const ConflictOptions asked{options.number("similarity"), options.find("with").value_or("")};
  ConflictReport report = store.conflicts(branch, asked);
  Json checked = {{"edits", report.edits},
                  {"rank_one_updates", report.rank_one_updates},
                  {"unknown_orientation", report.unknown_orientation},
                  {"similarity", asked.similarity}};
  std::string text = checked_text(report, asked.similarity);
  if (const auto dataset = options.find("dataset")) {
    protocol::PathConflicts paths =
        protocol::path_conflicts(store.claims(branch), chains_of_option(*dataset));
    checked["dataset"] = {{"edited_cases", paths.edited_cases},
                          {"unedited_cases_hit", paths.unedited_cases_hit}};
    text += fmt::format(
        "{} cases of the dataset have an edit here; of the others {} have a hop "
        "overwritten\n",
        paths.edited_cases, paths.unedited_cases_hit);
    for (Conflict& conflict : paths.conflicts) report.conflicts.push_back(std::move(conflict));
    std::stable_sort(report.conflicts.begin(), report.conflicts.end(),
                     [](const Conflict& a, const Conflict& b) { return a.kind < b.kind; });
  }
  Json list = Json::array();
  for (const Conflict& conflict : report.conflicts) list.push_back(json_of(conflict));
  Json document = {{"store", store.path().string()},
                   {"branch", branch},
                   {"with", asked.with.empty() ? Json(nullptr) : Json(asked.with)},
                   {"checked", checked},
                   {"conflicts", list}};
  if (report.conflicts.empty()) text += "no conflicts\n";
  return context.answer(document, text + lines_of(report.conflicts, context.style()));
}

}  // namespace

std::vector<Command> store_conflict_commands() {
  Command conflicts;
  conflicts.name = "store conflicts";
  conflicts.summary = "find live edits of a branch that stand in each other's way";
  conflicts.description =
      "conflict: the same subject and relation (or prompt) with different targets; with --dataset "
      "also an edit that overwrites an unedited hop of another case's chain. warning: the same "
      "target twice, or two rank-one edits of one weight whose keys are similar. note: different "
      "relations of one subject. Names are compared case folded. The exit code is 0 whatever is "
      "found.";
  conflicts.takes = kStore;
  conflicts.options = {
      text("with", "NAME", "only what meets between the branch and this one if it were merged"),
      text("dataset", "FORMAT:FILE", "also look for path conflicts with its cases: mquake:FILE"),
      number("similarity", "C", "cosine of two keys from which on they are similar")
          .otherwise("0.9")
          .more_than(0)
          .at_most(1)};
  conflicts.example = "kedit store conflicts --store kedit.db --dataset mquake:MQuAKE-CF-3k.json";
  conflicts.run = run_conflicts;
  return {conflicts};
}

}  // namespace kedit::cli

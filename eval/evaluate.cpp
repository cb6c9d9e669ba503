#include "eval/evaluate.hpp"

#include "eval/answering/facts_in_context.hpp"
#include "model/generation/generation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <ostream>

namespace kedit {
namespace {

std::vector<std::string> accepted_strings(const Gold& gold) {
  std::vector<std::string> accepted = {gold.answer};
  accepted.insert(accepted.end(), gold.aliases.begin(), gold.aliases.end());
  return accepted;
}

std::vector<std::string> accepted_strings(const EditRequest& request) {
  return accepted_strings(Gold{request.target_new, request.target_new_aliases});
}

Probe efficacy_probe(const EditRequest& request) {
  return {request.id + "/cloze",  "efficacy",       Ask::cloze,
          filled_prompt(request), request.relation, accepted_strings(request)};
}

// Prompts of one way of asking, answered together.
void ask_kind(const LanguageModel& language, const std::vector<Fact>& facts,
              const EvalOptions& options, Ask ask, std::vector<ProbeResult>& results) {
  std::vector<std::string> prompts;
  std::vector<ProbeResult*> asked;
  for (ProbeResult& result : results) {
    if (result.probe.ask != ask) continue;
    prompts.push_back(write_prompt(
        options.prompts,
        {ask, result.probe.text, result.probe.relation,
         answering::choose_facts(facts, result.probe.text, options.prompts.max_facts)}));
    asked.push_back(&result);
  }
  if (prompts.empty()) return;
  const auto said = language.generate(prompts, generation_options(options.prompts, ask));
  for (std::size_t i = 0; i < asked.size(); ++i) {
    asked[i]->answer = take_answer(ask, said.at(i).text, options.clozes);
    asked[i]->right = GoldMatcher(asked[i]->probe.accepted, options.rule)(asked[i]->answer.answer);
  }
}

std::int64_t count_of(const Report& report, const std::string& kind) {
  return std::count_if(report.results.begin(), report.results.end(),
                       [&](const ProbeResult& one) { return one.probe.kind == kind; });
}

bool same_probes(const Report& a, const Report& b) {
  return std::equal(a.results.begin(), a.results.end(), b.results.begin(), b.results.end(),
                    [](const ProbeResult& one, const ProbeResult& other) {
                      return one.probe.id == other.probe.id && one.probe.text == other.probe.text &&
                             one.probe.accepted == other.probe.accepted;
                    });
}

}  // namespace

std::vector<Probe> probes_of(const std::vector<EditRequest>& requests) {
  std::vector<Probe> probes;
  for (const EditRequest& request : requests) {
    probes.push_back(efficacy_probe(request));
    for (std::size_t i = 0; i < request.rephrases.size(); ++i) {
      probes.push_back({fmt::format("{}/rephrase/{}", request.id, i), "paraphrase", Ask::cloze,
                        request.rephrases[i], request.relation, accepted_strings(request)});
    }
  }
  return probes;
}

std::vector<Probe> probes_of(const Case& one) {
  std::vector<Probe> probes;
  for (const EditRequest& request : one.edits) probes.push_back(efficacy_probe(request));
  for (const Prompt& prompt : one.prompts) {
    if (prompt.kind != PromptKind::question) continue;
    const std::string id = fmt::format("{}/{}/question/{}", one.source, one.id, prompt.place);
    const std::vector<std::string> accepted = accepted_strings(prompt.gold);
    probes.push_back({id, "multi-hop", Ask::direct, prompt.text, "", accepted});
    probes.push_back({id + "/cot", "multi-hop CoT", Ask::cot, prompt.text, "", accepted});
  }
  return probes;
}

double Report::score(const std::string& kind) const {
  const std::int64_t n = count_of(*this, kind);
  if (n == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto right = std::count_if(results.begin(), results.end(), [&](const ProbeResult& one) {
    return one.probe.kind == kind && one.right;
  });
  return static_cast<double>(right) / static_cast<double>(n);
}

std::vector<std::string> Report::kinds() const {
  std::vector<std::string> kinds;
  for (const ProbeResult& one : results) {
    if (std::find(kinds.begin(), kinds.end(), one.probe.kind) == kinds.end()) {
      kinds.push_back(one.probe.kind);
    }
  }
  return kinds;
}

Report evaluate(const EditedModel& model, const std::vector<Probe>& probes,
                const EvalOptions& options) {
  Report report;
  report.model = model.fingerprint();
  report.rule = options.rule;
  report.prompt_hash = prompt_hash(options.prompts);
  for (const Probe& probe : probes) report.results.push_back({probe, {}, false});
  const LocalLanguageModel language(model);
  const std::vector<Fact> facts = options.facts_in_prompt ? model.facts() : std::vector<Fact>{};
  for (const Ask ask : {Ask::cloze, Ask::question, Ask::direct, Ask::cot}) {
    ask_kind(language, facts, options, ask, report.results);
  }
  return report;
}

Comparison compare(const Report& before, const Report& after) {
  if (before.rule != after.rule || before.prompt_hash != after.prompt_hash ||
      !same_probes(before, after)) {
    throw EvalError(
        "comparing two reports: expected the same probes, rule and prompts in both, found others; "
        "evaluate both models with the same options");
  }
  Comparison comparison;
  for (const std::string& kind : before.kinds()) {
    comparison.rows.push_back(
        {kind, count_of(before, kind), before.score(kind), after.score(kind)});
  }
  return comparison;
}

void write_markdown(std::ostream& out, const Report& report) {
  out << "| Probes | n | Right, rule " << to_string(report.rule) << " |\n|---|---:|---:|\n";
  for (const std::string& kind : report.kinds()) {
    out << fmt::format("| {} | {} | {:.1f} % |\n", kind, count_of(report, kind),
                       100.0 * report.score(kind));
  }
}

void write_markdown(std::ostream& out, const Comparison& comparison) {
  out << "| Probes | n | Before | After |\n|---|---:|---:|---:|\n";
  for (const Comparison::Row& row : comparison.rows) {
    out << fmt::format("| {} | {} | {:.1f} % | {:.1f} % |\n", row.kind, row.n, 100.0 * row.before,
                       100.0 * row.after);
  }
}

}  // namespace kedit

// Cases to read, and what every word of the report means.
#include "eval/answering/facts_in_context.hpp"
#include "eval/report/definitions.hpp"
#include "eval/report/html.hpp"
#include "eval/report/sections.hpp"
#include "eval/runner/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace kedit {
namespace {

enum class Verdict { right, old, wrong };

Verdict verdict_of(bool now, bool old) {
  return now ? Verdict::right : old ? Verdict::old : Verdict::wrong;
}

std::string chip(Verdict verdict, const std::string& text) {
  switch (verdict) {
    case Verdict::right:
      return fmt::format("<span class=\"chip right\">&#10003; {}</span>", escape_html(text));
    case Verdict::old:
      return fmt::format("<span class=\"chip old\">&#8634; {}</span>", escape_html(text));
    case Verdict::wrong:
      return fmt::format("<span class=\"chip wrong\">&#10007; {}</span>", escape_html(text));
  }
  return "";
}

std::string answer_text(const Answer& answer) { return answer.answer.value_or("no answer"); }

bool at(const std::vector<bool>& verdicts, std::size_t index) {
  return index < verdicts.size() && verdicts[index];
}

std::string answer_chips(const std::vector<Answer>& answers, const std::vector<bool>& now,
                         const std::vector<bool>& old) {
  std::string out;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    out += (i == 0 ? "" : " ") + chip(verdict_of(at(now, i), at(old, i)), answer_text(answers[i]));
  }
  return out.empty() ? "&ndash;" : out;
}

std::string thoughts(const std::vector<Answer>& answers) {
  if (answers.empty() || !answers.front().trace || answers.front().trace->empty()) return "";
  std::string text;
  for (const TraceStep& step : *answers.front().trace) text += step.question + ". ";
  return fmt::format("<span class=\"thoughts\">{}</span>", escape_html(text));
}

// The row that tells what was known before stands first and says so.
std::string system_name(const SampleAnswer& answer) {
  return answer.system == "unedited" ? "unedited (before)" : answer.system;
}

// Whether the case counts as a multi-hop success, rule by rule.
std::string rule_marks(const SampleCase& sample, const SampleAnswer& answer,
                       const std::vector<MatchRule>& rules) {
  std::string marks;
  for (const MatchRule rule : rules) {
    if (rule == MatchRule::tokens) continue;
    const CaseVerdicts verdicts = judge(*sample.mquake_case, answer.outputs, rule, GoldSide::post);
    const std::vector<bool>& list = verdicts.has_cot ? verdicts.cot : verdicts.direct;
    const bool right = std::find(list.begin(), list.end(), true) != list.end();
    marks += fmt::format("{}{} {}", marks.empty() ? "" : " ", to_string(rule),
                         right ? "&#10003;" : "&#10007;");
  }
  return marks.empty() ? "" : fmt::format("<small>{}</small>", marks);
}

std::string answer_row(const SampleCase& sample, const SampleAnswer& answer,
                       const std::vector<MatchRule>& rules) {
  const CaseOutputs& said = *answer.outputs;
  return fmt::format(
      "<tr><th scope=\"row\">{}{}</th><td data-label=\"Edited facts\">{}</td>"
      "<td data-label=\"Direct\">{}</td><td data-label=\"With thoughts\">{}{}</td></tr>\n",
      escape_html(system_name(answer)), rule_marks(sample, answer, rules),
      answer_chips(said.edits, answer.now.edits, answer.old.edits),
      answer_chips(said.direct, answer.now.direct, answer.old.direct),
      answer_chips(said.cot, answer.now.cot, answer.old.cot), thoughts(said.cot));
}

std::string edits_list(const MquakeCase& one) {
  std::string out = "<ul class=\"edits\">";
  for (const Rewrite& rewrite : one.rewrites) {
    std::string prompt = rewrite.prompt;
    const std::size_t slot = prompt.find("{}");
    if (slot != std::string::npos) prompt.replace(slot, 2, rewrite.subject);
    out += fmt::format("<li>{} <del>{}</del> <ins>{}</ins></li>", escape_html(prompt),
                       escape_html(rewrite.target_true), escape_html(rewrite.target_new));
  }
  return out + "</ul>\n";
}

std::string chain_list(const MquakeCase& one) {
  std::string out = "<ol class=\"chain\">";
  for (const Hop& hop : one.new_hops) {
    out += fmt::format("<li>{} <b>{}</b></li>", escape_html(hop.question),
                       escape_html(hop.gold.answer));
  }
  return out + "</ol>\n";
}

std::string questions_list(const MquakeCase& one) {
  std::string out = "<ol class=\"chain\">";
  for (const std::string& question : one.questions) {
    out += fmt::format("<li>{}</li>", escape_html(question));
  }
  return out + "</ol>\n";
}

std::string summary_chips(const SampleCase& sample) {
  std::string out;
  for (const SampleAnswer& answer : sample.answers) {
    const bool cot = answer.now.has_cot;
    const std::vector<bool>& now = cot ? answer.now.cot : answer.now.direct;
    const std::vector<bool>& old = cot ? answer.old.cot : answer.old.direct;
    const auto any = [](const std::vector<bool>& verdicts) {
      return std::find(verdicts.begin(), verdicts.end(), true) != verdicts.end();
    };
    out += chip(verdict_of(any(now), any(old)), answer.system);
  }
  return out;
}

std::vector<SampleAnswer> before_first(std::vector<SampleAnswer> answers) {
  std::stable_partition(answers.begin(), answers.end(),
                        [](const SampleAnswer& one) { return one.system == "unedited"; });
  return answers;
}

std::string sample_html(const SampleCase& sample, const std::vector<MatchRule>& rules, bool open) {
  const MquakeCase& one = *sample.mquake_case;
  std::string rows;
  for (const SampleAnswer& answer : before_first(sample.answers))
    rows += answer_row(sample, answer, rules);
  return fmt::format(
      "<details{}><summary><span class=\"where\">case {}, {} hops, {} edit{}{}</span>"
      "<span class=\"ask\">{}</span><span class=\"marks\">{}</span></summary>\n"
      "<div class=\"inside\"><p>Before the edits: <del>{}</del>. Expected after them: "
      "<ins>{}</ins>.</p>\n<h3>Edits</h3>{}<h3>Chain after the edits</h3>{}"
      "<h3>Questions</h3>{}"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Answers\">"
      "<table class=\"answers\"><thead><tr><th scope=\"col\">System</th>"
      "<th scope=\"col\">Edited facts</th><th scope=\"col\">Direct</th>"
      "<th scope=\"col\">With thoughts</th></tr></thead><tbody>\n{}</tbody></table></div></div>"
      "</details>\n",
      open ? " open" : "", one.case_id, one.hop_count(), one.rewrites.size(),
      one.rewrites.size() == 1 ? "" : "s", sample.contaminated ? ", contaminated" : "",
      escape_html(one.questions.empty() ? "" : one.questions.front()), summary_chips(sample),
      escape_html(one.pre.answer), escape_html(one.post.answer), edits_list(one), chain_list(one),
      questions_list(one), rows);
}

std::string term(const std::string& name, const std::string& meaning) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", escape_html(name), escape_html(meaning));
}

std::string systems_terms(const std::vector<BenchReport>& reports) {
  std::string out;
  std::set<std::string> told;
  for (const BenchReport& report : reports) {
    for (const SystemInfo& system : report.systems) {
      const std::string text =
          system.summary + (system.evidence.empty() ? "" : " Evidence: " + system.evidence + ".") +
          (system.settings.empty() || system.settings == "{}" ? ""
                                                              : " Settings: " + system.settings);
      if (told.insert(system.label + text).second) out += term(system.label, text);
    }
  }
  return out;
}

}  // namespace

std::string samples_html(const BenchReport& report) {
  if (report.samples.empty()) return "";
  std::string out = fmt::format(
      "<h2>Cases to read</h2>\n<p class=\"note\">{} of {} cases, drawn by seed, rule {}. "
      "<span class=\"chip right\">&#10003; as it should be after the edits</span> "
      "<span class=\"chip old\">&#8634; the old answer</span> "
      "<span class=\"chip wrong\">&#10007; something else</span></p>\n",
      report.samples.size(), report.data.cases.size(), to_string(report.rules.front()));
  const bool records = report.data.cases.front().source != CaseSource::mquake;
  if (records) out += record_note_html(report);
  for (std::size_t i = 0; i < report.samples.size(); ++i) {
    out += records ? record_sample_html(report.samples[i], i == 0)
                   : sample_html(report.samples[i], report.rules, i == 0);
  }
  return out;
}

std::string definitions_html(const std::vector<BenchReport>& reports) {
  std::set<std::string> shown;
  for (const BenchReport& report : reports) {
    shown.insert(report.metrics.begin(), report.metrics.end());
  }
  std::string metrics;
  for (const MetricInfo& info : known_metrics()) {
    if (shown.count(info.name) > 0)
      metrics += term(info.title, info.definition + " Origin: " + info.origin + ".");
  }
  std::string rules;
  const Definitions matching = rule_definitions();
  for (const auto& [name, text] : matching.entries) rules += term(name, text);
  const bool specific = std::any_of(reports.begin(), reports.end(), [](const BenchReport& report) {
    return !report.specificity.empty();
  });
  if (specific) {
    const Definitions readings = specificity_definitions();
    for (const auto& [name, text] : readings.entries) metrics += term(name, text);
  }
  const std::string facts =
      term("Facts in the prompt", "Systems that keep facts show " + std::string(kFactRule) + ".");
  return fmt::format(
      "<h2>What the words mean</h2>\n<div class=\"card\"><h3>Systems</h3><dl class=\"terms\">{}{}"
      "</dl></div>\n<h2>Metrics</h2><div class=\"card\"><dl class=\"terms\">{}</dl></div>\n"
      "<h2>Matching rules</h2><div class=\"card\"><dl class=\"terms\">{}</dl></div>\n",
      systems_terms(reports), facts, metrics, rules);
}

}  // namespace kedit

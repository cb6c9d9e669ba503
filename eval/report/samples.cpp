// Cases to read, and what every word of the report means.
#include "eval/answering/facts_in_context.hpp"
#include "eval/report/definitions.hpp"
#include "eval/report/html.hpp"
#include "eval/report/sections.hpp"
#include "eval/runner/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace kedit::report {
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

bool any(const std::vector<bool>& verdicts) {
  return std::find(verdicts.begin(), verdicts.end(), true) != verdicts.end();
}

// Every answer of this way of asking, with what became of it.
std::string answer_chips(const SampleAnswer& answer, PromptKind prompt, OutputKind kind) {
  std::string out;
  for (std::size_t i = 0; i < answer.now.outputs.size(); ++i) {
    const metrics::JudgedOutput& now = answer.now.outputs[i];
    if (now.prompt->kind != prompt || now.output->kind != kind) continue;
    out += (out.empty() ? "" : " ") + chip(verdict_of(now.right, answer.old.outputs.at(i).right),
                                           answer_text(now.output->said));
  }
  return out.empty() ? "&ndash;" : out;
}

std::string thoughts(const SampleAnswer& answer) {
  for (const metrics::JudgedOutput& judged : answer.now.outputs) {
    if (judged.output->kind != OutputKind::thoughts) continue;
    if (!judged.output->said.trace) return "";
    std::string text;
    for (const TraceStep& step : *judged.output->said.trace) text += step.question + ". ";
    return text.empty() ? "" : fmt::format("<span class=\"thoughts\">{}</span>", escape_html(text));
  }
  return "";
}

// Multi-hop success: with thoughts where those were asked, else at once.
std::vector<bool> multi_hop(const metrics::JudgedCase& one) {
  const std::vector<bool> cot =
      metrics::verdicts_of(one, PromptKind::question, OutputKind::thoughts);
  return cot.empty() ? metrics::verdicts_of(one, PromptKind::question, OutputKind::answer) : cot;
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
    const bool right =
        any(multi_hop(metrics::judge(*sample.of, answer.outputs, rule, GoldSide::post)));
    marks += fmt::format("{}{} {}", marks.empty() ? "" : " ", to_string(rule),
                         right ? "&#10003;" : "&#10007;");
  }
  return marks.empty() ? "" : fmt::format("<small>{}</small>", marks);
}

std::string answer_row(const SampleCase& sample, const SampleAnswer& answer,
                       const std::vector<MatchRule>& rules) {
  return fmt::format(
      "<tr><th scope=\"row\">{}{}</th><td data-label=\"Edited facts\">{}</td>"
      "<td data-label=\"Direct\">{}</td><td data-label=\"With thoughts\">{}{}</td></tr>\n",
      escape_html(system_name(answer)), rule_marks(sample, answer, rules),
      answer_chips(answer, PromptKind::edit, OutputKind::answer),
      answer_chips(answer, PromptKind::question, OutputKind::answer),
      answer_chips(answer, PromptKind::question, OutputKind::thoughts), thoughts(answer));
}

std::string edits_list(const Case& one) {
  std::string out = "<ul class=\"edits\">";
  for (const EditRequest& edit : one.edits) {
    out += fmt::format("<li>{} <del>{}</del> <ins>{}</ins></li>", escape_html(filled_prompt(edit)),
                       escape_html(edit.target_true.value_or("")), escape_html(edit.target_new));
  }
  return out + "</ul>\n";
}

std::string chain_list(const Case& one) {
  std::string out = "<ol class=\"chain\">";
  for (const Prompt& hop : one.prompts) {
    if (hop.kind != PromptKind::hop_question) continue;
    out +=
        fmt::format("<li>{} <b>{}</b></li>", escape_html(hop.text), escape_html(hop.gold.answer));
  }
  return out + "</ol>\n";
}

std::string questions_list(const Case& one) {
  std::string out = "<ol class=\"chain\">";
  for (const Prompt& question : one.prompts) {
    if (question.kind != PromptKind::question) continue;
    out += fmt::format("<li>{}</li>", escape_html(question.text));
  }
  return out + "</ol>\n";
}

std::string summary_chips(const SampleCase& sample) {
  std::string out;
  for (const SampleAnswer& answer : sample.answers) {
    out += chip(verdict_of(any(multi_hop(answer.now)), any(multi_hop(answer.old))), answer.system);
  }
  return out;
}

std::vector<SampleAnswer> before_first(std::vector<SampleAnswer> answers) {
  std::stable_partition(answers.begin(), answers.end(),
                        [](const SampleAnswer& one) { return one.system == "unedited"; });
  return answers;
}

std::string sample_html(const SampleCase& sample, const std::vector<MatchRule>& rules, bool open) {
  const Case& one = *sample.of;
  const Prompt* question = one.find(PromptKind::question, 0);
  const Prompt asked = question == nullptr ? Prompt{} : *question;
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
      open ? " open" : "", one.id, one.hop_count(), one.edits.size(),
      one.edits.size() == 1 ? "" : "s", sample.contaminated ? ", contaminated" : "",
      escape_html(asked.text), summary_chips(sample), escape_html(asked.old.answer),
      escape_html(asked.gold.answer), edits_list(one), chain_list(one), questions_list(one), rows);
}

std::string term(const std::string& name, const std::string& meaning) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", escape_html(name), escape_html(meaning));
}

std::string systems_terms(const std::vector<BenchReport>& reports) {
  std::string out;
  std::set<std::string> told;
  for (const BenchReport& report : reports) {
    for (const runner::SystemInfo& system : report.systems) {
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
  const bool records = !report.data.cases.front().has_chain();
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
  for (const metrics::MetricInfo& info : metrics::known_metrics()) {
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
      term("Facts in the prompt",
           "Systems that keep facts show " + std::string(answering::kFactRule) + ".");
  return fmt::format(
      "<h2>What the words mean</h2>\n<div class=\"card\"><h3>Systems</h3><dl class=\"terms\">{}{}"
      "</dl></div>\n<h2>Metrics</h2><div class=\"card\"><dl class=\"terms\">{}</dl></div>\n"
      "<h2>Matching rules</h2><div class=\"card\"><dl class=\"terms\">{}</dl></div>\n",
      systems_terms(reports), facts, metrics, rules);
}

}  // namespace kedit::report

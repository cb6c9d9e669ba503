// Records of CounterFact and zsRE to read: every prompt with what each system made of it.
#include "eval/report/html.hpp"
#include "eval/report/sections.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::report {
namespace {

std::string chip(bool good, const std::string& text) {
  return fmt::format("<span class=\"chip {}\">{} {}</span>", good ? "right" : "wrong",
                     good ? "&#10003;" : "&#10007;", escape_html(text));
}

bool is_judged_by_probability(PromptKind kind) {
  return kind == PromptKind::rewrite || kind == PromptKind::paraphrase ||
         kind == PromptKind::locality;
}

// Negative log-likelihoods of the edit's object and of the true one: the smaller one is the more
// probable object, and the prompt's gold is the one that it wants.
std::string objects(const Prompt& prompt, const ForcedScore& gold, const ForcedScore& rival) {
  const double wanted = -gold.mean_logprob();
  const double other = -rival.mean_logprob();
  const bool wants_old = prompt.kind == PromptKind::locality;
  return chip(wanted < other, fmt::format("{:.2f} / {:.2f}", wants_old ? other : wanted,
                                          wants_old ? wanted : other));
}

std::string tokens(const ForcedScore& score) {
  return chip(score.recalled, fmt::format("{} of {}", score.matched, score.tokens));
}

/// What a system made of a prompt; "" where it was not asked.
std::string cell(const Case& record, const CaseOutputs& outputs, std::size_t prompt) {
  const Output* text = find_output(outputs, prompt, OutputKind::text);
  if (text != nullptr) return fmt::format("<small>{}</small>", escape_html(text->said.raw));
  const Output* gold = find_output(outputs, prompt, OutputKind::forced);
  const Output* rival = find_output(outputs, prompt, OutputKind::rival);
  if (gold == nullptr) return "";
  if (record.prompts[prompt].rival.empty()) return tokens(gold->forced);
  return rival == nullptr ? "" : objects(record.prompts[prompt], gold->forced, rival->forced);
}

const char* name_of(PromptKind kind) {
  if (kind == PromptKind::rewrite) return "edit";
  if (kind == PromptKind::generation) return "sampled text";
  return kind == PromptKind::paraphrase ? "paraphrase" : "other subject";
}

bool has_text(const SampleCase& sample, std::size_t prompt) {
  return std::any_of(sample.answers.begin(), sample.answers.end(), [&](const SampleAnswer& one) {
    return find_output(*one.outputs, prompt, OutputKind::text) != nullptr;
  });
}

std::string prompt_rows(const SampleCase& sample) {
  const Case& record = *sample.of;
  std::string rows;
  for (std::size_t i = 0; i < record.prompts.size(); ++i) {
    const Prompt& prompt = record.prompts[i];
    if (!is_judged_by_probability(prompt.kind) && !has_text(sample, i)) continue;
    rows += fmt::format("<tr><th scope=\"row\">{}<small>{}</small></th>", escape_html(prompt.text),
                        name_of(prompt.kind));
    for (const SampleAnswer& answer : sample.answers) {
      const std::string inside = cell(record, *answer.outputs, i);
      rows += fmt::format("<td data-label=\"{}\">{}</td>", escape_html(answer.system),
                          inside.empty() ? "&ndash;" : inside);
    }
    rows += "</tr>\n";
  }
  return rows;
}

// What was said after the edit's own prompt.
const metrics::JudgedOutput* continuation_of(const SampleAnswer& answer) {
  for (const metrics::JudgedOutput& judged : answer.now.outputs) {
    const bool edit = judged.prompt->kind == PromptKind::edit;
    if (edit && judged.output->kind == OutputKind::answer) return &judged;
  }
  return nullptr;
}

std::string continuations(const SampleCase& sample) {
  std::string row = "<tr><th scope=\"row\">the edited prompt, continued</th>";
  for (const SampleAnswer& answer : sample.answers) {
    const metrics::JudgedOutput* said = continuation_of(answer);
    row += fmt::format("<td data-label=\"{}\">{}</td>", escape_html(answer.system),
                       said == nullptr
                           ? "&ndash;"
                           : chip(said->right, said->output->said.answer.value_or("no answer")));
  }
  return row + "</tr>\n";
}

std::string heads(const SampleCase& sample) {
  std::string out = "<tr><th scope=\"col\">Prompt</th>";
  for (const SampleAnswer& answer : sample.answers) {
    out += fmt::format("<th scope=\"col\">{}</th>", escape_html(answer.system));
  }
  return out + "</tr>";
}

std::string edit_line(const Case& record) {
  const EditRequest& edit = record.edits.front();
  const std::string old =
      edit.target_true ? fmt::format("<del>{}</del> ", escape_html(*edit.target_true)) : "";
  return fmt::format("<p>{} {}<ins>{}</ins></p>\n", escape_html(filled_prompt(edit)), old,
                     escape_html(edit.target_new));
}

}  // namespace

std::string record_note_html(const BenchReport& report) {
  const std::vector<Prompt>& prompts = report.data.cases.front().prompts;
  const bool compared = std::any_of(prompts.begin(), prompts.end(),
                                    [](const Prompt& one) { return !one.rival.empty(); });
  return compared
             ? "<p class=\"note\">Numbers are negative log-likelihoods per token, new object / "
               "true "
               "object; the smaller one wins. Ticked: the new object after the edit's prompts, the "
               "true one after prompts about other subjects.</p>\n"
             : "<p class=\"note\">Tokens of the wanted answer that are the most probable ones "
               "under "
               "teacher forcing. Ticked: all of them.</p>\n";
}

std::string record_sample_html(const SampleCase& sample, bool open) {
  const Case& record = *sample.of;
  std::string marks;
  for (const SampleAnswer& answer : sample.answers) {
    const metrics::JudgedOutput* said = continuation_of(answer);
    marks += chip(said != nullptr && said->right, answer.system);
  }
  return fmt::format(
      "<details{}><summary><span class=\"where\">record {}{}</span><span class=\"ask\">{}</span>"
      "<span class=\"marks\">{}</span></summary>\n<div class=\"inside\">{}"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Prompts\">"
      "<table class=\"answers\"><thead>{}</thead><tbody>\n{}{}</tbody></table></div></div>"
      "</details>\n",
      open ? " open" : "", record.id, sample.contaminated ? ", contradicted" : "",
      escape_html(filled_prompt(record.edits.front())), marks, edit_line(record), heads(sample),
      continuations(sample), prompt_rows(sample));
}

}  // namespace kedit::report

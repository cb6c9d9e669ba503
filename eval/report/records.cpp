// Records of CounterFact and zsRE to read: every prompt with what each system made of it.
#include "eval/report/html.hpp"
#include "eval/report/sections.hpp"

#include <fmt/format.h>

namespace kedit {
namespace {

std::string chip(bool good, const std::string& text) {
  return fmt::format("<span class=\"chip {}\">{} {}</span>", good ? "right" : "wrong",
                     good ? "&#10003;" : "&#10007;", escape_html(text));
}

// The two negative log-likelihoods: the smaller one is the more probable object.
std::string objects(const ObjectScores& scores, bool wants_new) {
  const bool good = wants_new ? scores.new_nll < scores.true_nll : scores.true_nll < scores.new_nll;
  return chip(good, fmt::format("{:.2f} / {:.2f}", scores.new_nll, scores.true_nll));
}

std::string tokens(const ForcedScore& score) {
  return chip(score.recalled, fmt::format("{} of {}", score.matched, score.tokens));
}

/// What a system made of the prompt in this place of the record; "" where it was not asked.
std::string cell(const MquakeCase& record, const CaseOutputs& outputs, std::size_t place) {
  const std::size_t paraphrases = record.paraphrases.size();
  if (outputs.counterfact) {
    const CounterFactOutputs& said = *outputs.counterfact;
    if (place == 0) return objects(said.rewrite, true);
    if (place <= paraphrases && place <= said.paraphrase.size()) {
      return objects(said.paraphrase[place - 1], true);
    }
    const std::size_t neighbor = place - 1 - paraphrases;
    return place > paraphrases && neighbor < said.neighborhood.size()
               ? objects(said.neighborhood[neighbor], false)
               : "";
  }
  if (!outputs.zsre) return "";
  return tokens(place == 0   ? outputs.zsre->rewrite
                : place == 1 ? outputs.zsre->paraphrase
                             : outputs.zsre->specificity);
}

struct Prompt {
  const char* kind;
  std::string text;
};

std::vector<Prompt> prompts_of(const MquakeCase& record) {
  std::vector<Prompt> prompts = {{"edit", filled_prompt(requests_of(record).front())}};
  for (const std::string& text : record.paraphrases) prompts.push_back({"paraphrase", text});
  for (const NeighborPrompt& one : record.neighborhood) {
    prompts.push_back({"other subject", one.prompt});
  }
  return prompts;
}

std::string prompt_rows(const SampleCase& sample) {
  const MquakeCase& record = *sample.mquake_case;
  const std::vector<Prompt> prompts = prompts_of(record);
  std::string rows;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    rows += fmt::format("<tr><th scope=\"row\">{}<small>{}</small></th>",
                        escape_html(prompts[i].text), prompts[i].kind);
    for (const SampleAnswer& answer : sample.answers) {
      const std::string inside = cell(record, *answer.outputs, i);
      rows += fmt::format("<td data-label=\"{}\">{}</td>", escape_html(answer.system),
                          inside.empty() ? "&ndash;" : inside);
    }
    rows += "</tr>\n";
  }
  return rows;
}

std::string continuations(const SampleCase& sample) {
  std::string row = "<tr><th scope=\"row\">the edited prompt, continued</th>";
  for (const SampleAnswer& answer : sample.answers) {
    const std::vector<Answer>& edits = answer.outputs->edits;
    const bool right = !answer.now.edits.empty() && answer.now.edits.front();
    row += fmt::format(
        "<td data-label=\"{}\">{}</td>", escape_html(answer.system),
        edits.empty() ? "&ndash;" : chip(right, edits.front().answer.value_or("no answer")));
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

std::string edit_line(const MquakeCase& record) {
  const Rewrite& edit = record.rewrites.front();
  const std::string old =
      edit.target_true.empty() ? "" : fmt::format("<del>{}</del> ", escape_html(edit.target_true));
  return fmt::format("<p>{} {}<ins>{}</ins></p>\n",
                     escape_html(filled_prompt(requests_of(record).front())), old,
                     escape_html(edit.target_new));
}

}  // namespace

std::string record_note_html(const BenchReport& report) {
  return report.data.cases.front().source == CaseSource::counterfact
             ? "<p class=\"note\">Numbers are negative log-likelihoods per token, new object / "
               "true "
               "object; the smaller one wins. Ticked: the new object after the edit's prompts, the "
               "true one after prompts about other subjects.</p>\n"
             : "<p class=\"note\">Tokens of the wanted answer that are the most probable ones "
               "under "
               "teacher forcing. Ticked: all of them.</p>\n";
}

std::string record_sample_html(const SampleCase& sample, bool open) {
  const MquakeCase& record = *sample.mquake_case;
  std::string marks;
  for (const SampleAnswer& answer : sample.answers) {
    const bool right = !answer.now.edits.empty() && answer.now.edits.front();
    marks += chip(right, answer.system);
  }
  return fmt::format(
      "<details{}><summary><span class=\"where\">record {}{}</span><span class=\"ask\">{}</span>"
      "<span class=\"marks\">{}</span></summary>\n<div class=\"inside\">{}"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Prompts\">"
      "<table class=\"answers\"><thead>{}</thead><tbody>\n{}{}</tbody></table></div></div>"
      "</details>\n",
      open ? " open" : "", record.case_id, sample.contaminated ? ", contradicted" : "",
      escape_html(filled_prompt(requests_of(record).front())), marks, edit_line(record),
      heads(sample), continuations(sample), prompt_rows(sample));
}

}  // namespace kedit

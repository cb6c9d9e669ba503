#include "eval/report/showcase_page.hpp"

#include "eval/report/chart.hpp"
#include "eval/report/html.hpp"
#include "eval/report/page_frame.hpp"

#include <fmt/format.h>

namespace kedit::report {
namespace {

using showcase::EditedFact;
using showcase::Group;
using showcase::PromptResult;

constexpr const char* kShowcaseFooter =
    "Made by kedit demo --real. The edits are undone; the model's file was never changed.";

constexpr const char* kHowToRead =
    "Each picture shows how probable a token (a word or its beginning) is to come next, in per "
    "cent: the first tokens of the old and the new answer and the most probable ones of each "
    "system. What a system writes is its greedy continuation. An edit, a paraphrase or a "
    "consequence counts when the first token of the new answer is more probable than that of the "
    "old one; a neighbour counts when its most probable token is the one it was before.";

struct GroupTexts {
  Group group;
  const char* title;
  const char* note;
};
constexpr GroupTexts kGroups[] = {
    {Group::edited, "The edited prompt", ""},
    {Group::paraphrase, "The same in other words", "None of these was optimised for."},
    {Group::consequence, "What follows from it", "Nobody told the editors any of this."},
    {Group::neighbour, "Neighbours that must not move",
     "What the model knows of other things, right or wrong, must stay as it was."},
};

// Before an edit grey, editors coloured, as in the other reports.
std::string colour(std::size_t system) {
  return system == 0 ? "--c0" : fmt::format("--s{}", system - 1);
}

std::string swatch(std::size_t system) {
  return fmt::format("<span class=\"swatch\" style=\"background:var({})\"></span>", colour(system));
}

std::string legend(const ShowcasePage& page) {
  std::string out = "<p class=\"legend\">";
  for (std::size_t i = 0; i < page.systems.size(); ++i) {
    out += fmt::format("<span>{}{}</span> ", swatch(i), escape_html(page.systems[i]));
  }
  return out + "</p>\n";
}

std::string chip(bool good, const char* yes, const char* no) {
  return fmt::format("<span class=\"chip {}\">{}</span>", good ? "right" : "wrong",
                     good ? yes : no);
}

// What each system writes.
std::string says(const PromptResult& result) {
  const bool neighbour = result.prompt.group == Group::neighbour;
  std::string out = "<ul class=\"says\">";
  for (std::size_t i = 0; i < result.answers.size(); ++i) {
    const showcase::SystemAnswer& answer = result.answers[i];
    const std::string mark = i == 0 ? ""
                                    : chip(answer.as_wished, neighbour ? "stays" : "new ahead",
                                           neighbour ? "moved" : "old ahead");
    const std::string written =
        answer.written.empty() ? "<i>nothing</i>" : escape_html(answer.written);
    out += fmt::format("<li>{}<span>{}</span>{}</li>", swatch(i), written, mark);
  }
  return out + "</ul>";
}

// For those who do not see the picture.
std::string spoken(const ShowcasePage& page, const PromptResult& result) {
  std::string text = result.prompt.text + ":";
  for (const showcase::Candidate& candidate : result.candidates) {
    text += fmt::format(" {}", candidate.token);
    for (std::size_t i = 0; i < page.systems.size(); ++i) {
      text += fmt::format(", {} {} %", page.systems[i], percent(candidate.probability[i]));
    }
    text += ";";
  }
  return text;
}

std::string panel(const ShowcasePage& page, const PromptResult& result) {
  std::vector<BarGroup> groups;
  for (const showcase::Candidate& candidate : result.candidates) {
    groups.push_back({candidate.token, candidate.probability});
  }
  std::vector<std::string> colours;
  for (std::size_t i = 0; i < page.systems.size(); ++i) colours.push_back(colour(i));
  const bool question = result.prompt.ask == Ask::question;
  return fmt::format("<div class=\"card panel\"><h3>{}{}</h3>{}{}</div>\n",
                     escape_html(result.prompt.text), question ? "" : "\xC2\xA0\xE2\x80\xA6",
                     says(result), grouped_bars_svg(groups, colours, spoken(page, result)));
}

std::string group_html(const ShowcasePage& page, const EditedFact& fact, const GroupTexts& texts) {
  std::string panels;
  for (const PromptResult& result : fact.results) {
    if (result.prompt.group == texts.group) panels += panel(page, result);
  }
  if (panels.empty()) return "";
  const std::string note =
      *texts.note == '\0' ? "" : fmt::format("<p class=\"note\">{}</p>\n", texts.note);
  return fmt::format("<h3 class=\"group\">{}</h3>\n{}<div class=\"panels\">\n{}</div>\n",
                     texts.title, note, panels);
}

std::string summary_table(const ShowcasePage& page, const EditedFact& fact) {
  std::string out =
      "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>New ahead of old</th>";
  for (std::size_t i = 1; i < page.systems.size(); ++i) {
    out += fmt::format("<th>{}{}</th>", swatch(i), escape_html(page.systems[i]));
  }
  out += "</tr></thead><tbody>\n";
  for (const GroupTexts& texts : kGroups) {
    out += fmt::format("<tr><th>{}</th>", texts.title);
    for (std::size_t i = 1; i < page.systems.size(); ++i) {
      const showcase::Count counted = showcase::count(fact.results, texts.group, i);
      out += fmt::format("<td class=\"num\"><b>{}</b> of {}</td>", counted.right, counted.of);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string captions(const ShowcasePage& page, const EditedFact& fact) {
  std::string out;
  for (std::size_t i = 1; i < page.systems.size(); ++i) {
    out += fmt::format("<p class=\"caption\">{}<b>{}.</b> {}</p>\n", swatch(i),
                       escape_html(page.systems[i]), escape_html(showcase::caption(fact, i)));
  }
  return out;
}

std::string fact_section(const ShowcasePage& page, const EditedFact& fact) {
  const EditRequest& request = fact.fact.request;
  std::string out =
      fmt::format("<section class=\"fact\">\n<h2>{} <del>{}</del> <ins>{}</ins></h2>\n",
                  escape_html(filled_prompt(request)),
                  escape_html(request.target_true.value_or("")), escape_html(request.target_new));
  out += legend(page);
  // The edited prompt stands beside the summary.
  out += fmt::format("<div class=\"hero\">\n<div>{}{}</div>\n{}</div>\n", summary_table(page, fact),
                     captions(page, fact), panel(page, fact.results.front()));
  for (const GroupTexts& texts : kGroups) {
    if (texts.group != Group::edited) out += group_html(page, fact, texts);
  }
  return out + "</section>\n";
}

std::string was_done_html(const ShowcasePage& page) {
  std::string out = "<h2>What was done</h2>\n<div class=\"card\"><dl class=\"facts\">\n";
  for (const ShownFact& fact : page.was_done) {
    out += fact_html(escape_html(fact.term), escape_html(fact.value), escape_html(fact.detail));
  }
  return out + "</dl></div>\n";
}

}  // namespace

std::string showcase_html(const ShowcasePage& page) {
  std::string body;
  for (const EditedFact& fact : page.facts) body += fact_section(page, fact);
  body += was_done_html(page);
  body += fmt::format("<h2>How to read this</h2>\n<p class=\"note\">{}</p>\n", kHowToRead);
  const std::string heading = "Facts edited in " + escape_html(page.model);
  return page_html({.brand = "kedit demo",
                    .title = heading,
                    .heading = heading,
                    .lead = fmt::format("<p class=\"lead\">{}</p>\n", escape_html(page.lead)),
                    .main = body,
                    .footer = kShowcaseFooter});
}

}  // namespace kedit::report

#include "eval/answering/facts_in_context.hpp"
#include "eval/report/html.hpp"
#include "eval/report/page_frame.hpp"
#include "eval/report/report.hpp"
#include "eval/report/sections.hpp"

#include <fmt/format.h>

namespace kedit::report {
namespace {

constexpr const char* kFooter =
    "Made by kedit from stored outputs alone. Every number names its protocol; numbers made by "
    "different protocols are not comparable.";

std::string run_title(const BenchReport& report) {
  return report.data.record.name.empty() ? "run " + report.data.record.id : report.data.record.name;
}

std::string page_title(const std::vector<BenchReport>& reports) {
  std::string title = "kedit report";
  for (const BenchReport& report : reports) title += ": " + run_title(report);
  return escape_html(title);
}

std::string page_heading(const std::vector<BenchReport>& reports) {
  return escape_html(reports.size() == 1 ? run_title(reports.front()) : "Several runs");
}

std::string page_lead(const std::vector<BenchReport>& reports) {
  if (reports.size() == 1) {
    return fmt::format("<p class=\"lead\">{}</p>\n", escape_html(summary_line(reports.front())));
  }
  std::string out = "<nav class=\"runs\" aria-label=\"Runs\">";
  for (const BenchReport& report : reports) {
    out += fmt::format("<a href=\"#run-{0}\">{1}</a>", escape_html(report.data.record.id),
                       escape_html(run_title(report)));
  }
  return out +
         "</nav>\n<p class=\"lead\">Runs of different protocols stand in tables of their "
         "own.</p>\n";
}

// Numbers of a run that is not at its end must not pass for results.
std::string unfinished_note(const BenchReport& report) {
  if (report.data.record.state == "done") return "";
  std::string systems;
  for (const runner::SystemInfo& system : report.systems) {
    const auto found = report.timings.find(system.label);
    const std::int64_t cases = found == report.timings.end() ? 0 : found->second.cases;
    systems += fmt::format("{}{} {} of {}", systems.empty() ? "" : ", ", escape_html(system.label),
                           cases, report.data.cases.size());
  }
  return fmt::format(
      "<p class=\"card warn\"><b>This run is not complete.</b> Cases answered: {}. Cases that are "
      "not answered yet count as misses.</p>\n",
      systems);
}

std::string run_section(const BenchReport& report, bool with_heading) {
  std::string out = fmt::format("<section id=\"run-{}\">\n", escape_html(report.data.record.id));
  if (with_heading) {
    out += fmt::format("<h2>{}</h2>\n<p class=\"note\">{}</p>\n", escape_html(run_title(report)),
                       escape_html(summary_line(report)));
  }
  out += unfinished_note(report);
  out += provenance_html(report);
  out += headline_html(report);
  out += hops_html(report);
  out += tables_html(report);
  out += differences_html(report);
  out += contamination_html(report);
  out += recall_html(report);
  out += specificity_html(report);
  out += timing_html(report);
  out += samples_html(report);
  return out + "</section>\n";
}

}  // namespace

std::string to_html(const std::vector<BenchReport>& reports) {
  if (reports.empty()) throw EvalError("writing a report: expected at least one run, found none");
  std::string body;
  for (const BenchReport& report : reports) body += run_section(report, reports.size() > 1);
  body += comparisons_html(reports) + definitions_html(reports);
  return page_html({.brand = "kedit report",
                    .title = page_title(reports),
                    .heading = page_heading(reports),
                    .lead = page_lead(reports),
                    .main = body,
                    .footer = kFooter});
}

}  // namespace kedit::report

#include "eval/answering/facts_in_context.hpp"
#include "eval/report/html.hpp"
#include "eval/report/report.hpp"
#include "eval/report/sections.hpp"

#include <fmt/format.h>

namespace kedit {
namespace {

constexpr const char* kPolicy =
    "default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; img-src data:";

std::string run_title(const BenchReport& report) {
  return report.data.record.name.empty() ? "run " + report.data.record.id : report.data.record.name;
}

std::string page_head(const std::vector<BenchReport>& reports) {
  std::string title = "kedit report";
  for (const BenchReport& report : reports) title += ": " + run_title(report);
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n",
      kPolicy, escape_html(title), report_css());
}

std::string page_top(const std::vector<BenchReport>& reports) {
  const BenchReport& first = reports.front();
  const std::string heading = reports.size() == 1 ? run_title(first) : "Several runs";
  std::string out =
      fmt::format("<header class=\"top\"><div>\n<p class=\"brand\">kedit report</p>\n<h1>{}</h1>\n",
                  escape_html(heading));
  if (reports.size() == 1) {
    out += fmt::format("<p class=\"lead\">{}</p>\n", escape_html(summary_line(first)));
  } else {
    out += "<nav class=\"runs\" aria-label=\"Runs\">";
    for (const BenchReport& report : reports) {
      out += fmt::format("<a href=\"#run-{0}\">{1}</a>", escape_html(report.data.record.id),
                         escape_html(run_title(report)));
    }
    out +=
        "</nav>\n<p class=\"lead\">Runs of different protocols stand in tables of their own.</p>\n";
  }
  return out + "</div></header>\n<main>\n";
}

// Numbers of a run that is not at its end must not pass for results.
std::string unfinished_note(const BenchReport& report) {
  if (report.data.record.state == "done") return "";
  std::string systems;
  for (const SystemInfo& system : report.systems) {
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
  std::string out = page_head(reports) + page_top(reports);
  for (const BenchReport& report : reports) out += run_section(report, reports.size() > 1);
  out += comparisons_html(reports);
  out += definitions_html(reports);
  out +=
      "</main>\n<footer>Made by kedit from stored outputs alone. Every number names its protocol; "
      "numbers made by different protocols are not comparable.</footer>\n</body>\n</html>\n";
  return out;
}

}  // namespace kedit

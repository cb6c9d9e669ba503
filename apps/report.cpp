// kedit report: tables and pictures of stored runs.
#include "eval/report/report.hpp"

#include "apps/commands.hpp"

#include <fmt/format.h>

namespace kedit::cli {
namespace {

// A format that was asked for gives the name its ending.
std::string out_of(const Context& context) {
  if (context.options.given("out")) return context.options.text("out");
  const std::string format =
      context.options.given("format") ? context.options.text("format") : "html";
  return "report." + (format == "texts" ? "jsonl" : format);
}

std::string format_of(const Context& context) {
  if (context.options.given("format")) return context.options.text("format");
  const std::string extension = std::filesystem::path(out_of(context)).extension();
  if (extension == ".md") return "md";
  if (extension == ".csv") return "csv";
  if (extension == ".json") return "json";
  if (extension == ".jsonl") return "texts";
  return "html";
}

std::string written(const std::vector<report::BenchReport>& reports, const std::string& format) {
  if (format == "md") return report::to_markdown(reports);
  if (format == "csv") return report::to_csv(reports);
  if (format == "json") return to_text(to_json(reports), 2) + "\n";
  if (format == "texts") return report::to_text_lines(reports);
  return report::to_html(reports);
}

std::vector<report::BenchReport> load_reports(const Context& context, const Store& store) {
  report::ReportOptions options;
  options.sample_cases = context.options.integer("sample");
  options.draws = context.options.integer("draws");
  std::vector<std::string> runs = context.options.list("run");
  if (runs.empty()) {
    const std::vector<RunRecord> records = store.runs();
    if (records.empty()) {
      throw Failure(
          fmt::format("reporting: {}: expected a run, found none; kedit bench run makes one",
                      store.path().string()));
    }
    runs.push_back(records.back().id);
  }
  std::vector<report::BenchReport> reports;
  for (const std::string& run : runs)
    reports.push_back(report::make_report(runner::load_run(store, run), options));
  return reports;
}

int run_report(Context& context) {
  const Store store = context.open_store(OpenMode::read_only);
  const std::vector<report::BenchReport> reports = load_reports(context, store);
  const std::string out = out_of(context);
  const std::string format = format_of(context);
  const std::string bytes = written(reports, format);
  if (out == "-") {
    context.print(bytes);
    return 0;
  }
  context.write_file(out, bytes);
  Json runs = Json::array();
  for (const report::BenchReport& report : reports) runs.push_back(report.data.record.id);
  const Json document = {{"out", out}, {"format", format}, {"bytes", bytes.size()}, {"runs", runs}};
  return context.answer(document,
                        fmt::format("{} written ({}, {})\n", out, format,
                                    short_bytes(static_cast<std::int64_t>(bytes.size()))));
}

}  // namespace

std::vector<Command> report_commands() {
  Command report;
  report.name = "report";
  report.summary = "show runs as one self-contained file";
  report.description =
      "Computed from stored outputs alone: no model is needed. Runs of different protocols stand "
      "in "
      "tables of their own.";
  report.takes = kRuns;
  report.options = {
      text("out", "FILE", "where to write; - is standard output")
          .otherwise_said("report.html, or the ending of --format"),
      text("format", "FORMAT",
           "html, md, csv, json, or texts: the sampled texts as lines for kedit score --texts")
          .otherwise_said("by the ending of --out, else html")
          .one_of({"html", "md", "csv", "json", "texts"}),
      integer("sample", "N", "cases shown in full").otherwise("24").at_least(0),
      integer("draws", "N", "bootstrap resamples for the intervals").otherwise("10000").at_least(1),
  };
  report.arguments = {text("run", "RUN", "id or name; the newest run without").repeated()};
  report.example = "kedit report 1f3a9c --store kedit.db --out report.html";
  report.run = run_report;
  return {report};
}

}  // namespace kedit::cli

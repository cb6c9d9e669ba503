// Markdown, CSV and JSON.
#include "eval/report/html.hpp"
#include "eval/report/report.hpp"
#include "eval/report/sections.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

namespace kedit::report {
namespace {

double rounded(double value) { return std::round(value * 1e6) / 1e6; }

// In a table cell "|" would start a new column, and a newline would end the row.
std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string kind_of(const BenchReport& report, const std::string& system) {
  for (const runner::SystemInfo& info : report.systems) {
    if (info.label == system) return info.kind;
  }
  return "";
}

// A bare asterisk would open emphasis.
std::string markdown_mark(const metrics::Interval& interval) {
  return interval.method == metrics::IntervalMethod::exact ? "\\*" : "";
}

std::string markdown_note() {
  std::string note = metrics::interval_note("cases");
  return note.replace(note.find('*'), 1, "\\*");
}

// What numbers may only be compared under.
std::string protocol_lines(const BenchReport& report) {
  const Json& header = report.data.header;
  if (!header.contains("protocol") || !header["protocol"].contains("schedule")) return "";
  std::string out = fmt::format("\nSchedule: {}.\n",
                                markdown_cell(header["protocol"]["schedule"].get<std::string>()));
  const std::string texts = generation_line(report);
  return texts.empty() ? out : out + fmt::format("\nSampled texts: {}.\n", texts);
}

std::string markdown_table(const BenchReport& report, MatchRule rule, GoldSide side) {
  std::string out = "| Metric | n |";
  std::string line = "|---|---:|";
  for (const runner::SystemInfo& system : report.systems) {
    out += fmt::format(" {} ({}) |", markdown_cell(system.label), system.kind);
    line += "---:|";
  }
  out += "\n" + line + "\n";
  for (const std::string& metric : report.metrics) {
    std::string cells;
    std::string n;
    for (const runner::SystemInfo& system : report.systems) {
      const ReportCell* cell = report.find({system.label, rule, side, metric, "", ""});
      if (cell == nullptr) {
        cells += " – |";
        continue;
      }
      n = fmt::format("{:.0f}", cell->score.n);
      const metrics::Interval& interval = *cell->interval;
      cells += fmt::format(" {} ({}{}{}){} |", shown(metric, cell->score.value()),
                           shown(metric, interval.low), interval.low < 0.0 ? " to " : "–",
                           shown(metric, interval.high), markdown_mark(interval));
    }
    if (!n.empty())
      out += fmt::format("| {} | {} |{}\n", metrics::metric_info(metric).title, n, cells);
  }
  return out;
}

void add_interval(Json& row, const metrics::Interval& interval) {
  row["interval95"] = Json::array({interval.low, interval.high});
  row["interval_method"] = to_string(interval.method);
  row["interval_units"] = interval.units;
}

Json cell_json(const CellKey& key, const ReportCell& cell) {
  Json one{{"system", key.system},           {"rule", to_string(key.rule)},
           {"gold", to_string(key.side)},    {"breakdown", key.breakdown},
           {"bucket", key.bucket},           {"metric", key.metric},
           {"hit", rounded(cell.score.hit)}, {"n", rounded(cell.score.n)},
           {"value", cell.score.value()}};
  if (cell.interval) add_interval(one, *cell.interval);
  return one;
}

Json timing_json(const SystemTiming& timing) {
  return {{"cases", timing.cases},
          {"edits", timing.edits},
          {"edit_seconds", timing.edit_seconds},
          {"answer_seconds", timing.answer_seconds},
          {"failed_groups", timing.failed_groups}};
}

Json specificity_json(const BenchReport& report) {
  Json out = Json::array();
  for (const auto& [system, table] : report.specificity) {
    for (const auto& [scope, scores] : table.scores) {
      for (const answering::SpecificityScore& one : scores) {
        Json row = {
            {"system", system},   {"scope", to_string(scope)},    {"reading", one.reading},
            {"form", one.form},   {"over_pairs", one.over_pairs}, {"over_edits", one.over_edits},
            {"pairs", one.pairs}, {"edits", one.edits},           {"subjects", one.subjects}};
        add_interval(row, one.interval);
        out.push_back(std::move(row));
      }
    }
  }
  return out;
}

Json difference_json(const PairedDifference& row) {
  Json json = {
      {"metric", row.metric},         {"rule", to_string(row.rule)},    {"value", row.value},
      {"only_first", row.only_first}, {"only_second", row.only_second}, {"mcnemar_p", row.mcnemar}};
  add_interval(json, row.interval);
  return json;
}

Json comparison_json(const RunComparison& comparison) {
  Json rows = Json::array();
  for (const PairedDifference& row : comparison.rows) {
    Json one = difference_json(row);
    one["system"] = row.first;
    rows.push_back(std::move(one));
  }
  return {{"first", comparison.first},
          {"second", comparison.second},
          {"cases", comparison.cases},
          {"protocol_differences", comparison.differences},
          {"rows", rows}};
}

std::string comparison_markdown(const RunComparison& one) {
  std::string out = fmt::format("\n## {} minus {}\n\n{} cases in both.", markdown_cell(one.first),
                                markdown_cell(one.second), one.cases);
  if (!one.differences.empty()) {
    out += fmt::format(" Not the same protocol: {}.", fmt::join(one.differences, ", "));
  }
  out +=
      "\n\n| System | Metric | Points | 95 % interval | Only first | Only second | McNemar p |\n"
      "|---|---|---:|---:|---:|---:|---:|\n";
  for (const PairedDifference& row : one.rows) {
    out += fmt::format("| {} | {} | {:+.1f} | {:+.1f} to {:+.1f}{} | {} | {} | {:.3f} |\n",
                       markdown_cell(row.first), metrics::metric_info(row.metric).title,
                       100 * row.value, 100 * row.interval.low, 100 * row.interval.high,
                       markdown_mark(row.interval), row.only_first, row.only_second, row.mcnemar);
  }
  return out;
}

// The first run against each of the others.
std::vector<RunComparison> comparisons_of(const std::vector<BenchReport>& reports) {
  std::vector<RunComparison> list;
  for (std::size_t i = 1; i < reports.size(); ++i) {
    if (auto one = compare_runs(reports.front(), reports[i])) list.push_back(std::move(*one));
  }
  return list;
}

Json report_json(const BenchReport& report) {
  Json out{{"run", report.data.record.id},
           {"name", report.data.record.name},
           {"state", report.data.record.state},
           {"started", report.data.record.started},
           {"finished", report.data.record.finished},
           {"header", report.data.header}};
  out["scores"] = Json::array();
  for (const auto& [key, cell] : report.cells) out["scores"].push_back(cell_json(key, cell));
  out["differences"] = Json::array();
  for (const PairedDifference& one : report.differences) {
    Json row = difference_json(one);
    row["first"] = one.first;
    row["second"] = one.second;
    out["differences"].push_back(std::move(row));
  }
  if (!report.specificity.empty()) out["specificity"] = specificity_json(report);
  if (report.recall_asked > 0) {
    out["recall"] = {{"cases", report.recall_asked},
                     {"pre_known", report.pre_known},
                     {"rest_known", report.rest_known}};
  }
  out["timing"] = Json::object();
  for (const auto& [system, timing] : report.timings) out["timing"][system] = timing_json(timing);
  return out;
}

// "" for a case that was not asked for texts.
std::string text_line(const std::string& id, const Case& of, const CaseOutputs& said) {
  Json texts = Json::array();
  for (const Output* one : outputs_of(said, of, PromptKind::generation, OutputKind::text)) {
    texts.push_back(one->said.raw);
  }
  if (texts.empty()) return "";
  const EditRequest& edit = of.edits.front();
  return to_text(Json{{"id", id},
                      {"texts", texts},
                      {"relation_id", edit.relation},
                      {"target_id", of.object_id},
                      {"subject", edit.subject}}) +
         "\n";
}

}  // namespace

std::string to_markdown(const std::vector<BenchReport>& reports) {
  std::string out = "# kedit report\n";
  for (const BenchReport& report : reports) {
    out += fmt::format("\n## {}\n\n{}\n", markdown_cell(report.data.record.name),
                       markdown_cell(summary_line(report)));
    out += protocol_lines(report);
    if (report.data.record.state != "done") {
      out += "\nThis run is not complete; cases that are not answered yet count as misses.\n";
    }
    for (const MatchRule rule : report.rules) {
      out += fmt::format("\nRule {}, golds after the edits; per cent with 95 % intervals.\n\n{}",
                         to_string(rule), markdown_table(report, rule, GoldSide::post));
    }
    out += fmt::format("\n{}.\n", markdown_note());
    out += fmt::format("\nRule {}, golds before the edits (old-answer rate).\n\n{}",
                       to_string(report.rules.front()),
                       markdown_table(report, report.rules.front(), GoldSide::pre));
    out += fmt::format("\nContaminated cases under this grouping: {} of {}.\n",
                       report.contaminated.size(), report.data.cases.size());
  }
  for (const RunComparison& one : comparisons_of(reports)) out += comparison_markdown(one);
  return out;
}

std::string to_csv(const std::vector<BenchReport>& reports) {
  std::string out =
      "run,system,kind,rule,gold,breakdown,bucket,metric,hit,n,value,low,high,method,units\n";
  for (const BenchReport& report : reports) {
    for (const auto& [key, cell] : report.cells) {
      const std::string interval =
          cell.interval ? fmt::format("{},{},{},{}", cell.interval->low, cell.interval->high,
                                      to_string(cell.interval->method), cell.interval->units)
                        : ",,,";
      out +=
          fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", report.data.record.id,
                      csv_field(key.system), kind_of(report, key.system), to_string(key.rule),
                      to_string(key.side), key.breakdown, csv_field(key.bucket), key.metric,
                      rounded(cell.score.hit), rounded(cell.score.n), cell.score.value(), interval);
    }
  }
  return out;
}

std::string to_text_lines(const std::vector<BenchReport>& reports) {
  std::string lines;
  for (const BenchReport& report : reports) {
    for (const auto& [system, outputs] : report.data.outputs) {
      for (const Case& one : report.data.cases) {
        const auto said = outputs.find(one.id);
        if (said != outputs.end()) {
          lines += text_line(fmt::format("{}/{}/{}", report.data.record.id, system, one.id), one,
                             said->second);
        }
      }
    }
  }
  if (!lines.empty()) return lines;
  throw EvalError(
      "reporting: expected a run with sampled texts, found none; ask for them with \"generation\" "
      "in the configuration");
}

Json to_json(const std::vector<BenchReport>& reports) {
  Json runs = Json::array();
  for (const BenchReport& report : reports) runs.push_back(report_json(report));
  Json out{{"runs", std::move(runs)}};
  const std::vector<RunComparison> comparisons = comparisons_of(reports);
  if (!comparisons.empty()) {
    out["comparisons"] = Json::array();
    for (const RunComparison& one : comparisons) out["comparisons"].push_back(comparison_json(one));
  }
  return out;
}

}  // namespace kedit::report

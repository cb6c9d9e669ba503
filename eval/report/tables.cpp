// Tables of metrics, paired differences, contamination, timing.
#include "eval/answering/facts_in_context.hpp"
#include "eval/report/html.hpp"
#include "eval/report/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace kedit::report {
namespace {

bool is_control(const runner::SystemInfo& info) { return info.kind == "control"; }

// "control first-control" for the first column of controls, "" for editors.
std::string column_class(const BenchReport& report, std::size_t column) {
  if (!is_control(report.systems[column])) return "";
  const bool first = column == 0 || !is_control(report.systems[column - 1]);
  return first ? " control first-control" : " control";
}

std::string head_row(const BenchReport& report, const std::string& corner) {
  std::string out = fmt::format("<thead><tr><th scope=\"col\">{}</th>", corner);
  for (std::size_t i = 0; i < report.systems.size(); ++i) {
    out += fmt::format("<th scope=\"col\" class=\"system{}\">{}<small>{}</small></th>",
                       column_class(report, i), escape_html(report.systems[i].label),
                       escape_html(report.systems[i].kind));
  }
  return out + "</tr></thead>\n";
}

// Counts are whole; distinct-edit weights sum to a whole number up to rounding.
std::string count_text(double n) { return with_thousands(std::llround(n)); }

double best_editor(const BenchReport& report, CellKey key) {
  double best = -1.0;
  for (const runner::SystemInfo& system : report.systems) {
    key.system = system.label;
    const ReportCell* cell = report.find(key);
    if (cell != nullptr && !is_control(system)) best = std::max(best, cell->score.value());
  }
  return best;
}

std::string number_cell(const BenchReport& report, std::size_t column, CellKey key, double best) {
  key.system = report.systems[column].label;
  const ReportCell* cell = report.find(key);
  const std::string place = column_class(report, column);
  if (cell == nullptr) return fmt::format("<td class=\"num{}\">&ndash;</td>", place);
  const bool is_best =
      best > 0.0 && !is_control(report.systems[column]) && cell->score.value() >= best - 1e-12;
  std::string interval;
  if (cell->interval) {
    interval = fmt::format("<small>{}{}{}{}</small>", shown(key.metric, cell->interval->low),
                           cell->interval->low < 0.0 ? " to " : "&ndash;",
                           shown(key.metric, cell->interval->high),
                           metrics::mark_of(cell->interval->method));
  }
  return fmt::format("<td class=\"num{}{}\"><b>{}</b>{}</td>", place, is_best ? " best" : "",
                     shown(key.metric, cell->score.value()), interval);
}

std::string metric_row(const BenchReport& report, const CellKey& key, const std::string& title,
                       bool mark_best) {
  std::string n;
  for (const runner::SystemInfo& system : report.systems) {
    CellKey own = key;
    own.system = system.label;
    const ReportCell* cell = report.find(own);
    if (cell != nullptr && n.empty()) n = count_text(cell->score.n);
  }
  if (n.empty()) return "";
  std::string out =
      fmt::format("<tr><th scope=\"row\">{}<small>n = {}</small></th>", escape_html(title), n);
  // Of what is not shown in hundredths, less is better.
  const bool has_best = mark_best && metrics::metric_info(key.metric).times_100;
  const double best = has_best ? best_editor(report, key) : -1.0;
  for (std::size_t i = 0; i < report.systems.size(); ++i) out += number_cell(report, i, key, best);
  return out + "</tr>\n";
}

struct Section {
  std::string title;
  std::vector<std::string> metrics;
};

// As the table of metrics has them, in its order.
const std::vector<Section>& sections() {
  static const std::vector<Section> list = [] {
    std::vector<Section> found;
    for (const metrics::MetricInfo& info : metrics::known_metrics()) {
      if (found.empty() || found.back().title != info.section) found.push_back({info.section, {}});
      found.back().metrics.push_back(info.name);
    }
    return found;
  }();
  return list;
}

std::string table(const std::string& caption, const std::string& inside) {
  return fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table>"
      "<caption>{0}</caption>\n{1}</table></div>\n",
      caption, inside);
}

std::string metric_table(const BenchReport& report, MatchRule rule, GoldSide side) {
  std::string body;
  for (const Section& section : sections()) {
    std::string rows;
    for (const std::string& metric : section.metrics) {
      rows += metric_row(report, {"", rule, side, metric, "", ""},
                         metrics::metric_info(metric).title, side == GoldSide::post);
    }
    if (rows.empty()) continue;
    body +=
        fmt::format("<tr class=\"section\"><th colspan=\"{}\" scope=\"rowgroup\">{}</th></tr>\n{}",
                    report.systems.size() + 1, section.title, rows);
  }
  const std::string caption =
      side == GoldSide::post
          ? fmt::format(
                "Rule {}, golds after the edits. Per cent; small: 95 % interval (* see above).",
                to_string(rule))
          : fmt::format("Rule {}, golds before the edits: how often the old answer is still given.",
                        to_string(rule));
  return table(caption, head_row(report, "Metric") + "<tbody>\n" + body + "</tbody>");
}

std::string folded(const std::string& summary, const std::string& inside) {
  return fmt::format("<details><summary>{}</summary><div class=\"inside\">{}</div></details>\n",
                     summary, inside);
}

std::string breakdown_table(const BenchReport& report, const std::string& breakdown,
                            const std::string& unit) {
  const MatchRule rule = report.rules.front();
  std::string body;
  for (const char* metric :
       {"edit_wise", "instance_wise", "multi_hop_any", "cot_any", "hop_joint", "counterfact_es",
        "counterfact_ps", "counterfact_ns", "zsre_efficacy", "zsre_specificity"}) {
    std::set<std::string> buckets;
    for (const auto& [key, cell] : report.cells) {
      if (key.breakdown == breakdown && key.metric == metric) buckets.insert(key.bucket);
    }
    if (buckets.empty()) continue;
    body +=
        fmt::format("<tr class=\"section\"><th colspan=\"{}\" scope=\"rowgroup\">{}</th></tr>\n",
                    report.systems.size() + 1, escape_html(metrics::metric_info(metric).title));
    for (const std::string& bucket : buckets) {
      body += metric_row(report, {"", rule, GoldSide::post, metric, breakdown, bucket},
                         bucket + unit, false);
    }
  }
  return table(fmt::format("Rule {}, golds after the edits.", to_string(rule)),
               head_row(report, "Cases") + "<tbody>\n" + body + "</tbody>");
}

// "" where no case falls into any bucket.
std::string folded_breakdown(const BenchReport& report, const char* title, const char* breakdown,
                             const char* unit) {
  const bool present = std::any_of(report.cells.begin(), report.cells.end(), [&](const auto& cell) {
    return cell.first.breakdown == breakdown;
  });
  return present ? folded(title, breakdown_table(report, breakdown, unit)) : "";
}

std::string signed_percent(double value) { return fmt::format("{:+.1f}", 100.0 * value); }

std::string seconds(double value) {
  if (value <= 0.0) return "&ndash;";
  if (value < 0.005) return "&lt; 0.01 s";
  return value < 10.0 ? fmt::format("{:.2f} s", value) : fmt::format("{:.0f} s", value);
}

std::string rate(double value) {
  return value < 100.0 ? fmt::format("{:.2f}", value) : with_thousands(std::llround(value));
}

std::string timing_row(const runner::SystemInfo& system, const SystemTiming& timing) {
  const auto edits = static_cast<double>(timing.edits);
  const bool timed = timing.edits > 0 && timing.edit_seconds > 0.0;
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td class=\"num\">{}</td>"
      "<td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td>"
      "<td class=\"num\">{}</td></tr>\n",
      escape_html(system.label), with_thousands(timing.cases), with_thousands(timing.edits),
      timed ? seconds(timing.edit_seconds / edits) : "&ndash;",
      timed ? rate(edits / timing.edit_seconds) : "&ndash;",
      timing.cases > 0 ? seconds(timing.answer_seconds / static_cast<double>(timing.cases))
                       : "&ndash;",
      timing.failed_groups == 0 ? "none" : with_thousands(timing.failed_groups));
}

}  // namespace

std::string tables_html(const BenchReport& report) {
  const MatchRule rule = report.rules.front();
  std::string out =
      "<h2>All metrics</h2>\n<p class=\"note\">Editors first, controls beside them on "
      "the same cases. The best editor of a row is coloured.</p>\n";
  out += metric_table(report, rule, GoldSide::post);
  for (const MatchRule other : report.rules) {
    if (other == rule) continue;
    out += folded(fmt::format("The same under rule {}", to_string(other)),
                  metric_table(report, other, GoldSide::post));
  }
  out += folded("Old-answer rate: answers that were right before the edits",
                metric_table(report, rule, GoldSide::pre));
  out += folded_breakdown(report, "By number of hops", "hops", " hops");
  out += folded_breakdown(report, "By number of edits in the case", "edits", " edit(s)");
  out += folded_breakdown(report, "By edited places of the chain", "positions", "");
  out += folded_breakdown(report, "By what the unedited model knew of the unedited hops", "recall",
                          "");
  out += folded_breakdown(report, "By relation of the last hop", "last_relation", "");
  return out;
}

std::string difference_rows(const std::vector<PairedDifference>& differences) {
  std::string rows;
  for (const PairedDifference& one : differences) {
    const bool clear = one.interval.low > 0.0 || one.interval.high < 0.0;
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"num\"><b>{}</b></td>"
        "<td class=\"num\">{} to {}{}</td><td class=\"num\">{} / {}</td><td class=\"num\">{}</td>"
        "<td>{}</td></tr>\n",
        one.first == one.second
            ? escape_html(one.first)
            : fmt::format("{} &minus; {}", escape_html(one.first), escape_html(one.second)),
        escape_html(metrics::metric_info(one.metric).title), signed_percent(one.value),
        signed_percent(one.interval.low), signed_percent(one.interval.high),
        metrics::mark_of(one.interval.method), one.only_first, one.only_second,
        one.mcnemar < 0.001 ? "&lt; 0.001" : fmt::format("{:.3f}", one.mcnemar),
        clear ? "differs" : "within noise");
  }
  return rows;
}

std::string difference_head() {
  return "<thead><tr><th scope=\"col\">Pair</th><th scope=\"col\">Metric</th>"
         "<th scope=\"col\">Points</th><th scope=\"col\">95 % interval</th>"
         "<th scope=\"col\">Only first / only second</th><th scope=\"col\">McNemar p</th>"
         "<th scope=\"col\">Reading</th></tr></thead><tbody>\n";
}

std::string differences_html(const BenchReport& report) {
  if (report.differences.empty()) return "";
  return folded(
      "Paired differences between systems",
      table("Percentage points on the same cases, resampled together; cases that only "
            "one of the two has right, with the exact McNemar test on them. Not corrected "
            "for the number of comparisons.",
            difference_head() + difference_rows(report.differences) + "</tbody>"));
}

std::string contamination_html(const BenchReport& report) {
  const std::size_t dirty = report.contaminated.size();
  const std::size_t all = report.data.cases.size();
  const bool chains = report.data.cases.front().has_chain();
  std::string out = fmt::format(
      "<h2>Contamination</h2>\n<p class=\"note\">{} Under this grouping: <b>{} of {} cases</b>."
      "</p>\n",
      chains ? "A case is contaminated when another active edit of its group gives an unedited hop "
               "of its chain another object; the expected answer is then not reachable."
             : "A record is contaminated when another active edit of its group gives the same "
               "prompt about the same subject another object.",
      dirty, all);
  if (dirty > 0 && dirty < all) {
    out +=
        folded("Clean and contaminated cases apart", breakdown_table(report, "contaminated", ""));
  }
  return out;
}

std::string timing_html(const BenchReport& report) {
  std::string rows;
  for (const runner::SystemInfo& system : report.systems) {
    const auto found = report.timings.find(system.label);
    if (found != report.timings.end()) rows += timing_row(system, found->second);
  }
  const std::string head =
      "<thead><tr><th scope=\"col\">System</th><th scope=\"col\">Cases</th>"
      "<th scope=\"col\">Edits</th><th scope=\"col\">Time per edit</th>"
      "<th scope=\"col\">Edits per second</th><th scope=\"col\">Answering a case</th>"
      "<th scope=\"col\">Failed groups</th></tr></thead><tbody>\n";
  return "<h2>Time</h2>\n" +
         table(
             "Wall-clock time on the machine of the run. A failed group held an edit that could "
             "not be made; its cases count all the same.",
             head + rows + "</tbody>");
}

}  // namespace kedit::report

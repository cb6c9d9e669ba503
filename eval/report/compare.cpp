// Two runs side by side, R-Specificity, and what the unedited model knew.
#include "eval/report/html.hpp"
#include "eval/report/sections.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

namespace kedit::report {
namespace {

using ScoredByMetric = std::vector<metrics::ScoredCase>;

std::string run_name(const BenchReport& report) {
  return fmt::format("{} ({})", report.data.record.name, report.data.record.id);
}

// Ids of the cases that both runs have, in the order of the first.
std::vector<std::int64_t> shared_cases(const BenchReport& first, const BenchReport& second) {
  std::set<std::int64_t> known;
  for (const Case& one : second.data.cases) known.insert(one.id);
  std::vector<std::int64_t> shared;
  for (const Case& one : first.data.cases) {
    if (known.count(one.id) > 0) shared.push_back(one.id);
  }
  return shared;
}

// Golds are the run's own: under P-rem a case may be edited in one run and not in the other.
ScoredByMetric scored(const BenchReport& report, const std::vector<std::int64_t>& ids,
                      const std::string& system, MatchRule rule) {
  ScoredByMetric list;
  const auto outputs = report.data.outputs.find(system);
  std::map<std::int64_t, const Case*> cases;
  for (const Case& one : report.data.cases) cases.emplace(one.id, &one);
  for (const std::int64_t id : ids) {
    const CaseOutputs* said = nullptr;
    if (outputs != report.data.outputs.end()) {
      const auto found = outputs->second.find(id);
      if (found != outputs->second.end()) said = &found->second;
    }
    list.push_back({metrics::judge(*cases.at(id), said, rule, GoldSide::post), false, {}});
  }
  return list;
}

std::string content_of(const BenchReport& report) {
  const Json& header = report.data.header;
  if (!header.contains("dataset")) return "";
  return header["dataset"].value("content_sha256", std::string());
}

// "grouping", "model", ...: what a reader must know before he reads a difference.
std::vector<std::string> protocol_differences(const BenchReport& first, const BenchReport& second) {
  std::vector<std::string> names;
  const Json& a = first.data.header;
  const Json& b = second.data.header;
  for (const char* part : {"model", "prompts", "seed"}) {
    if (a.value(part, Json()) != b.value(part, Json())) names.emplace_back(part);
  }
  const Json left = a.value("protocol", Json::object());
  const Json right = b.value("protocol", Json::object());
  for (const auto& [key, value] : left.items()) {
    if (key == "contaminated" || key == "groups_sha256" || key == "groups") continue;
    if (right.value(key, Json()) != value) names.push_back(key);
  }
  return names;
}

bool has_system(const BenchReport& report, const std::string& label) {
  return std::any_of(report.systems.begin(), report.systems.end(),
                     [&](const runner::SystemInfo& info) { return info.label == label; });
}

std::string percent_or_nats(const answering::SpecificityScore& score, double value) {
  return score.reading == "RS-dNLL" ? fmt::format("{:+.3f}", value) : percent(value);
}

std::string specificity_rows(const BenchReport& report, answering::SpecificityScope scope) {
  std::string rows;
  for (const runner::SystemInfo& system : report.systems) {
    const auto found = report.specificity.find(system.label);
    if (found == report.specificity.end()) continue;
    const auto scores = found->second.scores.find(scope);
    if (scores == found->second.scores.end()) continue;
    rows += fmt::format("<tr class=\"section\"><th colspan=\"6\" scope=\"rowgroup\">{}</th></tr>\n",
                        escape_html(system.label));
    for (const answering::SpecificityScore& one : scores->second) {
      rows += fmt::format(
          "<tr><th scope=\"row\">{}<small>{}</small></th><td class=\"num\"><b>{}</b></td>"
          "<td class=\"num\">{} to {}{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td>"
          "<td class=\"num\">{}</td></tr>\n",
          escape_html(one.reading), escape_html(one.form), percent_or_nats(one, one.over_pairs),
          percent_or_nats(one, one.interval.low), percent_or_nats(one, one.interval.high),
          metrics::mark_of(one.interval.method), percent_or_nats(one, one.over_edits),
          with_thousands(one.pairs), with_thousands(one.edits));
    }
  }
  return rows;
}

std::string scrolled(const std::string& caption, const std::string& inside) {
  return fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table>"
      "<caption>{0}</caption>{1}</table></div>\n",
      caption, inside);
}

std::string comparison_html(const RunComparison& one) {
  const std::string protocol =
      one.differences.empty()
          ? "Same protocol."
          : fmt::format("Not the same: {}. A difference may come from there.",
                        escape_html(fmt::format("{}", fmt::join(one.differences, ", "))));
  return scrolled(
      fmt::format("{} minus {}, on the {} cases that both have. {}", escape_html(one.first),
                  escape_html(one.second), with_thousands(one.cases), protocol),
      difference_head() + difference_rows(one.rows) + "</tbody>");
}

}  // namespace

void count_discordant(const metrics::CaseScores& first, const metrics::CaseScores& second,
                      PairedDifference* difference) {
  for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    const bool a = first[i].n > 0 && first[i].hit >= first[i].n;
    const bool b = second[i].n > 0 && second[i].hit >= second[i].n;
    if (a && !b) ++difference->only_first;
    if (b && !a) ++difference->only_second;
  }
  difference->mcnemar = metrics::mcnemar_p(difference->only_first, difference->only_second);
}

std::optional<RunComparison> compare_runs(const BenchReport& first, const BenchReport& second,
                                          const ReportOptions& options) {
  if (content_of(first) != content_of(second)) return std::nullopt;
  const auto cases = shared_cases(first, second);
  if (cases.empty()) return std::nullopt;
  RunComparison comparison{run_name(first),
                           run_name(second),
                           static_cast<std::int64_t>(cases.size()),
                           protocol_differences(first, second),
                           {}};
  const MatchRule rule = first.rules.front();
  const metrics::Bootstrap bootstrap(comparison.cases, options.draws, options.seed);
  for (const runner::SystemInfo& system : first.systems) {
    if (!has_system(second, system.label)) continue;
    const ScoredByMetric a = scored(first, cases, system.label, rule);
    const ScoredByMetric b = scored(second, cases, system.label, rule);
    for (const char* metric : compared_metrics()) {
      const auto left = metrics::case_scores(metric, a);
      const auto right = metrics::case_scores(metric, b);
      if (!left || !right) continue;
      PairedDifference row{system.label,
                           system.label,
                           metric,
                           rule,
                           metrics::total(*left).value() - metrics::total(*right).value(),
                           bootstrap.paired_difference(*left, *right)};
      count_discordant(*left, *right, &row);
      comparison.rows.push_back(std::move(row));
    }
  }
  if (comparison.rows.empty()) return std::nullopt;
  return comparison;
}

std::string comparisons_html(const std::vector<BenchReport>& reports) {
  std::string tables;
  for (std::size_t i = 1; i < reports.size(); ++i) {
    if (const auto one = compare_runs(reports.front(), reports[i])) tables += comparison_html(*one);
  }
  if (tables.empty()) return "";
  return fmt::format(
      "<section id=\"comparison\">\n<h2>Runs compared</h2>\n<p class=\"note\">Percentage points on "
      "the same cases, resampled together; rule {}; cases that only one run has right, with the "
      "exact McNemar test on them.</p>\n{}</section>\n",
      to_string(reports.front().rules.front()), tables);
}

std::string specificity_html(const BenchReport& report) {
  std::string tables;
  for (const answering::SpecificityScope scope :
       {answering::SpecificityScope::strict, answering::SpecificityScope::isolated,
        answering::SpecificityScope::per_case}) {
    const std::string rows = specificity_rows(report, scope);
    if (rows.empty()) continue;
    tables += fmt::format(
        "<details{}><summary>Scope {}</summary><div class=\"inside\">{}</div></details>\n",
        tables.empty() ? " open" : "", to_string(scope),
        scrolled("Per cent (RS-dNLL: nats per token). " + metrics::interval_note("subjects") + ".",
                 "<thead><tr><th scope=\"col\">Reading</th><th scope=\"col\">Over pairs</th>"
                 "<th scope=\"col\">95 % interval</th><th scope=\"col\">Over edits</th>"
                 "<th scope=\"col\">Pairs</th><th scope=\"col\">Edits</th></tr></thead><tbody>\n" +
                     rows + "</tbody>"));
  }
  if (tables.empty()) return "";
  return "<h2>R-Specificity</h2>\n<p class=\"note\">What the edits did to other facts of the same "
         "subjects. Few pairs carry these numbers: read the counts beside them.</p>\n" +
         tables;
}

std::string recall_html(const BenchReport& report) {
  if (report.recall_asked == 0) return "";
  return fmt::format(
      "<h2>What the unedited model knew</h2>\n<p class=\"note\">Asked hop by hop with exemplars, "
      "rule M0: the whole chain before the edits in <b>{} of {} cases</b>, every unedited hop of "
      "the chain after them in <b>{} of {}</b>. Only in the latter can an editor succeed by "
      "editing alone; the breakdown \"recall\" tells them apart.</p>\n",
      with_thousands(report.pre_known), with_thousands(report.recall_asked),
      with_thousands(report.rest_known), with_thousands(report.recall_asked));
}

}  // namespace kedit::report

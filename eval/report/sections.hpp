#pragma once

#include "eval/report/report.hpp"

#include <string>
#include <vector>

namespace kedit::report {

// The parts of the HTML report, in the order of the page.

/// "5 systems, 40 cases of lab.json, groups of 1, rules M0 and M2".
std::string summary_line(const BenchReport& report);
/// How texts were sampled and judged, for people; empty where none were.
std::string generation_line(const BenchReport& report);
/// CSS custom property of a system's colour: editors coloured, controls grey.
std::string colour_of(const BenchReport& report, const std::string& system);

std::string provenance_html(const BenchReport& report);
std::string headline_html(const BenchReport& report);
std::string hops_html(const BenchReport& report);
std::string tables_html(const BenchReport& report);
std::string differences_html(const BenchReport& report);
std::string contamination_html(const BenchReport& report);
std::string specificity_html(const BenchReport& report);
std::string recall_html(const BenchReport& report);
std::string comparisons_html(const std::vector<BenchReport>& reports);
std::string timing_html(const BenchReport& report);
std::string samples_html(const BenchReport& report);
/// A record of CounterFact or zsRE among them, and how its numbers are read.
std::string record_sample_html(const SampleCase& sample, bool open);
std::string record_note_html(const BenchReport& report);
/// The metrics that systems, and runs, are compared by: one of each way of asking.
const std::vector<const char*>& compared_metrics();
/// Cases that one system has right and the other not.
void count_discordant(const metrics::CaseScores& first, const metrics::CaseScores& second,
                      PairedDifference* difference);
/// Rows of a table of paired differences with their reading.
std::string difference_rows(const std::vector<PairedDifference>& differences);
std::string difference_head();
std::string definitions_html(const std::vector<BenchReport>& reports);

}  // namespace kedit::report

#include "eval/report/report.hpp"

#include "eval/metrics/probability_metrics.hpp"
#include "eval/report/html.hpp"
#include "eval/report/sections.hpp"
#include "eval/runner/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

namespace kedit::report {
namespace {

runner::SystemInfo system_from(const JsonView& view) {
  return {view.at("label").string(),   view.at("kind").string(),     view.at("name").string(),
          view.at("summary").string(), view.at("evidence").string(), view.at("settings").string()};
}

std::vector<runner::SystemInfo> systems_of(const runner::RunData& data) {
  const JsonView header(data.header, "run " + data.record.id);
  const JsonView list = header.at("systems");
  std::vector<runner::SystemInfo> systems;
  for (std::size_t i = 0; i < list.size(); ++i) systems.push_back(system_from(list.at(i)));
  std::stable_partition(systems.begin(), systems.end(),
                        [](const runner::SystemInfo& info) { return info.kind == "editor"; });
  return systems;
}

std::vector<MatchRule> rules_of(const runner::RunData& data) {
  std::vector<MatchRule> rules;
  const JsonView config(data.config, "run " + data.record.id);
  for (const std::string& name : config.at("match").strings()) {
    rules.push_back(parse_match_rule(name));
  }
  return rules;
}

std::vector<std::string> wanted_metrics(const runner::RunData& data) {
  std::vector<std::string> wanted =
      JsonView(data.config, "run " + data.record.id).at("metrics").strings();
  if (!wanted.empty()) return wanted;
  for (const metrics::MetricInfo& info : metrics::known_metrics()) wanted.push_back(info.name);
  return wanted;
}

const CaseOutputs* outputs_for(const runner::RunData& data, const std::string& system,
                               std::int64_t id) {
  const auto found = data.outputs.find(system);
  if (found == data.outputs.end()) return nullptr;
  const auto one = found->second.find(id);
  return one == found->second.end() ? nullptr : &one->second;
}

std::vector<metrics::ScoredCase> scored_cases(const BenchReport& report, const std::string& system,
                                              MatchRule rule, GoldSide side) {
  const std::set<std::int64_t> dirty(report.contaminated.begin(), report.contaminated.end());
  std::vector<metrics::ScoredCase> cases;
  for (const Case& one : report.data.cases) {
    const CaseOutputs* outputs = outputs_for(report.data, system, one.id);
    const CaseOutputs* known = outputs_for(report.data, "unedited", one.id);
    const metrics::Recall recall =
        known == nullptr ? metrics::Recall{} : metrics::recall_of(one, *known);
    cases.push_back({metrics::judge(one, outputs, rule, side), dirty.count(one.id) > 0, recall});
  }
  return cases;
}

// Nothing where a case's value has no limit.
std::optional<metrics::Bounds> bounds_of(const std::string& metric) {
  const metrics::MetricInfo& info = metrics::metric_info(metric);
  if (!std::isfinite(info.highest)) return std::nullopt;
  return metrics::Bounds{info.lowest, info.highest};
}

// Whole-run numbers carry intervals; breakdowns carry their counts.
class CellMaker {
 public:
  CellMaker(BenchReport& report, const ReportOptions& options, std::vector<std::string> wanted)
      : report_(report),
        wanted_(std::move(wanted)),
        bootstrap_(static_cast<std::int64_t>(report.data.cases.size()), options.draws,
                   options.seed) {}

  void add_system(const std::string& system, MatchRule rule, GoldSide side) {
    const std::vector<metrics::ScoredCase> cases = scored_cases(report_, system, rule, side);
    for (const std::string& metric : wanted_) {
      if (side == GoldSide::pre && !metrics::metric_info(metric).has_old_side) continue;
      auto scores = metrics::case_scores(metric, cases);
      if (!scores) continue;
      report_.cells[{system, rule, side, metric, "", ""}] = {
          metrics::total(*scores), bootstrap_.interval(*scores, bounds_of(metric))};
      if (side == GoldSide::post) series_[{system, rule, metric}] = std::move(*scores);
    }
    if (side == GoldSide::post) add_harmonic_means(system, rule);
    if (side == GoldSide::post) add_breakdowns(system, rule, cases);
  }

  void add_difference(const std::string& first, const std::string& second, MatchRule rule,
                      const std::string& metric) {
    const auto a = series_.find({first, rule, metric});
    const auto b = series_.find({second, rule, metric});
    if (a == series_.end() || b == series_.end()) return;
    PairedDifference difference{
        first,
        second,
        metric,
        rule,
        metrics::total(a->second).value() - metrics::total(b->second).value(),
        bootstrap_.paired_difference(a->second, b->second)};
    count_discordant(a->second, b->second, &difference);
    report_.differences.push_back(std::move(difference));
  }

 private:
  void add_breakdowns(const std::string& system, MatchRule rule,
                      const std::vector<metrics::ScoredCase>& cases) {
    for (const std::string& breakdown : metrics::known_breakdowns()) {
      for (const metrics::Bucket& bucket : metrics::buckets_of(cases, breakdown)) {
        const metrics::Bootstrap resampling(static_cast<std::int64_t>(bucket.cases.size()),
                                            kBucketDraws, 0);
        for (const std::string& metric : wanted_) {
          const auto scores = metrics::case_scores(metric, bucket.cases);
          if (!scores) continue;
          report_.cells[{system, rule, GoldSide::post, metric, breakdown, bucket.name}] = {
              metrics::total(*scores), resampling.interval(*scores, bounds_of(metric))};
        }
      }
    }
  }

  // Of totals that are there already; it counts as many records as they do.
  void add_harmonic_means(const std::string& system, MatchRule rule) {
    for (const std::string& metric : wanted_) {
      std::vector<metrics::CaseScores> parts;
      std::vector<double> values;
      for (const std::string& part : metrics::metric_info(metric).harmonic_of) {
        const auto found = series_.find({system, rule, part});
        if (found == series_.end()) break;
        parts.push_back(found->second);
        values.push_back(metrics::total(found->second).value());
      }
      if (parts.empty() || parts.size() < metrics::metric_info(metric).harmonic_of.size()) continue;
      const double n = metrics::total(parts.front()).n;
      report_.cells[{system, rule, GoldSide::post, metric, "", ""}] = {
          {metrics::harmonic_mean(values) * n, n}, bootstrap_.harmonic_interval(parts)};
    }
  }

  static constexpr std::int64_t kBucketDraws = 1000;
  BenchReport& report_;
  std::vector<std::string> wanted_;
  metrics::Bootstrap bootstrap_;
  std::map<std::tuple<std::string, MatchRule, std::string>, metrics::CaseScores> series_;
};

void add_cells(BenchReport& report, const ReportOptions& options) {
  CellMaker maker(report, options, wanted_metrics(report.data));
  for (const runner::SystemInfo& system : report.systems) {
    for (const MatchRule rule : report.rules) {
      maker.add_system(system.label, rule, GoldSide::post);
      maker.add_system(system.label, rule, GoldSide::pre);
    }
  }
  const MatchRule rule = report.rules.front();
  for (std::size_t i = 0; i < report.systems.size(); ++i) {
    if (report.systems[i].kind != "editor") continue;
    for (std::size_t j = i + 1; j < report.systems.size(); ++j) {
      for (const char* metric : compared_metrics()) {
        maker.add_difference(report.systems[i].label, report.systems[j].label, rule, metric);
      }
    }
  }
}

std::vector<std::string> present_metrics(const BenchReport& report) {
  std::set<std::string> present;
  for (const auto& [key, cell] : report.cells) present.insert(key.metric);
  std::vector<std::string> names;
  for (const metrics::MetricInfo& info : metrics::known_metrics()) {
    if (present.count(info.name) > 0) names.push_back(info.name);
  }
  return names;
}

std::map<std::string, SystemTiming> timings_of(const runner::RunData& data) {
  std::map<std::int64_t, std::int64_t> edits_of_case;
  for (const Case& one : data.cases) {
    edits_of_case[one.id] = static_cast<std::int64_t>(one.edits.size());
  }
  std::map<std::string, SystemTiming> timings;
  for (const auto& [system, outputs] : data.outputs) {
    SystemTiming& timing = timings[system];
    std::set<std::int64_t> groups;
    for (const auto& [id, one] : outputs) {
      ++timing.cases;
      timing.answer_seconds += one.answer_seconds;
      if (!one.edit_ids.empty()) timing.edits += edits_of_case[id];
      if (!groups.insert(one.group).second) continue;
      timing.edit_seconds += one.edit_seconds;
      if (!one.failure.empty()) ++timing.failed_groups;
    }
  }
  return timings;
}

std::vector<std::int64_t> contaminated_of(const runner::RunData& data) {
  std::vector<std::int64_t> ids;
  const JsonView header(data.header, "run " + data.record.id);
  const JsonView list = header.at("protocol").at("contaminated");
  for (std::size_t i = 0; i < list.size(); ++i) ids.push_back(list.at(i).integer());
  return ids;
}

// A seeded sample that takes turns between hop counts, in ascending order of ids.
std::vector<const Case*> sampled_cases(const std::vector<Case>& cases,
                                       const ReportOptions& options) {
  std::map<std::int64_t, std::vector<const Case*>> by_hops;
  for (const Case& one : cases) by_hops[one.hop_count()].push_back(&one);
  std::mt19937_64 generator(options.seed);
  for (auto& [hops, members] : by_hops) {
    for (std::size_t i = members.size(); i-- > 1;) {
      std::swap(members[i], members[static_cast<std::size_t>(generator() % (i + 1))]);
    }
  }
  std::vector<const Case*> chosen;
  const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(options.sample_cases, 0));
  for (std::size_t turn = 0; chosen.size() < std::min(wanted, cases.size()); ++turn) {
    for (const auto& [hops, members] : by_hops) {
      if (turn < members.size() && chosen.size() < wanted) chosen.push_back(members[turn]);
    }
  }
  std::sort(chosen.begin(), chosen.end(),
            [](const Case* a, const Case* b) { return a->id < b->id; });
  return chosen;
}

std::vector<SampleCase> samples_of(const BenchReport& report, const ReportOptions& options) {
  const MatchRule rule = report.rules.front();
  const std::set<std::int64_t> dirty(report.contaminated.begin(), report.contaminated.end());
  std::vector<SampleCase> samples;
  for (const Case* one : sampled_cases(report.data.cases, options)) {
    SampleCase sample{one, dirty.count(one->id) > 0, {}};
    for (const runner::SystemInfo& system : report.systems) {
      const CaseOutputs* outputs = outputs_for(report.data, system.label, one->id);
      if (outputs == nullptr) continue;
      sample.answers.push_back({system.label, outputs,
                                metrics::judge(*one, outputs, rule, GoldSide::post),
                                metrics::judge(*one, outputs, rule, GoldSide::pre)});
    }
    samples.push_back(std::move(sample));
  }
  return samples;
}

void add_specificity(BenchReport& report, const ReportOptions& options) {
  for (const auto& [system, outputs] : report.data.outputs) {
    answering::SpecificityTable table = answering::specificity_of(
        report.data.cases, outputs, report.rules.front(), options.draws, options.seed);
    if (!table.scores.empty()) report.specificity.emplace(system, std::move(table));
  }
}

void count_recall(BenchReport& report) {
  for (const Case& one : report.data.cases) {
    const CaseOutputs* unedited = outputs_for(report.data, "unedited", one.id);
    if (unedited == nullptr) continue;
    const metrics::Recall recall = metrics::recall_of(one, *unedited);
    if (!recall.pre_known && !recall.rest_known) continue;
    ++report.recall_asked;
    if (recall.pre_known.value_or(false)) ++report.pre_known;
    if (recall.rest_known.value_or(false)) ++report.rest_known;
  }
}

}  // namespace

const ReportCell* BenchReport::find(const CellKey& key) const {
  const auto found = cells.find(key);
  return found == cells.end() ? nullptr : &found->second;
}

const std::vector<const char*>& compared_metrics() {
  static const std::vector<const char*> metrics = {
      "edit_wise",      "instance_wise",  "multi_hop_any", "cot_any",         "counterfact_es",
      "counterfact_ps", "counterfact_ns", "zsre_efficacy", "zsre_paraphrase", "zsre_specificity"};
  return metrics;
}

std::string shown(const std::string& metric, double value) {
  return metrics::metric_info(metric).times_100 ? percent(value) : fmt::format("{:.1f}", value);
}

std::string headline_metric(const BenchReport& report) {
  for (const char* metric :
       {"cot_any", "multi_hop_any", "counterfact_s", "zsre_score", "edit_wise"}) {
    if (std::find(report.metrics.begin(), report.metrics.end(), metric) != report.metrics.end()) {
      return metric;
    }
  }
  return report.metrics.empty() ? "" : report.metrics.front();
}

BenchReport make_report(runner::RunData data, const ReportOptions& options) {
  if (data.cases.empty()) {
    throw EvalError(fmt::format("reporting run {}: it holds no cases", data.record.id));
  }
  BenchReport report;
  report.data = std::move(data);
  report.systems = systems_of(report.data);
  report.rules = rules_of(report.data);
  report.contaminated = contaminated_of(report.data);
  report.timings = timings_of(report.data);
  add_cells(report, options);
  report.metrics = present_metrics(report);
  add_specificity(report, options);
  count_recall(report);
  report.samples = samples_of(report, options);
  return report;
}

}  // namespace kedit::report

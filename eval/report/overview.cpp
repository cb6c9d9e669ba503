// Provenance, headline panels, per-hop panels.
#include "eval/report/chart.hpp"
#include "eval/report/html.hpp"
#include "eval/report/page_frame.hpp"
#include "eval/report/sections.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace kedit::report {
namespace {

std::string plural(std::size_t count, const char* noun) {
  return fmt::format("{} {}{}", with_thousands(static_cast<std::int64_t>(count)), noun,
                     count == 1 ? "" : "s");
}

std::string text_of(const Json& header, const char* part, const char* key) {
  if (!header.contains(part) || !header[part].contains(key)) return "";
  const Json& value = header[part][key];
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

std::string rule_names(const BenchReport& report) {
  std::vector<std::string> names;
  for (const MatchRule rule : report.rules) names.emplace_back(to_string(rule));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string hash(const char* what, const std::string& digest) {
  return digest.empty() ? "" : fmt::format("{} <code>{}</code>", what, escape_html(digest));
}

std::string grouping_text(const Json& header) {
  const std::string size = text_of(header, "protocol", "group_size");
  if (size == "1") return "every case edited alone (k = 1)";
  if (size == "all") return "all edits active together";
  return fmt::format("groups of {} cases, their edits active together", size);
}

// One bar a system at a place of the table (its `system` is filled in here).
std::vector<Bar> bars_of(const BenchReport& report, CellKey place) {
  std::vector<Bar> bars;
  for (const runner::SystemInfo& system : report.systems) {
    place.system = system.label;
    const ReportCell* cell = report.find(place);
    if (cell == nullptr) continue;
    bars.push_back(
        {system.label, colour_of(report, system.label), cell->score.value(), cell->interval});
  }
  return bars;
}

std::string spoken(const std::string& title, const std::vector<Bar>& bars) {
  std::string text = title + ":";
  for (const Bar& bar : bars) text += fmt::format(" {} {} %;", bar.label, percent(bar.value));
  return text;
}

std::string counted(double n, const std::string& metric) {
  const bool edits = metric.rfind("edit_wise", 0) == 0;
  return plural(static_cast<std::size_t>(n + 0.5), edits ? "edit" : "case");
}

// A panel of one number of all systems; empty when no system has it.
std::string panel(const BenchReport& report, const std::string& title, CellKey place) {
  const std::vector<Bar> bars = bars_of(report, place);
  if (bars.empty()) return "";
  place.system = bars.front().label;
  const ReportCell* cell = report.find(place);
  return fmt::format("<div class=\"card panel\"><h3>{}</h3><p>{}</p>{}</div>\n", escape_html(title),
                     counted(cell == nullptr ? 0.0 : cell->score.n, place.metric),
                     bar_panel_svg(bars, spoken(title, bars)));
}

}  // namespace

std::string summary_line(const BenchReport& report) {
  const Json& header = report.data.header;
  return fmt::format("{} on {} of {}; {}; matching {}; model {}.",
                     plural(report.systems.size(), "system"),
                     plural(report.data.cases.size(), "case"), text_of(header, "dataset", "name"),
                     grouping_text(header), rule_names(report), text_of(header, "model", "name"));
}

std::string generation_line(const BenchReport& report) {
  const Json& header = report.data.header;
  if (!header.contains("protocol") || !header["protocol"].contains("generation")) return "";
  const Json& texts = header["protocol"]["generation"];
  const auto text = [&](const char* key) { return to_text(texts.value(key, Json(0))); };
  const auto hashed = [&](const char* key) {
    return texts.contains(key) ? fmt::format(" {:.12}", texts[key].get<std::string>()) : "";
  };
  const bool punkt = texts.value("sentences", "") == "punkt";
  return fmt::format(
      "of records whose id {} divides; top-k {}, {} tokens with the prompt, seed {}; sentences "
      "{}{}; "
      "snippets{}",
      text("every"), text("top_k"), text("tokens"), text("seed"),
      punkt ? "by Punkt's tables" : "split plainly", hashed("sentences_sha256"),
      texts.contains("snippets_sha256") ? hashed("snippets_sha256") : " none");
}

std::string colour_of(const BenchReport& report, const std::string& system) {
  std::size_t editors = 0;
  std::size_t controls = 0;
  for (const runner::SystemInfo& info : report.systems) {
    const bool editor = info.kind == "editor";
    if (info.label == system) {
      return editor ? fmt::format("--s{}", editors % 6) : fmt::format("--c{}", controls % 3);
    }
    ++(editor ? editors : controls);
  }
  return "--c0";
}

std::string provenance_html(const BenchReport& report) {
  const Json& header = report.data.header;
  const RunRecord& record = report.data.record;
  const auto text = [&](const char* part, const char* key) {
    return escape_html(text_of(header, part, key));
  };
  std::string out = "<h2>What was run</h2>\n<div class=\"card\"><dl class=\"facts\">\n";
  const std::string parameters = text_of(header, "model", "parameters");
  out += fact_html(
      "Model",
      fmt::format("{} ({}, {} parameters, {})", text("model", "name"), text("model", "family"),
                  with_thousands(parameters.empty() ? 0 : std::stoll(parameters)),
                  text("model", "dtype")),
      hash("fingerprint", text_of(header, "model", "fingerprint")));
  const Json mounted = header.contains("model") ? header["model"].value("mounted", Json()) : Json();
  if (mounted.is_array() && !mounted.empty()) {
    out += fact_html("Starts from",
                     fmt::format("{} that stay mounted throughout", plural(mounted.size(), "edit")),
                     hash("fingerprint", text_of(header, "model", "mounted_fingerprint")));
  }
  out += fact_html("Data",
                   fmt::format("{}: {} of {} cases", text("dataset", "name"),
                               report.data.cases.size(), text("dataset", "cases_in_file")),
                   hash("SHA-256", text_of(header, "dataset", "sha256")));
  out += fact_html(
      "Protocol",
      fmt::format("{}; grouping {}, seed {}; mask {}; {}", escape_html(grouping_text(header)),
                  text("protocol", "grouping"), text("protocol", "seed"), text("protocol", "mask"),
                  text("protocol", "schedule")),
      hash("groups", text_of(header, "protocol", "groups_sha256")));
  out += fact_html("Prompts",
                   fmt::format("{}, version {}; {} decoding", text("prompts", "name"),
                               text("prompts", "version"), text("protocol", "decoding")),
                   hash("SHA-256", text_of(header, "prompts", "sha256")));
  if (const std::string sampled = generation_line(report); !sampled.empty()) {
    out += fact_html("Sampled texts", escape_html(sampled), "");
  }
  out += fact_html("Matching", escape_html(rule_names(report)),
                   "golds after the edits unless a table says otherwise");
  const std::string state = record.state == "done" ? "complete" : record.state;
  out += fact_html(
      "Run", fmt::format("{}, {}", escape_html(record.id), escape_html(state)),
      fmt::format("seed {}; {} to {}", escape_html(to_text(header.value("seed", Json(0)))),
                  escape_html(record.started),
                  record.finished.empty() ? "now" : escape_html(record.finished)));
  return out + "</dl></div>\n";
}

std::string headline_html(const BenchReport& report) {
  if (report.metrics.empty()) return "<p>Nothing has been answered yet.</p>\n";
  const MatchRule rule = report.rules.front();
  std::string panels;
  for (const char* metric :
       {"edit_wise", "instance_wise", "multi_hop_any", "cot_any", "hop_joint", "counterfact_es",
        "counterfact_ps", "counterfact_ns", "counterfact_s", "zsre_efficacy", "zsre_paraphrase",
        "zsre_specificity", "zsre_score"}) {
    panels += panel(report, metrics::metric_info(metric).title,
                    {"", rule, GoldSide::post, metric, "", ""});
  }
  const std::string metric = headline_metric(report);
  const bool old_side = metrics::metric_info(metric).has_old_side;
  if (old_side) {
    panels += panel(report, "Old answer, " + metrics::metric_info(metric).title,
                    {"", rule, GoldSide::pre, metric, "", ""});
  }
  return fmt::format(
      "<h2>At a glance</h2>\n<p class=\"note\">Per cent, rule {}. {}. Coloured bars are editors, "
      "grey ones controls.{}</p>\n"
      "<div class=\"panels\">\n{}</div>\n",
      to_string(rule), metrics::interval_note("cases"),
      old_side ? " The last panel counts answers that were right before the edits: there, less is "
                 "better."
               : "",
      panels);
}

std::string hops_html(const BenchReport& report) {
  if (report.metrics.empty()) return "";
  const std::string metric = headline_metric(report);
  std::set<std::string> hops;
  for (const auto& [key, cell] : report.cells) {
    if (key.breakdown == "hops" && key.metric == metric) hops.insert(key.bucket);
  }
  if (hops.empty()) return "";
  std::string panels;
  for (const std::string& bucket : hops) {
    panels += panel(report, bucket + " hops",
                    {"", report.rules.front(), GoldSide::post, metric, "hops", bucket});
  }
  return fmt::format(
      "<h2>By length of the chain</h2>\n<p class=\"note\">{}, rule {}: the longer the chain, the "
      "more facts must be put together.</p>\n<div class=\"panels\">\n{}</div>\n",
      escape_html(metrics::metric_info(metric).title), to_string(report.rules.front()), panels);
}

}  // namespace kedit::report

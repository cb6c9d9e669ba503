#include "eval/report/definitions.hpp"

#include "eval/answering/answerers.hpp"
#include "eval/answering/specificity.hpp"
#include "eval/audit/audit.hpp"
#include "eval/metrics/metrics.hpp"
#include "eval/runner/config.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::report {
namespace {

constexpr std::size_t kTextWidth = 100;
constexpr std::size_t kIndent = 22;

std::string with_period(const std::string& text) {
  return text.empty() || text.back() == '.' ? text : text + ".";
}

std::string sentence(const std::string& definition, const std::string& origin) {
  const std::string said = with_period(definition);
  return origin.empty() ? said : fmt::format("{} Origin: {}.", said, origin);
}

void append_wrapped(std::string& out, const std::string& text) {
  std::size_t column = kIndent;
  bool first = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (!first && column + 1 + (end - at) > kTextWidth) {
      out += "\n" + std::string(kIndent, ' ');
      column = kIndent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out.append(text, at, end - at);
    column += end - at;
    first = false;
    at = end + 1;
  }
}

}  // namespace

Definitions metric_definitions() {
  Definitions list{"Metrics", {}};
  for (const metrics::MetricInfo& info : metrics::known_metrics()) {
    if (info.basis != metrics::MetricBasis::probabilities)
      list.entries.emplace_back(info.name, sentence(info.definition, info.origin));
  }
  return list;
}

Definitions probability_definitions() {
  Definitions list{"Metrics of CounterFact and zsRE", {}};
  for (const metrics::MetricInfo& info : metrics::known_metrics()) {
    if (info.basis != metrics::MetricBasis::probabilities) continue;
    list.entries.emplace_back(info.name,
                              info.title + ". " + sentence(info.definition, info.origin));
  }
  return list;
}

Definitions rule_definitions() {
  Definitions list{"Matching rules", {}};
  for (const MatchRuleInfo& info : match_rules()) {
    list.entries.emplace_back(info.name, sentence(info.definition, info.origin));
  }
  return list;
}

Definitions grouping_definitions() {
  Definitions list{"Groupings", {}};
  for (const protocol::Grouping one : {protocol::Grouping::seed0, protocol::Grouping::poke,
                                       protocol::Grouping::file, protocol::Grouping::rem}) {
    list.entries.emplace_back(to_string(one), with_period(protocol::grouping_summary(one)));
  }
  return list;
}

Definitions control_definitions() {
  Definitions list{"Controls", {}};
  for (const runner::ControlInfo& info : runner::known_controls())
    list.entries.emplace_back(info.name, info.summary);
  return list;
}

Definitions answerer_definitions() {
  Definitions list{
      "Answerers",
      {{"cloze", "An edit's own statement to be completed, no exemplars (MQuAKE)."},
       {"question", "A single hop as a question, exemplars of its relation before it (MQuAKE)."},
       {"direct", "A multi-hop question answered at once, exemplars before it (MQuAKE)."},
       {"cot", "A multi-hop question with thoughts before the answer (MQuAKE)."}}};
  for (const answering::FurtherAskInfo& one : answering::known_further_asks()) {
    list.entries.emplace_back(one.name, one.definition);
  }
  return list;
}

Definitions detector_definitions() {
  Definitions list{"Detectors", {}};
  for (const audit::AuditDetector& one : audit::audit_detectors()) {
    list.entries.emplace_back(one.name, with_period(one.definition));
  }
  return list;
}

Definitions specificity_definitions() {
  Definitions list{"R-Specificity", {}};
  for (const answering::SpecificityReading& one : answering::specificity_readings()) {
    list.entries.emplace_back(one.name, one.definition);
  }
  list.entries.emplace_back("scopes",
                            "strict: facts that no case of the file edits; isolated: all of them; "
                            "per case: not edited by the case itself.");
  return list;
}

std::string to_text(const Definitions& definitions) {
  std::string out = definitions.title + "\n";
  for (const auto& [name, text] : definitions.entries) {
    std::string line = "  " + name;
    if (line.size() + 1 > kIndent) {
      out += line + "\n" + std::string(kIndent, ' ');
    } else {
      line.resize(kIndent, ' ');
      out += line;
    }
    append_wrapped(out, text);
    out += "\n";
  }
  return out;
}

}  // namespace kedit::report

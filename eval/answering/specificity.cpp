#include "eval/answering/specificity.hpp"

#include "eval/answering/prompts.hpp"
#include "eval/metrics/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

namespace kedit::answering {
namespace {

/// A pair as a reading sees it, with what it is grouped by.
struct Pair {
  const NeighbourOutput* output = nullptr;
  std::string edit;              // subject, relation and new object
  std::set<std::string> target;  // the edit's new object and its aliases
};

bool in_scope(const NeighbourOutput& one, SpecificityScope scope) {
  switch (scope) {
    case SpecificityScope::strict:
      return !one.edited_by_file;
    case SpecificityScope::isolated:
      return true;
    case SpecificityScope::per_case:
      return !one.edited_by_case;
  }
  return false;
}

std::vector<Pair> pairs_of(const std::vector<Case>& cases,
                           const std::map<std::int64_t, CaseOutputs>& outputs,
                           SpecificityScope scope) {
  std::vector<Pair> pairs;
  for (const Case& one : cases) {
    const auto found = outputs.find(one.id);
    if (found == outputs.end()) continue;
    for (const NeighbourOutput& output : found->second.neighbours) {
      const auto at = static_cast<std::size_t>(output.edit);
      if (!in_scope(output, scope) || at >= one.edits.size()) continue;
      const EditRequest& edit = one.edits[at];
      std::set<std::string> target(edit.target_new_aliases.begin(), edit.target_new_aliases.end());
      target.insert(edit.target_new);
      pairs.push_back({&output, edit.subject + "\t" + edit.relation + "\t" + edit.target_new,
                       std::move(target)});
    }
  }
  return pairs;
}

/// The value of a pair, or nothing where the reading does not apply to it.
using PairValue = std::function<std::optional<double>(const Pair&)>;

const Answer& now(const Pair& pair, Ask ask) {
  return ask == Ask::cloze ? pair.output->cloze : pair.output->question;
}

const Answer& earlier(const Pair& pair, Ask ask) {
  return ask == Ask::cloze ? pair.output->cloze_before : pair.output->question_before;
}

double as_share(bool yes) { return yes ? 1.0 : 0.0; }

PairValue keeps(Ask ask, MatchRule rule) {
  return [ask, rule](const Pair& pair) -> std::optional<double> {
    const GoldMatcher matcher(pair.output->gold, rule);
    if (!matcher(earlier(pair, ask).answer)) return std::nullopt;
    return as_share(matcher(now(pair, ask).answer));
  };
}

PairValue stays(Ask ask) {
  return [ask](const Pair& pair) -> std::optional<double> {
    return as_share(now(pair, ask).answer == earlier(pair, ask).answer);
  };
}

PairValue intrudes(Ask ask) {
  return [ask](const Pair& pair) -> std::optional<double> {
    const auto& answer = now(pair, ask).answer;
    return as_share(answer && pair.target.count(*answer) > 0);
  };
}

// The origin's rule: the kept token's own log-probability against the worst token of the target.
std::optional<double> ranks(const Pair& pair) {
  if (!pair.output->kept_after) return std::nullopt;
  return as_share(*pair.output->kept_after > pair.output->target_after.lowest);
}

// The fair variant: mean log-probability per token on both sides.
std::optional<double> ranks_by_mean(const Pair& pair) {
  return as_share(pair.output->gold_after.mean_logprob() >
                  pair.output->target_after.mean_logprob());
}

std::optional<double> raises_nll(const Pair& pair) {
  return pair.output->gold_before.mean_logprob() - pair.output->gold_after.mean_logprob();
}

// Pairs of one subject stand and fall together: they are drawn together.
metrics::Interval interval_of(const std::map<std::string, metrics::CaseScore>& by_subject,
                              const std::optional<metrics::Bounds>& bounds, std::int64_t draws,
                              std::uint64_t seed) {
  metrics::CaseScores scores;
  for (const auto& [subject, score] : by_subject) scores.push_back(score);
  return metrics::Bootstrap(static_cast<std::int64_t>(scores.size()), draws, seed)
      .interval(scores, bounds);
}

std::optional<SpecificityScore> read(const std::string& reading, const std::string& form,
                                     const std::vector<Pair>& pairs, const PairValue& value,
                                     std::int64_t draws, std::uint64_t seed) {
  std::map<std::string, metrics::CaseScore> by_subject, by_edit;
  SpecificityScore score{reading, form, 0, 0, 0, 0.0, 0.0, {}};
  double sum = 0.0;
  for (const Pair& pair : pairs) {
    const std::optional<double> one = value(pair);
    if (!one) continue;
    ++score.pairs;
    sum += *one;
    for (metrics::CaseScore* part : {&by_subject[pair.output->subject], &by_edit[pair.edit]}) {
      part->hit += *one;
      part->n += 1.0;
    }
  }
  if (score.pairs == 0) return std::nullopt;
  score.edits = static_cast<std::int64_t>(by_edit.size());
  score.subjects = static_cast<std::int64_t>(by_subject.size());
  score.over_pairs = sum / static_cast<double>(score.pairs);
  for (const auto& [edit, part] : by_edit) score.over_edits += part.hit / part.n;
  score.over_edits /= static_cast<double>(score.edits);
  const bool share = reading != "RS-dNLL";  // nats have no bounds
  score.interval =
      interval_of(by_subject, share ? std::optional(metrics::Bounds{}) : std::nullopt, draws, seed);
  return score;
}

struct PlannedReading {
  std::string name, form;
  PairValue value;
};

std::vector<PlannedReading> planned(MatchRule rule) {
  std::vector<PlannedReading> list;
  for (const Ask ask : {Ask::cloze, Ask::question}) {
    const std::string form = to_string(ask);
    list.push_back({"RS-keep", form, keeps(ask, rule)});
    list.push_back({"RS-same", form, stays(ask)});
    list.push_back({"RS-intrude", form, intrudes(ask)});
  }
  list.push_back({"RS-rank", "", ranks});
  list.push_back({"RS-rank, mean", "", ranks_by_mean});
  list.push_back({"RS-dNLL", "", raises_nll});
  return list;
}

}  // namespace

const char* to_string(SpecificityScope scope) {
  switch (scope) {
    case SpecificityScope::strict:
      return "strict";
    case SpecificityScope::isolated:
      return "isolated";
    case SpecificityScope::per_case:
      return "per case";
  }
  return "?";
}

const std::vector<SpecificityReading>& specificity_readings() {
  static const std::vector<SpecificityReading> list = {
      {"RS-keep",
       "Of the other facts of an edited subject that the model told before the edits, the share "
       "that it still tells.",
       true},
      {"RS-same", "Share of all pairs where the answer is the same as before the edits.", true},
      {"RS-intrude",
       "Share of all pairs answered with the edit's new object: the edit leaks into another "
       "relation.",
       false},
      {"RS-rank",
       "Share of pairs where the first content token of before is still more probable than the "
       "least probable token of the new object (the rule of RETS on CounterFact, carried over).",
       true},
      {"RS-rank, mean",
       "The same with the mean log-probability per token of the other fact's object and of the "
       "new object.",
       true},
      {"RS-dNLL",
       "Mean rise of the negative log-probability per token of the other fact's object, nats.",
       false},
  };
  return list;
}

SpecificityTable specificity_of(const std::vector<Case>& cases,
                                const std::map<std::int64_t, CaseOutputs>& outputs, MatchRule rule,
                                std::int64_t draws, std::uint64_t seed) {
  SpecificityTable table;
  for (const SpecificityScope scope :
       {SpecificityScope::strict, SpecificityScope::isolated, SpecificityScope::per_case}) {
    const std::vector<Pair> pairs = pairs_of(cases, outputs, scope);
    for (const PlannedReading& one : planned(rule)) {
      if (const auto score = read(one.name, one.form, pairs, one.value, draws, seed)) {
        table.scores[scope].push_back(*score);
      }
    }
  }
  return table;
}

}  // namespace kedit::answering

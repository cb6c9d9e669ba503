#pragma once

#include "datasets/case.hpp"
#include "eval/metrics/bootstrap.hpp"
#include "eval/metrics/matching.hpp"
#include "eval/metrics/outputs.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kedit::answering {

/// Which other facts of an edited subject count.
enum class SpecificityScope {
  strict,    ///< Not edited by any case of the file.
  isolated,  ///< Whatever other cases edit: fair where one edit is made at a time.
  per_case,  ///< Not edited by the case itself.
};
const char* to_string(SpecificityScope scope);

/// One reading of R-Specificity over pairs (edit, other fact of its subject).
struct SpecificityScore {
  std::string reading;  ///< "RS-keep", ...
  std::string form;     ///< "cloze", "question" or "" for readings of probabilities
  std::int64_t pairs = 0, edits = 0, subjects = 0;  ///< Behind the value.
  double over_pairs = 0.0;                          ///< Mean over pairs.
  double over_edits = 0.0;                          ///< Mean over edits of their pairs' means.
  metrics::Interval interval;                       ///< 95 %, of `over_pairs`, over subjects.
};

struct SpecificityTable {
  std::map<SpecificityScope, std::vector<SpecificityScore>> scores;
};

struct SpecificityReading {
  std::string name, definition;
  bool higher_is_better;
};
/// The five readings (RS-rank in two variants) in the order of reports.
const std::vector<SpecificityReading>& specificity_readings();

/// All readings of all scopes from stored outputs of one system (cases in any order): a pure
/// function. Empty when nothing was asked. Facts known before the edits are told by `rule`.
SpecificityTable specificity_of(const std::vector<Case>& cases,
                                const std::map<std::int64_t, CaseOutputs>& outputs, MatchRule rule,
                                std::int64_t draws, std::uint64_t seed);

}  // namespace kedit::answering

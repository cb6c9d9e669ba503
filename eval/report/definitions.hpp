#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kedit::report {

/// A list of names, each with one sentence and its origin: what help texts and reports show.
struct Definitions {
  std::string title;
  std::vector<std::pair<std::string, std::string>> entries;
};

Definitions metric_definitions();
Definitions rule_definitions();
Definitions grouping_definitions();
Definitions control_definitions();
Definitions answerer_definitions();
Definitions detector_definitions();
Definitions specificity_definitions();
/// Those of CounterFact and zsRE, which `metric_definitions` leaves out.
Definitions probability_definitions();

/// Plain text under the title, entries in two columns, at most 100 wide.
std::string to_text(const Definitions& definitions);

}  // namespace kedit::report

#pragma once

#include "editors/locate/context_templates.hpp"
#include "editors/locate/subject_position.hpp"
#include "model/edited_model.hpp"

#include <cstdint>
#include <vector>

namespace kedit::locate {

/// The texts of one value optimisation, tokenised: N rewriting rows (context + prompt + target
/// without its last token) and the row that should not drift ("{subject} is a" in the first
/// template's place, cut after the fact token: by causality what follows plays no part).
struct ValueProblem {
  std::int64_t layer = 0;
  std::vector<LocatedText> rewriting;  ///< [N]; row 0 is the first template, the bare prompt
  LocatedText essence;                 ///< ROME's KL row
  std::vector<std::int64_t> target;    ///< [t] ids; the label of position n_j - t + i is target[i]

  /// First position of row `row` whose logits are scored (they predict target[0]).
  std::int64_t first_label(std::size_t row) const;
  /// True when no scored logit can depend on a change at the fact token of `layer`: the last layer,
  /// with every fact token before every label (the reference then returns a random change).
  bool blind(std::int64_t layers) const;
};

/// Builds the rows for a request (ROME, section 3.1 and appendix E.5).
ValueProblem make_value_problem(const EditedModel& model, std::int64_t layer,
                                const EditRequest& request, const ContextTemplates& templates,
                                FactToken token);

}  // namespace kedit::locate

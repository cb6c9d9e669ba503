#pragma once

#include "editors/locate/context_templates.hpp"
#include "editors/locate/subject_position.hpp"
#include "model/edited_model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::locate {

/// The rows that shall write one fact's target: context + prompt + target without its last token.
struct FactRows {
  std::vector<LocatedText> rows;     ///< [N]; row 0 is the first template, the bare prompt
  std::vector<std::int64_t> target;  ///< [t] ids; the label of position n_j - t + i is target[i]

  /// First position of row `row` whose logits are scored (they predict target[0]).
  std::int64_t first_label(std::size_t row) const;
};

/// The texts of one value optimisation, tokenised: the rows of its fact (or of several facts that
/// share one delta) and the row that should not drift ("{subject} is a" in the first template's
/// place, cut after the fact token: by causality what follows plays no part).
struct ValueProblem {
  std::string name;  ///< of the request, for messages
  std::int64_t layer = 0;
  /// Where delta is added: `mlp_value`, the second MLP matrix's output (ROME), or `resid_post`, the
  /// block's output (MEMIT).
  Site site = Site::mlp_value;
  std::vector<FactRows> facts;  ///< one, but where facts share a delta
  LocatedText essence;          ///< ROME's KL row

  /// True when no scored logit can depend on a change at the fact token of `layer`: the last layer,
  /// with every fact token before every label (the reference then returns a random change).
  bool blind(std::int64_t layers) const;
  /// The row, counted over all facts, that reads like the KL row up to its fact token (the bare
  /// prompt of a request that begins with its subject does): by causality what follows the fact
  /// token there is the KL row's own. -1 when none does.
  std::int64_t essence_in_row() const;
  /// Tokens from the fact token to the end of the longest row: what each step runs.
  std::int64_t tail_length() const;
  std::int64_t row_count()
      const;  ///< rows that must be run: of all facts, and the KL row if need be
};

/// Where a value is optimised.
struct ValueSite {
  std::int64_t layer = 0;
  Site site = Site::mlp_value;
};

/// Builds the rows for a request (ROME, section 3.1 and appendix E.5; MEMIT's are the same).
ValueProblem make_value_problem(const EditedModel& model, ValueSite where,
                                const EditRequest& request, const ContextTemplates& templates,
                                FactToken token);

}  // namespace kedit::locate

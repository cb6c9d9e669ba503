#pragma once

#include "model/edited_model.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kedit {

/// What a run of edits has done to a model as a whole.
struct CollapseFigures {
  double perplexity = 0;   ///< of the edited model on the probe text
  double before = 0;       ///< of the unedited one
  double norm_growth = 0;  ///< largest |W' - W| / |W| of the touched weights (Frobenius)
  std::string weight;      ///< whose growth that is

  double ratio() const { return before > 0 ? perplexity / before : perplexity; }
};

/// A collapse indicator for edits in a row, after "The Butterfly Effect of Model Editing" (Yang et
/// al., 2024): perplexity rises by orders of magnitude when an edit disables a model. The probe is
/// text that the unedited model writes itself (kedit's own choice), so that the indicator needs no
/// file and means the same for every model.
class CollapseWatch {
 public:
  /// Samples `texts` texts of `tokens` tokens from the unedited model (temperature 1).
  explicit CollapseWatch(const EditedModel& model, std::uint64_t seed, std::int64_t texts = 8,
                         std::int64_t tokens = 32);

  CollapseFigures look_at(const EditedModel& model) const;

  /// A perplexity this many times the unedited model's is called a collapse (kedit's own bound).
  static constexpr double kRatio = 4.0;

 private:
  using Pairs = std::vector<std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>>;

  double perplexity(const EditedModel& model) const;

  Pairs texts_;  // first token, the others
  double before_ = 0;
};

}  // namespace kedit

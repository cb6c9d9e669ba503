#pragma once

#include "editors/locate/second_moment.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::locate {

/// What collecting statistics costs, before it is done.
struct MomentCost {
  std::int64_t texts = 0, tokens = 0;  ///< tokens: told by some of the texts
  double seconds = 0.0;  ///< by the operations a token takes and how fast a product of the model's
                         ///< size is here and now
};

MomentCost moment_cost(const Model& model, const std::vector<std::int64_t>& layers,
                       const Corpus& corpus, const MomentOptions& options);

/// Seconds for so many tokens.
double collection_seconds(const Model& model, const std::vector<std::int64_t>& layers,
                          std::int64_t tokens);

std::string about_seconds(double seconds);  ///< "40 s", "12 min", "3 h"

}  // namespace kedit::locate

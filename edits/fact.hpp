#pragma once

#include <string>

namespace kedit {

/// A sentence that editors of the retrieval kind keep instead of a weight change.
struct Fact {
  std::string subject;
  std::string relation;  ///< Relation id ("P36") or empty.
  std::string object;
  std::string sentence;  ///< "The capital of France is Lyon" (no final period).

  bool operator==(const Fact&) const = default;
};

}  // namespace kedit

#pragma once

#include "eval/metrics/bootstrap.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kedit::report {

/// One bar of a panel: a share in [0, 1] with its interval.
struct Bar {
  std::string label;
  std::string colour;  ///< CSS custom property: "--s0"
  double value = 0.0;
  std::optional<metrics::Interval> interval;
};

/// A small picture of horizontal bars on a fixed 0 to 100 % scale, drawn at phone width so that its
/// text is legible there. `description` is what a screen reader says.
std::string bar_panel_svg(const std::vector<Bar>& bars, const std::string& description);

}  // namespace kedit::report

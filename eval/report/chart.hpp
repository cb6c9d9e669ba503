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

/// Several bars on one line, such as one token's probability before and after an edit.
struct BarGroup {
  std::string label;
  std::vector<double> values;  ///< Shares in [0, 1], by colour.
};

/// The same picture with a group of thin bars a row, in `colours` (CSS custom properties).
std::string grouped_bars_svg(const std::vector<BarGroup>& groups,
                             const std::vector<std::string>& colours,
                             const std::string& description);

}  // namespace kedit::report

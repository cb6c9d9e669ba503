#pragma once

#include "training/trainer.hpp"

#include <string>
#include <vector>

namespace kedit {

/// "step,loss,learning_rate" with a header line; numbers round-trip.
std::string loss_curve_csv(const std::vector<LossPoint>& curve);

/// A line chart of the loss over the steps (smoothed over 1 % of them, raw values behind it), as
/// one SVG document without outside references.
std::string loss_curve_svg(const std::vector<LossPoint>& curve, const std::string& title);

/// At most `points` points, each the mean of a stretch of equal length: the curve in short.
std::vector<LossPoint> summarize_curve(const std::vector<LossPoint>& curve, std::size_t points);

}  // namespace kedit

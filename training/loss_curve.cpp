#include "training/loss_curve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kedit {
namespace {

constexpr double kWidth = 720, kHeight = 360;
constexpr double kLeft = 56, kRight = 16, kTop = 40, kBottom = 40;

// Where a (step, loss) stands in the picture.
struct Scale {
  double steps = 1.0, max_loss = 1.0;
  double x(double step) const { return kLeft + (kWidth - kLeft - kRight) * step / steps; }
  double y(double loss) const {
    return kHeight - kBottom - (kHeight - kTop - kBottom) * std::min(loss, max_loss) / max_loss;
  }
};

Scale scale_of(const std::vector<LossPoint>& curve) {
  Scale scale;
  double top = 0.0;
  for (const LossPoint& point : curve) top = std::max(top, point.loss);
  scale.max_loss = std::max(std::ceil(top), 1.0);
  if (!curve.empty()) scale.steps = static_cast<double>(curve.back().step + 1);
  return scale;
}

std::string polyline(const std::vector<LossPoint>& curve, const Scale& scale, const char* style) {
  std::string points;
  for (const LossPoint& point : curve) {
    points += fmt::format("{:.1f},{:.1f} ", scale.x(static_cast<double>(point.step)),
                          scale.y(point.loss));
  }
  return fmt::format("<polyline fill=\"none\" {} points=\"{}\"/>\n", style, points);
}

std::string axes(const Scale& scale) {
  std::string out;
  for (int i = 0; i <= 4; ++i) {
    const double loss = scale.max_loss * i / 4.0;
    const double step = scale.steps * i / 4.0;
    out += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/>\n"
        "<text x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.2g}</text>\n"
        "<text x=\"{6:.1f}\" y=\"{7:.1f}\" text-anchor=\"middle\">{8:.0f}</text>\n",
        kLeft, kWidth - kRight, scale.y(loss), kLeft - 8, scale.y(loss) + 4, loss, scale.x(step),
        kHeight - kBottom + 18, step);
  }
  return out;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string loss_curve_csv(const std::vector<LossPoint>& curve) {
  std::string csv = "step,loss,learning_rate\n";
  for (const LossPoint& point : curve) {
    csv += fmt::format("{},{},{}\n", point.step, point.loss, point.learning_rate);
  }
  return csv;
}

std::vector<LossPoint> summarize_curve(const std::vector<LossPoint>& curve, std::size_t points) {
  std::vector<LossPoint> summary;
  const std::size_t count = std::min(points, curve.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = i * curve.size() / count;
    const std::size_t end = (i + 1) * curve.size() / count;
    LossPoint mean{curve[end - 1].step, 0.0, curve[end - 1].learning_rate};
    for (std::size_t j = begin; j < end; ++j) mean.loss += curve[j].loss;
    mean.loss /= static_cast<double>(end - begin);
    summary.push_back(mean);
  }
  return summary;
}

std::string loss_curve_svg(const std::vector<LossPoint>& curve, const std::string& title) {
  const Scale scale = scale_of(curve);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
             "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n"
             "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n"
             "<text x=\"{2}\" y=\"24\" font-size=\"14\">{3}</text>\n",
             kWidth, kHeight, kLeft, escaped(title)) +
         axes(scale) +
         polyline(summarize_curve(curve, 1000), scale, "stroke=\"#b8cbe6\" stroke-width=\"1\"") +
         polyline(summarize_curve(curve, 100), scale, "stroke=\"#1f5fae\" stroke-width=\"2\"") +
         "</svg>\n";
}

}  // namespace kedit

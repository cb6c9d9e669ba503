#include "eval/report/chart.hpp"

#include "eval/report/html.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::report {
namespace {

constexpr double kWidth = 340.0;
constexpr double kLeft = 112.0;  // room for labels
constexpr double kRight = 54.0;  // room for values
constexpr double kRow = 27.0;
constexpr double kBar = 15.0;
constexpr double kScale = 20.0;  // room for the scale
constexpr double kThin = 11.0;   // a bar of a group
constexpr double kGroupGap = 9.0;
constexpr std::size_t kLabelLength = 16;

double x_of(double value) {
  return kLeft + std::clamp(value, 0.0, 1.0) * (kWidth - kLeft - kRight);
}

std::string shortened(const std::string& label) {
  if (label.size() <= kLabelLength) return label;
  std::size_t end = kLabelLength - 1;
  while (end > 0 && (static_cast<unsigned char>(label[end]) & 0xC0U) == 0x80U) --end;
  return label.substr(0, end) + "\xE2\x80\xA6";
}

std::string whisker(const metrics::Interval& interval, double middle) {
  const double low = x_of(interval.low);
  const double high = x_of(interval.high);
  const std::string path =
      fmt::format("M{0:.1f} {2:.1f}H{1:.1f}M{0:.1f} {3:.1f}v6M{1:.1f} {3:.1f}v6", low, high, middle,
                  middle - 3.0);
  return fmt::format(
      R"svg(<path class="halo" fill="none" d="{0}"/><path class="whisker" fill="none" d="{0}"/>)svg",
      path);
}

std::string row(const Bar& bar, double top) {
  const double middle = top + kRow / 2.0;
  const double bar_top = middle - kBar / 2.0;
  std::string out = fmt::format(R"svg(<text x="{:.0f}" y="{:.1f}" text-anchor="end">{}</text>)svg",
                                kLeft - 8.0, middle + 4.5, escape_html(shortened(bar.label)));
  out += fmt::format(
      R"svg(<rect class="track" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="3"/>)svg",
      kLeft, bar_top, x_of(1.0) - kLeft, kBar);
  out += fmt::format(
      R"svg(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="3" style="fill:var({})"/>)svg",
      kLeft, bar_top, std::max(x_of(bar.value) - kLeft, 1.0), kBar, bar.colour);
  if (bar.interval) out += whisker(*bar.interval, middle);
  out +=
      fmt::format(R"svg(<text class="value" x="{:.0f}" y="{:.1f}" text-anchor="end">{}</text>)svg",
                  kWidth - 2.0, middle + 4.5, percent(bar.value));
  return out;
}

// One label for several thin bars, each with its value.
std::string group_row(const BarGroup& group, const std::vector<std::string>& colours, double top) {
  const double height = kThin * static_cast<double>(group.values.size());
  std::string out =
      fmt::format(R"svg(<text x="{:.0f}" y="{:.1f}" text-anchor="end">{}</text>)svg", kLeft - 8.0,
                  top + kGroupGap / 2.0 + height / 2.0 + 4.5, escape_html(shortened(group.label)));
  double bar_top = top + kGroupGap / 2.0;
  for (std::size_t i = 0; i < group.values.size(); ++i) {
    const double value = group.values[i];
    out += fmt::format(
        R"svg(<rect class="track" x="{0:.1f}" y="{1:.1f}" width="{2:.1f}" height="{3:.1f}"/>)svg"
        R"svg(<rect x="{0:.1f}" y="{1:.1f}" width="{4:.1f}" height="{3:.1f}" style="fill:var({5})"/>)svg"
        R"svg(<text class="fine" x="{6:.0f}" y="{7:.1f}" text-anchor="end">{8}</text>)svg",
        kLeft, bar_top, x_of(1.0) - kLeft, kThin - 1.5, std::max(x_of(value) - kLeft, 1.0),
        colours[i], kWidth - 2.0, bar_top + kThin - 2.0, percent(value));
    bar_top += kThin;
  }
  return out;
}

// A picture around rows that end at `bottom`: the scale below them and its lines.
std::string framed(const std::string& rows, double bottom, const std::string& description) {
  std::string svg =
      fmt::format(R"svg(<svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">)svg", kWidth,
                  bottom + kScale, escape_html(description));
  svg += rows;
  for (const int tick : {0, 25, 50, 75, 100}) {
    const double x = x_of(tick / 100.0);
    if (tick % 50 == 0) {
      svg += fmt::format(
          R"svg(<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)svg", x,
          bottom + kScale - 5.0, tick);
    }
    if (tick > 0 && tick < 100) {
      svg += fmt::format(R"svg(<path class="grid" d="M{0:.1f} 0V{1:.1f}"/>)svg", x, bottom);
    }
  }
  return svg + "</svg>";
}

}  // namespace

std::string bar_panel_svg(const std::vector<Bar>& bars, const std::string& description) {
  std::string rows;
  double top = 0.0;
  for (const Bar& bar : bars) {
    rows += row(bar, top);
    top += kRow;
  }
  return framed(rows, top, description);
}

std::string grouped_bars_svg(const std::vector<BarGroup>& groups,
                             const std::vector<std::string>& colours,
                             const std::string& description) {
  std::string rows;
  double top = 0.0;
  for (const BarGroup& group : groups) {
    rows += group_row(group, colours, top);
    top += kThin * static_cast<double>(group.values.size()) + kGroupGap;
  }
  return framed(rows, top, description);
}

}  // namespace kedit::report

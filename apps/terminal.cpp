#include "apps/terminal.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace kedit::cli {
namespace {

const char* escape_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::strong:
      return "\x1b[1m";
    case Tone::faint:
      return "\x1b[2m";
    case Tone::good:
      return "\x1b[32m";
    case Tone::bad:
      return "\x1b[31m";
    case Tone::notice:
      return "\x1b[33m";
  }
  return "";
}

// Cells may be painted: escape sequences take no columns.
std::string without_escapes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = std::min(text.find('m', i), text.size() - 1);
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::string padded(const std::string& cell, std::int64_t width, Table::Align align) {
  const std::string blanks(
      static_cast<std::size_t>(std::max<std::int64_t>(0, width - display_width(cell))), ' ');
  return align == Table::Align::right ? blanks + cell : cell + blanks;
}

std::string scaled(double value, double base, const std::array<const char*, 5>& units) {
  std::size_t unit = 0;
  while (value >= base && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f}{}", value, units[0])
                   : fmt::format("{:.1f}{}", value, units[unit]);
}

std::string bar_of(double share, int width) {
  const int filled = static_cast<int>(share * width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < filled ? "━" : "╌";
  return bar;
}

}  // namespace

std::string Style::paint(Tone tone, std::string_view text) const {
  if (!coloured_ || tone == Tone::plain) return std::string(text);
  return fmt::format("{}{}\x1b[0m", escape_of(tone), text);
}

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

int terminal_width(int descriptor) {
  struct winsize size {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool wants_colour(std::string_view choice, int descriptor) {
  if (choice == "always") return true;
  if (choice == "never") return false;
  const char* refused = std::getenv("NO_COLOR");
  if (refused != nullptr && *refused != '\0') return false;
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return is_terminal(descriptor) && !dumb;
}

std::int64_t display_width(std::string_view painted) {
  const std::string text = without_escapes(painted);
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  std::int64_t width = 0;
  while (left > 0) {
    utf8proc_int32_t point = -1;
    const auto step = std::max<utf8proc_ssize_t>(1, utf8proc_iterate(at, left, &point));
    width += point < 0 ? 1 : utf8proc_charwidth(point);
    at += step;
    left -= step;
  }
  return width;
}

Table& Table::row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
  return *this;
}

std::string Table::text(const Style& style) const {
  std::vector<std::int64_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::int64_t width = display_width(columns_[c].title);
    for (const auto& row : rows_) width = std::max(width, display_width(row[c]));
    widths.push_back(width);
  }
  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      line += (c == 0 ? "" : "  ") + cell_of(c);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add_line([&](std::size_t c) {
    return style.paint(Tone::strong, padded(columns_[c].title, widths[c], columns_[c].align));
  });
  for (const auto& row : rows_) {
    add_line([&](std::size_t c) { return padded(row[c], widths[c], columns_[c].align); });
  }
  return text;
}

std::string short_bytes(std::int64_t bytes) {
  return scaled(static_cast<double>(bytes), 1000.0, {" B", " kB", " MB", " GB", " TB"});
}

std::string short_count(std::int64_t count) {
  return scaled(static_cast<double>(count), 1000.0, {"", "k", "M", "G", "T"});
}

std::string short_duration(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} m {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} m", whole / 3600, whole % 3600 / 60);
}

void ProgressBar::update(const Progress& progress) {
  if (!shown_) return;
  const auto now = Clock::now();
  if (progress.task != last_.task) {
    finish();
    begun_ = now;
    first_done_ = progress.done;
    painted_ = {};
  }
  last_ = progress;
  const bool complete = progress.total > 0 && progress.done >= progress.total;
  constexpr auto kBetweenDraws = std::chrono::milliseconds(100);
  if (!complete && drawn_ && now - painted_ < kBetweenDraws) return;
  painted_ = now;
  draw(progress);
}

// What was done before the first report (a resumed run) does not count for the rate.
void ProgressBar::draw(const Progress& progress) {
  const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
  const auto worked = static_cast<double>(progress.done - first_done_);
  const double rate = seconds > 0 ? worked / seconds : 0;
  std::string line = progress.task;
  if (progress.total > 0) {
    const double share = std::clamp(
        static_cast<double>(progress.done) / static_cast<double>(progress.total), 0.0, 1.0);
    line += fmt::format("  {}  {}/{}", bar_of(share, 24), progress.done, progress.total);
  } else {
    line += fmt::format("  {}", progress.done);
  }
  if (rate > 0) line += fmt::format("  {:.3g}/s", rate);
  if (rate > 0 && progress.total > progress.done) {
    line += "  left " + short_duration(static_cast<double>(progress.total - progress.done) / rate);
  } else if (progress.total > 0 && progress.done >= progress.total) {
    line += "  in " + short_duration(seconds);
  }
  if (!progress.note.empty()) line += "  " + progress.note;
  while (display_width(line) >= terminal_width(STDERR_FILENO) && !line.empty()) {
    do {
      line.pop_back();
    } while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0U) == 0x80U);
    if (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80U) != 0) line.pop_back();
  }
  fmt::print(stderr, "\r{}\x1b[K", line);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

void ProgressBar::finish() {
  if (!drawn_) return;
  draw(last_);
  fmt::print(stderr, "\n");
  drawn_ = false;
  last_ = {};
}

}  // namespace kedit::cli

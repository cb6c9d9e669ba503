#pragma once

#include "edits/progress.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::cli {

enum class Tone { plain, strong, faint, good, bad, notice };

/// Colours, if the stream may have them. Without, `paint` returns the text as it is.
class Style {
 public:
  explicit Style(bool coloured) : coloured_(coloured) {}
  std::string paint(Tone tone, std::string_view text) const;
  bool coloured() const { return coloured_; }

 private:
  bool coloured_;
};

bool is_terminal(int descriptor);
int terminal_width(int descriptor);  ///< Columns; 80 when unknown.

/// `choice` is --color's auto|always|never; "auto" asks for a terminal and no NO_COLOR in the
/// environment.
bool wants_colour(std::string_view choice, int descriptor);

/// Columns that a text takes on a terminal (combining marks none, wide characters two).
std::int64_t display_width(std::string_view text);

/// A table with aligned columns. Numbers go right, text left; a ragged row is filled with blanks.
class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  Table& row(std::vector<std::string> cells);
  std::string text(const Style& style) const;  ///< Ends with a newline.

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "3.2 MB", "1.5k", "2 m 05 s": short forms for people.
std::string short_bytes(std::int64_t bytes);
std::string short_count(std::int64_t count);
std::string short_duration(double seconds);

/// One line on a terminal's stderr that redraws itself: task, bar, done/total, rate, time left,
/// note. A new task finishes the line of the old one. Draws nothing when not `shown`.
class ProgressBar {
 public:
  explicit ProgressBar(bool shown) : shown_(shown) {}
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(const Progress& progress);
  void clear();   ///< Takes the line away, e.g. before a message.
  void finish();  ///< Leaves the last state on its line and goes to the next.

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const Progress& progress);

  bool shown_;
  bool drawn_ = false;
  Progress last_;
  std::int64_t first_done_ = 0;
  Clock::time_point begun_, painted_;
};

}  // namespace kedit::cli

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace kedit {

/// What long work tells whoever watches: `done` of `total` units and a short note ("loss 1.23").
struct Progress {
  std::string task;  ///< "training", "second moment, layer 0", ...
  std::int64_t done = 0;
  std::int64_t total = 0;  ///< 0 when unknown.
  std::string note;
};

/// Called between units of work, on the working thread. Empty: nobody watches.
using ProgressSink = std::function<void(const Progress&)>;

/// Asked between units of work; true means: save what there is and throw `Interrupted`.
using StopRequest = std::function<bool()>;

/// Thrown by long work after it has saved its state because a stop was requested.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Wall-clock seconds of the parts of some work.
class Stopwatch {
 public:
  /// Seconds since construction or the last `lap`.
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  /// The same, and begins anew.
  double lap() {
    const Clock::time_point now = Clock::now();
    const double passed = std::chrono::duration<double>(now - start_).count();
    start_ = now;
    return passed;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// What every long operation is given besides its own options. No globals: two runs in one process
/// do not meet.
struct RunContext {
  std::uint64_t seed = 0;
  ProgressSink progress;
  StopRequest stop_requested;
  std::function<void(const std::string&)> warn;  ///< One sentence a person should see.
  /// Told which part of the work begins ("value", "solve"), so that time and memory can be counted
  /// by parts.
  std::function<void(const std::string&)> phase;

  void report(const Progress& p) const {
    if (progress) progress(p);
  }
  void warning(const std::string& text) const {
    if (warn) warn(text);
  }
  void enter(const std::string& name) const {
    if (phase) phase(name);
  }
  bool should_stop() const { return stop_requested && stop_requested(); }
};

}  // namespace kedit

#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace kedit::bench {

// Resident pages that belong to no file, in bytes.
inline std::int64_t anonymous_bytes() {
  std::int64_t size = 0, resident = 0, shared = 0;
  std::ifstream("/proc/self/statm") >> size >> resident >> shared;
  return (resident - shared) * ::sysconf(_SC_PAGESIZE);
}

// The most anonymous memory beyond what there was, sampled every millisecond.
class AnonymousPeak {
 public:
  AnonymousPeak() : before_(anonymous_bytes()), sampler_([this] { sample(); }) {}
  std::int64_t stop() {
    done_ = true;
    sampler_.join();
    return std::max<std::int64_t>(peak_ - before_, 0);
  }

 private:
  void sample() {
    while (!done_) {
      peak_ = std::max<std::int64_t>(peak_, anonymous_bytes());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    peak_ = std::max<std::int64_t>(peak_, anonymous_bytes());
  }

  std::int64_t before_;
  std::int64_t peak_ = 0;
  std::atomic<bool> done_{false};
  std::thread sampler_;
};

}  // namespace kedit::bench

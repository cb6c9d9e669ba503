#pragma once

#include <cstdint>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace kedit::kernels {

/// Calls run(0), ..., run(workers - 1), each in a thread of its own but for the first, and waits
/// for all. Where the system gives no more threads, the caller's does their share. Throws what the
/// first of them threw, after all have ended.
template <class Run>
void run_workers(std::int64_t workers, const Run& run) {
  if (workers < 1) return;
  std::vector<std::exception_ptr> faults(static_cast<std::size_t>(workers));
  const auto guarded = [&](std::int64_t worker) {
    try {
      run(worker);
    } catch (...) {
      faults[static_cast<std::size_t>(worker)] = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  others.reserve(static_cast<std::size_t>(workers) - 1);
  std::int64_t started = 1;
  try {
    for (; started < workers; ++started) others.emplace_back(guarded, started);
  } catch (const std::system_error&) {
    // Their share follows below.
  }
  guarded(0);
  for (; started < workers; ++started) guarded(started);
  for (std::thread& other : others) other.join();
  for (const std::exception_ptr& fault : faults) {
    if (fault) std::rethrow_exception(fault);
  }
}

}  // namespace kedit::kernels

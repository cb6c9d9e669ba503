#pragma once

#include "kernels/workers.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace kedit::checkpoint {

/// Calls visit(i) for every i on up to `threads` threads, the largest of `sizes` first, so that no
/// thread begins a long one when the others have ended.
template <class Visit>
void visit_largest_first(const std::vector<std::int64_t>& sizes, int threads, const Visit& visit) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  std::atomic<std::size_t> next{0};
  const auto workers =
      std::clamp<std::int64_t>(threads, 1, std::max<std::int64_t>(std::ssize(sizes), 1));
  kernels::run_workers(workers, [&](std::int64_t) {
    for (std::size_t turn = next++; turn < order.size(); turn = next++) visit(order[turn]);
  });
}

}  // namespace kedit::checkpoint

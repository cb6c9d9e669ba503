// The running second moment of keys beside a plain product K^T K of the same keys through LibTorch,
// in one run. The result is compared with a float64 product before its time counts; the useful
// arithmetic of either is m^2 a key, a multiplication and an addition for each of half the pairs,
// of which the plain product does twice as much.
//
//   kedit_bench_second_moment [THREADS]      default: 1
#include "kernels/second_moment.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>

namespace {

double best_seconds(const std::function<void()>& work) {
  double best = 1e30;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

void measure(const char* name, std::int64_t width, std::int64_t keys_count, int threads) {
  const at::Tensor keys = at::randn({keys_count, width});
  at::Tensor moment = at::zeros({width, width}, at::kDouble);
  const auto accumulate = [&] {
    kedit::kernels::accumulate_second_moment(keys.const_data_ptr<float>(), keys_count, width,
                                             moment.mutable_data_ptr<double>(), threads);
  };
  accumulate();
  const at::Tensor expected = keys.to(at::kDouble).t().mm(keys.to(at::kDouble)).triu();
  const double error =
      (moment.triu() - expected).norm().item<double>() / expected.norm().item<double>();
  at::Tensor product;
  const double own = best_seconds(accumulate);
  const double plain = best_seconds([&] { product = keys.t().mm(keys); });
  const double useful = 1e-9 * static_cast<double>(keys_count) * static_cast<double>(width) *
                        static_cast<double>(width);
  fmt::print(
      "{:<22} {:>6} keys of {:>5}: {:7.1f} ms, {:6.1f} GFLOP/s; at::mm {:7.1f} ms, {:6.1f} "
      "GFLOP/s; {:.2f} times as fast; error {:.1e}{}\n",
      name, keys_count, width, 1e3 * own, useful / own, 1e3 * plain, 2 * useful / plain,
      plain / own, error, error < 1e-6 ? "" : "  WRONG");
  if (error >= 1e-6) std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  at::set_num_threads(threads);
  at::manual_seed(1);
  measure("SmolLM2-135M", 1536, 4096, threads);
  measure("GPT-2 small", 3072, 3072, threads);
  measure("GPT-2-XL", 6400, 3072, threads);
  return 0;
}

#include "kernels/second_moment.hpp"
#include "tests/kernels/emulated_launches.hpp"
#include "tests/kernels/update_problem.hpp"
#include "tests/support/catch.hpp"

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

using namespace kedit::kernels;
using kedit::test::EmulatedLaunches;
using kedit::test::UpdateProblem;

namespace {

// As on a device: aligned to 16 bytes but for the problem's shift, nothing behind the end.
std::vector<char> emulated(UpdateProblem& problem, bool in_place, std::int64_t most,
                           EmulatedLaunches& launches) {
  std::vector<char> out = problem.base;
  std::vector<char> base = problem.base;
  const cuda::Workspace space = cuda::workspace_of(
      cuda::plan_passes(problem.terms, problem.cols, most), problem.rows, problem.cols);
  const std::vector<float> nan(static_cast<std::size_t>(space.bytes() / 4), NAN);
  std::vector<float> workspace = nan;
  cuda::Update update;
  update.base = problem.weight(in_place ? out : base);
  update.out = problem.weight(out);
  update.type = problem.type;
  update.rows = problem.rows;
  update.cols = problem.cols;
  update.row_index = problem.index.empty() ? nullptr : problem.index.data();
  update.terms = &problem.terms;
  update.workspace = workspace.data();
  cuda::run_update(update, launches, most);
  return out;
}

}  // namespace

TEST_CASE("CUDA kernels, run on the CPU: updates equal the reference loop bit for bit") {
  for (UpdateProblem& problem : kedit::test::update_problems()) {
    INFO(problem.name());
    EmulatedLaunches launches;
    const auto out = emulated(problem, false, cuda::kMostPacked, launches);
    CHECK(out == problem.expected);
    CHECK(launches.small_launches + launches.tile_launches > 0);
  }
}

TEST_CASE(
    "CUDA kernels, run on the CPU: in place, and in passes of few strands, the bytes are the "
    "same") {
  for (UpdateProblem& problem : kedit::test::update_problems()) {
    if (problem.type != WeightType::bfloat16) continue;
    INFO(problem.name());
    EmulatedLaunches whole, parts;
    CHECK(emulated(problem, true, cuda::kMostPacked, whole) == problem.expected);
    CHECK(emulated(problem, true, 5, parts) == problem.expected);
    CHECK(parts.tile_launches == 0);
  }
}

TEST_CASE("CUDA kernels, run on the CPU: more strands than one pack takes go on where it ended") {
  UpdateProblem problem;
  problem.rows = 12;
  problem.cols = 20;
  problem.ranks.assign(150, 1);
  problem.fill();
  EmulatedLaunches whole, halves;
  CHECK(emulated(problem, false, cuda::kMostPacked, whole) == problem.expected);
  CHECK(whole.pack_launches == 3);
  CHECK(whole.tile_launches == 1);
  CHECK(emulated(problem, false, 75, halves) == problem.expected);
  CHECK(halves.tile_launches == 2);
}

TEST_CASE("CUDA kernels, run on the CPU: filled up strands keep a sum of -0") {
  for (const std::int64_t rank : {3, 17}) {  // filled to 4 and to 24
    const std::vector<float> left(static_cast<std::size_t>(rank), 0x1p-100F);
    const std::vector<float> right(static_cast<std::size_t>(rank * 4), -0x1p-100F);
    UpdateTerm term;
    term.low_rank = {left.data(), right.data(), rank};  // products round to -0
    const std::vector<UpdateTerm> terms = {term};
    alignas(16) const float base[4] = {-0.0F, -0.0F, 0.0F, -1.0F};
    alignas(16) float out[4] = {}, expected[4] = {};
    low_rank_update_reference(base, expected, WeightType::float32, 1, 4, terms);
    std::vector<float> workspace(1024);
    EmulatedLaunches launches;
    cuda::run_update({base, out, WeightType::float32, 1, 4, nullptr, &terms, workspace.data()},
                     launches);
    CHECK(std::memcmp(out, expected, sizeof(out)) == 0);
  }
}

TEST_CASE("CUDA kernels: an update's launches follow from its terms") {
  const float number = 0.0F;
  const auto low_rank = [&](std::int64_t rank) {
    UpdateTerm term;
    term.low_rank = {&number, &number, rank};
    return term;
  };
  UpdateTerm dense;
  dense.dense = &number;
  const auto passes = cuda::plan_passes({low_rank(3), low_rank(2), dense, low_rank(9)}, 8, 4);
  REQUIRE(passes.size() == 5);
  CHECK(passes[0].strands.size() == 4);
  CHECK(passes[1].strands.size() == 1);
  CHECK(passes[2].dense == &number);
  CHECK(passes[2].strands.size() == 4);
  CHECK(passes[3].strands.size() == 4);
  CHECK(passes[4].strands.size() == 1);
  CHECK(cuda::workspace_of(cuda::plan_passes({low_rank(16)}, 8), 100, 8).bytes() == 0);
  CHECK(cuda::workspace_of(cuda::plan_passes({low_rank(17)}, 8), 5, 7).bytes() == 4 * 17 * (8 + 8));
  CHECK(cuda::workspace_of(cuda::plan_passes({dense, dense}, 8), 5, 7).bytes() == 4 * 36);
}

TEST_CASE("CUDA kernels, run on the CPU: second moment within float32's bound of chunks") {
  for (const auto& [count, dim] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {7, 5}, {300, 132}, {513, 20}, {9, 257}}) {
    std::mt19937 random(static_cast<unsigned>(count));
    std::vector<float> keys(static_cast<std::size_t>(count * dim));
    for (float& key : keys) key = static_cast<float>(random() % 2001) * 1e-3F - 1.0F;
    std::vector<double> expected(static_cast<std::size_t>(dim * dim), 0.25), found = expected;
    accumulate_second_moment(keys.data(), count, dim, expected.data());
    mirror_upper_triangle(expected.data(), dim);  // the kernel of the GPU writes both halves
    kedit::test::emulate_second_moment(keys.data(), count, dim, found.data());
    double worst = 0.0;
    for (std::int64_t i = 0; i < dim; ++i) {
      for (std::int64_t j = 0; j < dim; ++j) {
        const auto at = static_cast<std::size_t>(i * dim + j);
        worst = std::max(worst, std::abs(found[at] - expected[at]));
        if (found[at] != found[static_cast<std::size_t>(j * dim + i)]) worst = INFINITY;
      }
    }
    INFO(count << " keys of " << dim);
    // At most 256 additions of products of at most 1, each wrong by at most half an ulp of the sum.
    CHECK(worst <= static_cast<double>(count) * 256 * 0x1p-24);
  }
}

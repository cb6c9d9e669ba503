#include "kernels/cuda_library.hpp"

#include "kernels/second_moment.hpp"
#include "tests/kernels/update_problem.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skip.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace kedit::kernels;
using kedit::test::UpdateProblem;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The kernels on the first GPU, or nothing and why.
const KeditCudaTable* table_with_device() {
  const CudaLibrary& library = cuda_library();
  if (library.table == nullptr) {
    kedit::test::skip_test("no CUDA kernels: " + library.obstacle);
    return nullptr;
  }
  std::array<char, 512> why{};
  if (library.table->device_count(why.data(), why.size()) > 0) return library.table;
  kedit::test::skip_test(std::string("no CUDA device: ") + why.data());
  return nullptr;
}

std::vector<char> updated(const KeditCudaTable& table, UpdateProblem& problem, bool in_place) {
  std::vector<char> base = problem.base, out = problem.base;
  std::vector<KeditCudaTerm> terms;
  for (const UpdateTerm& term : problem.terms) {
    terms.push_back({term.low_rank.left, term.low_rank.right, term.low_rank.rank, term.dense});
  }
  KeditCudaUpdate update{};
  update.base = problem.weight(in_place ? out : base);
  update.out = problem.weight(out);
  update.type = static_cast<int>(problem.type);
  update.rows = problem.rows;
  update.cols = problem.cols;
  update.row_index = problem.index.empty() ? nullptr : problem.index.data();
  update.terms = terms.data();
  update.term_count = std::ssize(terms);
  std::array<char, 512> error{};
  const int failed = table.host_update(&update, problem.height(), error.data(), error.size());
  INFO(error.data());
  CHECK(failed == 0);
  return out;
}

}  // namespace

TEST_CASE("CUDA library: what is no library of this version is refused, and why") {
  const CudaLibrary missing = open_cuda_library("/nowhere/libkedit_cuda.so");
  CHECK(missing.table == nullptr);
  CHECK(contains(missing.obstacle, "/nowhere/libkedit_cuda.so"));
  const CudaLibrary foreign = open_cuda_library("libm.so.6");
  CHECK(foreign.table == nullptr);
  CHECK(contains(foreign.obstacle, "libm.so.6: expected kedit's CUDA kernels"));
  const CudaLibrary other = open_cuda_library(KEDIT_ANOTHER_CUDA_LIBRARY);
  CHECK(other.table == nullptr);
  CHECK(contains(other.obstacle, "expected version"));
}

TEST_CASE("CUDA library: without a GPU it loads, counts none and says why") {
  const CudaLibrary& library = cuda_library();
  if (library.table == nullptr) {
    kedit::test::skip_test("no CUDA kernels: " + library.obstacle);
    return;
  }
  std::array<char, 512> why{};
  const int devices = library.table->device_count(why.data(), why.size());
  CHECK((devices > 0) == std::string(why.data()).empty());
  CHECK(!std::string(library.table->architectures).empty());
}

TEST_CASE("CUDA library: updates equal the reference loop bit for bit", "[gpu]") {
  const KeditCudaTable* const table = table_with_device();
  if (table == nullptr) return;
  for (UpdateProblem& problem : kedit::test::update_problems()) {
    INFO(problem.name());
    CHECK(updated(*table, problem, false) == problem.expected);
    CHECK(updated(*table, problem, true) == problem.expected);
  }
}

TEST_CASE("CUDA library: large updates equal the reference loop bit for bit", "[gpu]") {
  const KeditCudaTable* const table = table_with_device();
  if (table == nullptr) return;
  for (const auto type : {WeightType::float32, WeightType::bfloat16, WeightType::float16}) {
    for (const std::vector<std::int64_t>& ranks :
         {std::vector<std::int64_t>{1}, {16}, {5, 1}, {96}, std::vector<std::int64_t>(70, 1)}) {
      UpdateProblem problem;
      problem.type = type;
      problem.rows = 1000;
      problem.cols = 1608;
      problem.ranks = ranks;
      problem.fill();
      INFO(problem.name());
      CHECK(updated(*table, problem, false) == problem.expected);
    }
  }
}

TEST_CASE("CUDA library: second moment within float32's bound of chunks, twice the same", "[gpu]") {
  const KeditCudaTable* const table = table_with_device();
  if (table == nullptr) return;
  for (const auto& [count, dim] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {7, 5}, {700, 260}, {513, 1027}}) {
    INFO(count << " keys of " << dim);
    std::mt19937 random(static_cast<unsigned>(count));
    std::vector<float> keys(static_cast<std::size_t>(count * dim));
    for (float& key : keys) key = static_cast<float>(random() % 2001) * 1e-3F - 1.0F;
    std::vector<double> expected(static_cast<std::size_t>(dim * dim), 0.25);
    std::vector<double> found = expected, again = expected;
    accumulate_second_moment(keys.data(), count, dim, expected.data());
    mirror_upper_triangle(expected.data(), dim);  // the kernel of the GPU writes both halves
    std::array<char, 512> error{};
    for (std::vector<double>* to : {&found, &again}) {
      REQUIRE(table->host_second_moment(keys.data(), count, dim, to->data(), 0, error.data(),
                                        error.size()) == 0);
    }
    CHECK(found == again);
    double worst = 0.0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      worst = std::max(worst, std::abs(found[i] - expected[i]));
    }
    CHECK(worst <= static_cast<double>(count) * 256 * 0x1p-24);
  }
}

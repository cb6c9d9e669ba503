#pragma once

#include "kernels/checks.hpp"
#include "kernels/low_rank_update.hpp"

#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace kedit::test {

/// A weight, terms and the rows they are for, in host memory, and what the reference loop makes of
/// them; for kernels that are to give the same bytes.
struct UpdateProblem {
  kernels::WeightType type = kernels::WeightType::float32;
  std::int64_t rows = 0, cols = 0;  ///< Of the terms.
  std::vector<std::int64_t> ranks;  ///< Of the terms; 0: dense.
  std::int64_t shift = 0;           ///< Elements that the weight begins after an aligned place.
  std::vector<std::int64_t> index;  ///< Rows of the weight; empty: all, in order.
  std::int64_t weight_rows = 0;     ///< At least `rows`, when there is an index.

  std::vector<char> base, expected;  // with `shift` elements before them
  std::vector<std::vector<float>> matrices;
  std::vector<kernels::UpdateTerm> terms;

  std::string name() const {
    std::string text = std::to_string(static_cast<int>(type)) + " [" + std::to_string(rows) + ", " +
                       std::to_string(cols) + "] shift " + std::to_string(shift) + " ranks";
    for (const std::int64_t rank : ranks) text += " " + std::to_string(rank);
    return text + (index.empty() ? "" : " by rows");
  }

  std::int64_t element_bytes() const { return kernels::bytes_per_element(type); }
  std::int64_t height() const { return index.empty() ? rows : weight_rows; }
  char* weight(std::vector<char>& bytes) const { return bytes.data() + shift * element_bytes(); }

  void fill() {
    std::mt19937 random(static_cast<unsigned>(rows * 31 + cols));
    const auto number = [&] { return static_cast<float>(random() % 4001) * 1e-3F - 2.0F; };
    std::vector<float> values(static_cast<std::size_t>(height() * cols + shift));
    for (float& value : values) value = number();
    base.assign(values.size() * static_cast<std::size_t>(element_bytes()), 0);
    // A copy rounds the numbers to the weight's type.
    kernels::UpdateTerm all;
    all.dense = values.data();
    const std::vector<char> nothing(base.size(), 0);
    kernels::low_rank_update_reference(nothing.data(), base.data(), type, 1,
                                       static_cast<std::int64_t>(values.size()), {all});
    const auto matrix = [&](std::int64_t count) {
      auto& made = matrices.emplace_back(static_cast<std::size_t>(count));
      for (float& value : made) value = number();
      return static_cast<const float*>(made.data());
    };
    matrices.reserve(2 * ranks.size());
    for (const std::int64_t rank : ranks) {
      kernels::UpdateTerm term;
      if (rank == 0) {
        term.dense = matrix(rows * cols);
      } else {
        term.low_rank.left = matrix(rows * rank);
        term.low_rank.right = matrix(rank * cols);
        term.low_rank.rank = rank;
      }
      terms.push_back(term);
    }
    expect();
  }

 private:
  void expect() {
    expected = base;
    std::vector<std::int64_t> places(static_cast<std::size_t>(rows));
    std::iota(places.begin(), places.end(), 0);
    if (!index.empty()) places = index;
    for (std::int64_t i = 0; i < rows; ++i) {
      std::vector<kernels::UpdateTerm> row_terms = terms;
      for (auto& term : row_terms) {
        if (term.dense != nullptr) term.dense += i * cols;
        if (term.low_rank.left != nullptr) term.low_rank.left += i * term.low_rank.rank;
      }
      const std::int64_t at = places[static_cast<std::size_t>(i)] * cols * element_bytes();
      kernels::low_rank_update_reference(weight(base) + at, weight(expected) + at, type, 1, cols,
                                         row_terms);
    }
  }
};

/// Odd sizes, tails of tiles and blocks, terms that need every form of the kernels.
inline std::vector<UpdateProblem> update_problems() {
  using kernels::WeightType;
  std::vector<UpdateProblem> problems;
  for (const WeightType type : {WeightType::float32, WeightType::bfloat16, WeightType::float16}) {
    const auto add = [&](std::int64_t rows, std::int64_t cols, std::vector<std::int64_t> ranks,
                         std::int64_t shift = 0) -> UpdateProblem& {
      UpdateProblem problem;
      problem.type = type;
      problem.rows = rows;
      problem.cols = cols;
      problem.ranks = std::move(ranks);
      problem.shift = shift;
      problems.push_back(std::move(problem));
      return problems.back();
    };
    add(1, 1, {1});
    add(3, 7, {2, 1});
    add(17, 264, {1});
    add(35, 520, {4});
    add(19, 520, {8});
    add(18, 516, {16});  // 16-bit rows of half a vector
    add(33, 264, {1, 1, 1, 1, 1});
    add(18, 264, {1}, 1);  // begins between vectors
    add(18, 264, {3}, 4);
    add(20, 64, {0});
    add(21, 64, {0, 2});
    add(22, 72, {2, 0, 3, 0});  // sums go through memory
    add(130, 136, {17});
    add(140, 132, {20, 1, 12});
    add(129, 131, {19}, 1);
    add(9, 260, {20, 0, 18});
    for (const std::int64_t rank : {2, 18}) {
      UpdateProblem& some = add(20, 72, {rank});
      some.weight_rows = 50;
      for (std::int64_t i = 0; i < some.rows; ++i) some.index.push_back(49 - 2 * i);
    }
  }
  for (UpdateProblem& problem : problems) problem.fill();
  return problems;
}

}  // namespace kedit::test

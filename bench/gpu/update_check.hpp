#pragma once

#include "kernels/cuda_library.hpp"
#include "tests/kernels/update_problem.hpp"

#include <array>
#include <string>
#include <vector>

namespace kedit::bench {

/// Runs the tests' updates on the first GPU: the first that is not the reference loop's, or "".
inline std::string first_wrong_update(const KeditCudaTable& table) {
  for (test::UpdateProblem& problem : test::update_problems()) {
    std::vector<KeditCudaTerm> terms;
    for (const kernels::UpdateTerm& term : problem.terms) {
      terms.push_back({term.low_rank.left, term.low_rank.right, term.low_rank.rank, term.dense});
    }
    std::vector<char> out = problem.base;
    KeditCudaUpdate update{};
    update.base = problem.weight(problem.base);
    update.out = problem.weight(out);
    update.type = static_cast<int>(problem.type);
    update.rows = problem.rows;
    update.cols = problem.cols;
    update.row_index = problem.index.empty() ? nullptr : problem.index.data();
    update.terms = terms.data();
    update.term_count = std::ssize(terms);
    std::array<char, 512> error{};
    if (table.host_update(&update, problem.height(), error.data(), error.size()) != 0) {
      return problem.name() + ": " + error.data();
    }
    if (out != problem.expected) return problem.name() + ": not the reference loop's bytes";
  }
  return {};
}

}  // namespace kedit::bench

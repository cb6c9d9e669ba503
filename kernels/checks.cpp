#include "kernels/checks.hpp"

#include <limits>
#include <stdexcept>
#include <string>

namespace kedit::kernels {

std::int64_t bytes_per_element(WeightType type) { return type == WeightType::float32 ? 4 : 2; }

void check_update(const void* base, const void* out, std::int64_t rows, std::int64_t cols,
                  const std::vector<UpdateTerm>& terms) {
  const auto fail = [](const std::string& what) {
    throw std::invalid_argument("low-rank update: " + what);
  };
  if (rows < 0 || cols < 0) {
    fail("expected sizes of at least 0, found [" + std::to_string(rows) + ", " +
         std::to_string(cols) + "]");
  }
  if (cols > 0 && rows > std::numeric_limits<std::int64_t>::max() / 4 / cols) {
    fail("expected a matrix that fits in memory, found [" + std::to_string(rows) + ", " +
         std::to_string(cols) + "]");
  }
  if (rows * cols > 0 && (base == nullptr || out == nullptr))
    fail("expected two matrices, found none");
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const auto& low_rank = terms[i].low_rank;
    const std::string term = "term " + std::to_string(i) + ": ";
    const bool has_low_rank = low_rank.left != nullptr || low_rank.right != nullptr;
    if (has_low_rank == (terms[i].dense != nullptr)) {
      fail(term + "expected either factors or a dense change, found " +
           (has_low_rank ? "both" : "neither"));
    }
    if (!has_low_rank) continue;
    if (low_rank.left == nullptr || low_rank.right == nullptr)
      fail(term + "expected two factors, found one");
    if (low_rank.rank < 1) {
      fail(term + "expected a rank of at least 1, found " + std::to_string(low_rank.rank));
    }
  }
}

}  // namespace kedit::kernels

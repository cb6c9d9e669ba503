#pragma once

#include "datasets/requests.hpp"
#include "editors/editor.hpp"
#include "json/json.hpp"
#include "model/edited_model.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <variant>

namespace kedit::test {

/// How far figures may lie from the recorded ones: relative Frobenius error of a vector, relative
/// and absolute difference of a loss term.
struct RomeTolerance {
  double vector = 0, term = 0, term_margin = 0;
};

inline std::filesystem::path rome_golden_directory() {
  return std::filesystem::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "rome";
}

/// The requests of a file by case number, which is the line number.
inline std::map<std::int64_t, EditRequest> requests_by_case(const std::filesystem::path& file) {
  std::map<std::int64_t, EditRequest> requests;
  std::int64_t number = 0;
  for (const EditRequest& request : read_requests(file)) requests[++number] = request;
  return requests;
}

inline at::Tensor vector_of(const Json& values) {
  return at::tensor(values.get<std::vector<double>>(), at::kDouble);
}

/// u [m] and v [d] of an update, whichever way the weight is stored.
inline std::pair<at::Tensor, at::Tensor> u_and_v(const EditedModel& model,
                                                 const WeightUpdate& update) {
  const auto& factors = std::get<LowRank>(update.update);
  const bool in_out = model.architecture().orientation == Orientation::in_out;
  return {in_out ? factors.left : factors.right, in_out ? factors.right : factors.left};
}

inline void check_vector(const std::string& name, const at::Tensor& found, const Json& expected,
                         const RomeTolerance& tolerance) {
  INFO(name);
  CHECK(relative_error(found, vector_of(expected)) < tolerance.vector);
}

/// One step's terms against [loss, nll, kl, decay].
inline void check_terms(const std::vector<double>& found, const Json& expected,
                        const RomeTolerance& tolerance) {
  const char* names[] = {"loss", "nll", "kl", "decay"};
  for (std::size_t term = 0; term < 4; ++term) {
    INFO(names[term]);
    CHECK(found[term] == Approx(expected.at(term).get<double>())
                             .epsilon(tolerance.term)
                             .margin(tolerance.term_margin));
  }
}

/// The steps of all layers, one after the other, against the recorded ones.
inline void check_steps(const std::vector<OptimisationFigures>& optimisation, const Json& expected,
                        const RomeTolerance& tolerance) {
  std::size_t step = 0;
  for (const OptimisationFigures& layer : optimisation) {
    for (std::size_t i = 0; i < layer.loss.size(); ++i, ++step) {
      REQUIRE(step < expected.size());
      INFO("step " << step);
      std::vector<double> found{layer.loss[i]};
      for (const char* name : {"nll", "kl", "decay"}) found.push_back(layer.terms.at(name).at(i));
      check_terms(found, expected[step], tolerance);
    }
  }
  CHECK(step == expected.size());
}

}  // namespace kedit::test

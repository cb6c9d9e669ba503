#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kedit {

/// One optimisation that an editor ran: of a layer's value (ROME, MEMIT, AlphaEdit), of weights
/// (fine-tuning), ... Curves hold one number a forward pass, the first before any update.
struct OptimisationFigures {
  std::optional<std::int64_t> request;  ///< Place in EditDelta::requests; absent: all of them.
  std::optional<std::int64_t> layer;    ///< Absent: of several layers at once.
  std::vector<double> loss;             ///< [steps]
  std::map<std::string, std::vector<double>> terms;  ///< Its parts: "nll", "kl", "decay".
  std::vector<double> target_logprob;     ///< log P(whole target | bare prompt), natural logarithm.
  std::optional<double> learning_rate;    ///< As used.
  std::optional<double> initial_norm;     ///< Of the value that was optimised, before.
  std::optional<double> delta_norm;       ///< Of what the optimisation added to it.
  std::optional<bool> clamp_active;       ///< The last update was rescaled to the clamp.
  std::map<std::string, double> numbers;  ///< What else the editor tells, by name.

  bool operator==(const OptimisationFigures&) const = default;
};

/// The headline norms, of the last layer that was changed.
struct EditNorms {
  std::optional<double> delta;             ///< Of what was added to the layer's value.
  std::optional<double> update_frobenius;  ///< Of the change of the weight.
  std::optional<double> weight_frobenius;  ///< Of the weight before.

  bool operator==(const EditNorms&) const = default;
};

/// The figures of one touched weight.
struct UpdateHealth {
  std::string weight;
  bool finite = true;
  double update_norm = 0;  ///< Frobenius
  double weight_norm = 0;
  /// (u . kbar) / (u . k0): how much further than asked the mean key moves; rank-one editors.
  std::optional<double> rho;

  double ratio() const { return weight_norm > 0 ? update_norm / weight_norm : update_norm; }
  bool operator==(const UpdateHealth&) const = default;
};

struct HealthReport {
  std::vector<UpdateHealth> updates;
  std::optional<double> probe_drift;
  std::string fault;  ///< One sentence; empty when healthy.

  bool healthy() const { return fault.empty(); }
  bool operator==(const HealthReport&) const = default;
};

/// How an edit went, for people and reports. Numbers that are not finite are NaN once they come out
/// of a store.
struct EditFigures {
  std::vector<OptimisationFigures> optimisation;  ///< In the order in which they ran.
  EditNorms norms;
  std::optional<HealthReport> health;     ///< Absent for editors that change no weight.
  std::map<std::string, double> seconds;  ///< By phase: "context", "key", "value", "solve", ...
  std::map<std::string, double> numbers;  ///< What else the editor tells, by name.

  bool operator==(const EditFigures&) const = default;
};

}  // namespace kedit

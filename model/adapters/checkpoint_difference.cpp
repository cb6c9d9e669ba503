#include "model/adapters/checkpoint_difference.hpp"

#include "model/adapters/lora.hpp"
#include "model/adapters/low_rank.hpp"
#include "model/device.hpp"
#include "model/edited_model.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace kedit::adapters {
namespace {

/// A weight of both models, in the base's type.
struct Pair {
  std::string name;
  at::Tensor base, edited;
};

class Difference {
 public:
  Difference(const Model& base, const Model& edited, LowRankWhen when)
      : base_(base), edited_(edited), when_(when), matrices_(layer_matrices(base.architecture())) {}

  std::vector<WeightDifference> of_all(const RunContext& run) const {
    check_architectures();
    const std::vector<std::string> names = base_.weight_names();
    std::vector<WeightDifference> all;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (run.should_stop()) throw Interrupted("comparing two checkpoints was interrupted");
      run.report({"comparing weights", static_cast<std::int64_t>(i), std::ssize(names), "weights"});
      const Pair pair = pair_of(names[i]);
      if (at::equal(pair.base, pair.edited)) continue;
      all.push_back(of_weight(pair));
    }
    if (all.empty()) fail("expected weights that differ from the base's, found the same ones");
    return all;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ModelError(fmt::format("importing the checkpoint {}: {}", edited_.path().string(), what));
  }

  // All that changes the mathematics must be equal.
  void check_architectures() const {
    Json ours = architecture_to_config(base_.architecture());
    Json theirs = architecture_to_config(edited_.architecture());
    for (const char* key : {"architectures", "eos_token_id"}) {
      ours.erase(key);
      theirs.erase(key);
    }
    for (const auto& [key, value] : ours.items()) {
      const Json other = theirs.contains(key) ? theirs[key] : Json(nullptr);
      if (other == value) continue;
      fail(
          fmt::format("{}: expected the base's, {}, found {}; give the model that it was made from "
                      "with --model",
                      key, to_text(value), to_text(other)));
    }
  }

  Pair pair_of(const std::string& name) const {
    Pair pair{name, base_.weight(name), edited_.weight(name)};
    const at::Tensor fitted = pair.edited.to(pair.base.scalar_type());
    if (fitted.scalar_type() != pair.edited.scalar_type() &&
        !at::equal(fitted.to(at::kDouble), pair.edited.to(at::kDouble))) {
      fail(fmt::format(
          "{}: expected numbers that the base's {} holds, found {} ones; give a base "
          "of that type (kedit model convert --dtype)",
          name, dtype_name(pair.base.scalar_type()), dtype_name(pair.edited.scalar_type())));
    }
    pair.edited = fitted;
    return pair;
  }

  bool is_layer_bias(const std::string& name) const {
    constexpr std::string_view kBias = ".bias";
    return name.ends_with(kBias) &&
           matrices_.count(name.substr(0, name.size() - kBias.size()) + ".weight") > 0;
  }

  WeightDifference of_weight(const Pair& pair) const {
    const at::Tensor change = pair.edited.to(at::kDouble) - pair.base.to(at::kDouble);
    if (is_layer_bias(pair.name)) return dense(pair, change.unsqueeze(0));
    if (matrices_.count(pair.name) == 0) {
      fail(
          fmt::format("{}: expected changes of the layers' matrices and biases alone, found it "
                      "changed",
                      pair.name));
    }
    const std::int64_t most = largest_saving_rank(change.size(0), change.size(1));
    const double tolerance =
        rounding_error(pair.base.scalar_type()) * pair.edited.to(at::kDouble).norm().item<double>();
    const auto factors = find_low_rank(change, tolerance, most);
    if (!factors) return dense(pair, change);
    auto exact = put_right(pair, change, *factors, most);
    if (exact) return {{pair.name, *std::move(exact)}};
    if (when_ == LowRankWhen::rounded) return measured(pair, *factors);
    WeightDifference whole = dense(pair, change);
    whole.rounded_rank = factors->left.size(1);
    return whole;
  }

  WeightDifference dense(const Pair& pair, const at::Tensor& change) const {
    return measured(pair, Dense{change.to(at::kFloat).contiguous()});
  }

  template <class Update>
  WeightDifference measured(const Pair& pair, const Update& update) const {
    const at::Tensor far =
        mounted({pair.name, update}).to(at::kDouble).sub(pair.edited.to(at::kDouble));
    return {{pair.name, update}, far.abs().max().item<double>()};
  }

  // Elements that come out other than they should get a row (or column) that puts them right.
  // Nothing when there are too many of them, or when they are wrong even so.
  std::optional<LowRank> put_right(const Pair& pair, const at::Tensor& change, LowRank factors,
                                   std::int64_t most) const {
    const at::Tensor wrong = mounted({pair.name, factors}).ne(pair.edited);
    if (!wrong.any().item<bool>()) return factors;
    const at::Tensor missing =
        (change - at::matmul(factors.left, factors.right).to(at::kDouble)).to(at::kFloat) * wrong;
    const at::Tensor rows = at::nonzero(wrong.any(1)).view({-1});
    const at::Tensor cols = at::nonzero(wrong.any(0)).view({-1});
    if (factors.left.size(1) + std::min(rows.numel(), cols.numel()) > most) return std::nullopt;
    const bool by_rows = rows.numel() <= cols.numel();
    const at::Tensor left =
        by_rows ? unit_columns(missing.size(0), rows) : missing.index_select(1, cols);
    const at::Tensor right =
        by_rows ? missing.index_select(0, rows) : unit_columns(missing.size(1), cols).t();
    factors = {at::cat({factors.left, left}, 1).contiguous(),
               at::cat({factors.right, right}, 0).contiguous()};
    if (at::equal(mounted({pair.name, factors}), pair.edited)) return factors;
    return std::nullopt;
  }

  // [size, places]: column k is 1 at places[k].
  static at::Tensor unit_columns(std::int64_t size, const at::Tensor& places) {
    return at::zeros({size, places.numel()})
        .index_put_({places, at::arange(places.numel())}, at::ones({places.numel()}));
  }

  at::Tensor mounted(WeightUpdate update) const {
    EditedModel model(std::shared_ptr<const Model>(std::shared_ptr<void>(), &base_));
    EditDelta delta;
    delta.editor = "import";
    delta.base_fingerprint = base_.fingerprint();
    const std::string weight = update.weight;
    delta.updates.push_back(std::move(update));
    model.mount("imported", std::move(delta));
    return model.weight(weight);
  }

  const Model& base_;
  const Model& edited_;
  LowRankWhen when_;
  std::set<std::string> matrices_;
};

}  // namespace

std::vector<WeightDifference> checkpoint_difference(const Model& base, const Model& edited,
                                                    LowRankWhen when, const RunContext& run) {
  return Difference(base, edited, when).of_all(run);
}

}  // namespace kedit::adapters

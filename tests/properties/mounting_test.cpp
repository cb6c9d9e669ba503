#include "kernels/low_rank_update.hpp"
#include "model/edited_model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/properties/property.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

using namespace kedit;
using namespace kedit::testing;

namespace {

std::map<EditId, EditDelta> some_deltas(const Model& model) {
  at::manual_seed(11);
  const auto name_of = [&](std::int64_t layer) {
    return weight_name(model.architecture().names.down, layer);
  };
  const auto low_rank = [&](std::int64_t layer, std::int64_t rank) -> WeightUpdate {
    const at::Tensor weight = model.weight(name_of(layer));
    return {name_of(layer),
            LowRank{at::randn({weight.size(0), rank}) * 0.1, at::randn({rank, weight.size(1)})}};
  };
  std::map<EditId, EditDelta> deltas;
  deltas["a"].updates = {low_rank(0, 1)};
  deltas["b"].updates = {low_rank(0, 2), low_rank(1, 1)};
  deltas["c"].updates = {{name_of(1), Dense{at::randn(model.weight(name_of(1)).sizes()) * 0.01}}};
  deltas["d"].updates = {low_rank(0, 1), low_rank(0, 3)};
  for (auto& [id, delta] : deltas) {
    delta.editor = "test";
    delta.base_fingerprint = model.fingerprint();
  }
  return deltas;
}

kernels::UpdateTerm term_of(const WeightUpdate& update) {
  if (const auto* dense = std::get_if<Dense>(&update.update)) {
    return {{}, dense->change.const_data_ptr<float>()};
  }
  const auto& factors = std::get<LowRank>(update.update);
  return {
      {factors.left.const_data_ptr<float>(), factors.right.const_data_ptr<float>(), update.rank()},
      nullptr};
}

/// The weight as a plain loop makes it of the base and the mounted edits, in mount order.
at::Tensor plain_weight(const EditedModel& model, const std::map<EditId, EditDelta>& deltas,
                        const std::string& name) {
  std::vector<kernels::UpdateTerm> terms;
  for (const EditId& id : model.mounted()) {
    for (const WeightUpdate& update : deltas.at(id).updates) {
      if (update.weight == name) terms.push_back(term_of(update));
    }
  }
  const at::Tensor base = model.base().weight(name);
  const std::string dtype = model.base().dtype();
  const auto type = dtype == "float32"    ? kernels::WeightType::float32
                    : dtype == "bfloat16" ? kernels::WeightType::bfloat16
                                          : kernels::WeightType::float16;
  at::Tensor out = at::empty_like(base);
  kernels::low_rank_update_reference(base.const_data_ptr(), out.mutable_data_ptr(), type,
                                     base.size(0), base.size(1), terms);
  return out;
}

void toggle(EditedModel& model, const std::map<EditId, EditDelta>& deltas, const EditId& id) {
  const auto& mounted = model.mounted();
  if (std::find(mounted.begin(), mounted.end(), id) != mounted.end()) {
    model.unmount(id);
  } else {
    model.mount(id, deltas.at(id));
  }
}

}  // namespace

TEST_CASE("EditedModel: mounts and unmounts in any order give the mounted edits' sum, to the bit") {
  LoadOptions options;
  options.dtype = GENERATE(as<std::string>{}, "float32", "bfloat16", "float16");
  const auto base =
      Model::load(golden_model(GENERATE(as<std::string>{}, "gpt2", "llama")), options);
  const auto deltas = some_deltas(*base);
  check_property("mount and unmount " + options.dtype, [&] {
    EditedModel model(base);
    const auto ids = *rc::gen::container<std::vector<std::string>>(
        rc::gen::elementOf(std::vector<std::string>{"a", "b", "c", "d"}));
    for (const std::string& id : ids) toggle(model, deltas, id);
    for (const std::int64_t layer : {0, 1}) {
      const std::string name = weight_name(base->architecture().names.down, layer);
      RC_ASSERT(same_tensor_bytes(model.weight(name), plain_weight(model, deltas, name)));
    }
    while (!model.mounted().empty()) {
      model.unmount(EditId(*rc::gen::elementOf(model.mounted())));
    }
    RC_ASSERT(model.fingerprint() == base->fingerprint());
    for (const auto& [name, tensor] : named_tensors(model.architecture(), model.weights())) {
      RC_ASSERT(tensor.is_same(base->weight(name)));  // not equal ones: the base's own
    }
  });
}

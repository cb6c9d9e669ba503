#include "model/edited_model.hpp"

#include "kernels/low_rank_update.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <map>

using namespace kedit;
using namespace kedit::testing;

namespace {

std::shared_ptr<const Model> any_model() {
  const std::string family = GENERATE(as<std::string>{}, "gpt2", "llama", "qwen2");
  LoadOptions options;
  options.dtype = GENERATE(as<std::string>{}, "float32", "bfloat16", "float16");
  return Model::load(golden_model(family), options);
}

std::string rewrite_weight(const Model& model, std::int64_t layer) {
  return weight_name(model.architecture().names.down, layer);
}

WeightUpdate random_update(const Model& model, const std::string& name, std::int64_t rank) {
  const at::Tensor weight = model.weight(name);
  return {name,
          LowRank{at::randn({weight.size(0), rank}) * 0.1, at::randn({rank, weight.size(1)})}};
}

EditDelta delta_for(const Model& model, std::vector<WeightUpdate> updates) {
  EditDelta delta;
  delta.editor = "test";
  delta.base_fingerprint = model.fingerprint();
  delta.updates = std::move(updates);
  return delta;
}

// Edits of one or both layers, of different rank; one is dense.
std::map<EditId, EditDelta> some_deltas(const Model& model) {
  at::manual_seed(11);
  const std::string first = rewrite_weight(model, 0), second = rewrite_weight(model, 1);
  std::map<EditId, EditDelta> deltas;
  deltas["a"] = delta_for(model, {random_update(model, first, 1)});
  deltas["b"] = delta_for(model, {random_update(model, first, 2), random_update(model, second, 1)});
  deltas["c"] = delta_for(model, {{second, Dense{at::randn(model.weight(second).sizes()) * 0.01}}});
  deltas["d"] = delta_for(model, {random_update(model, first, 1), random_update(model, first, 3)});
  return deltas;
}

bool same_weights(const EditedModel& a, const EditedModel& b) {
  const auto left = named_tensors(a.architecture(), a.weights());
  const auto right = named_tensors(b.architecture(), b.weights());
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!same_tensor_bytes(left[i].second, right[i].second)) return false;
  }
  return true;
}

}  // namespace

// Any sequence: tests/properties/mounting_test.cpp.
TEST_CASE("after mounts and unmounts the weights are those of the mounted edits alone") {
  const auto base = any_model();
  const auto deltas = some_deltas(*base);
  EditedModel model(base), fresh(base);
  for (const char* id : {"a", "b", "c", "d"}) model.mount(id, deltas.at(id));
  model.unmount("b");
  for (const char* id : {"a", "c", "d"}) fresh.mount(id, deltas.at(id));
  CHECK(same_weights(model, fresh));
  CHECK(model.fingerprint() == fresh.fingerprint());
  for (const char* id : {"c", "a", "d"}) model.unmount(id);
  CHECK(model.fingerprint() == base->fingerprint());
  for (const auto& [name, tensor] : named_tensors(model.architecture(), model.weights())) {
    CHECK(tensor.is_same(base->weight(name)));  // not equal ones: the base's own
  }
}

TEST_CASE("EditedModel: terms are added in mount order and rounded once, to the bit") {
  const auto base = any_model();
  const auto deltas = some_deltas(*base);
  EditedModel model(base);
  std::vector<kernels::UpdateTerm> terms;
  const std::string name = rewrite_weight(*base, 0);
  for (const char* id : {"d", "a", "b"}) {
    model.mount(id, deltas.at(id));
    for (const WeightUpdate& update : deltas.at(id).updates) {
      if (update.weight != name) continue;
      const auto& factors = std::get<LowRank>(update.update);
      terms.push_back({{factors.left.const_data_ptr<float>(), factors.right.const_data_ptr<float>(),
                        update.rank()}});
    }
  }
  const auto sum_of = [&](const std::vector<kernels::UpdateTerm>& some) {
    const at::Tensor from = base->weight(name);
    const auto type = base->dtype() == "float32"    ? kernels::WeightType::float32
                      : base->dtype() == "bfloat16" ? kernels::WeightType::bfloat16
                                                    : kernels::WeightType::float16;
    at::Tensor sum = at::empty_like(from);
    kernels::low_rank_update_reference(from.const_data_ptr(), sum.mutable_data_ptr(), type,
                                       from.size(0), from.size(1), some);
    return sum;
  };
  CHECK(same_tensor_bytes(model.weight(name), sum_of(terms)));
  if (base->dtype() != "float32") return;  // there the last rounding hides most orders
  CHECK_FALSE(same_tensor_bytes(model.weight(name), sum_of({terms.rbegin(), terms.rend()})));
}

TEST_CASE(
    "EditedModel: a mounted edit adds its low-rank product to its weight and changes no other") {
  const auto base = any_model();
  const std::string name = rewrite_weight(*base, 1);
  at::manual_seed(3);
  const WeightUpdate update = random_update(*base, name, 2);
  EditedModel model(base);
  model.mount("e", delta_for(*base, {update}));
  const auto& factors = std::get<LowRank>(update.update);
  const at::Tensor expected = (base->weight(name).to(at::kFloat) + factors.left.mm(factors.right))
                                  .to(base->weight(name).scalar_type());
  const double unit = base->dtype() == "float32" ? 1e-6 : base->dtype() == "float16" ? 1e-2 : 4e-2;
  CHECK(max_difference(model.weight(name), expected) < unit);
  for (const auto& other : base->weight_names()) {
    if (other != name) CHECK(model.weight(other).is_same(base->weight(other)));
  }
  CHECK(model.fingerprint() != base->fingerprint());
  if (base->dtype() != base->stored_dtype()) return;  // then untouched weights count as stored
  CHECK(model.fingerprint() == weights_fingerprint(model.architecture(), model.weights()));
}

TEST_CASE("EditedModel: a low-rank edit and its dense product give equal logits up to rounding") {
  const auto base = Model::load(golden_model("llama"));
  const std::string name = rewrite_weight(*base, 0);
  at::manual_seed(8);
  const WeightUpdate low_rank = random_update(*base, name, 3);
  const auto& factors = std::get<LowRank>(low_rank.update);
  EditedModel one(base), other(base);
  one.mount("e", delta_for(*base, {low_rank}));
  other.mount("e", delta_for(*base, {{name, Dense{factors.left.mm(factors.right)}}}));
  CHECK(max_difference(one.weight(name), other.weight(name)) < 1e-6);
  CHECK(max_difference(one.forward(input_of(golden("llama", "ids"))).logits,
                       other.forward(input_of(golden("llama", "ids"))).logits) < 1e-3);
}

TEST_CASE("EditedModel: the forward pass follows mount and unmount at once") {
  const auto base = Model::load(golden_model("qwen2"));
  EditedModel model(base);
  const auto input = input_of(golden("qwen2", "ids"));
  const at::Tensor before = model.forward(input).logits;
  model.mount("e", delta_for(*base, {random_update(*base, rewrite_weight(*base, 0), 1)}));
  CHECK(max_difference(model.forward(input).logits, before) > 1e-2);
  model.unmount("e");
  CHECK(at::equal(model.forward(input).logits, before));
}

TEST_CASE("EditedModel: an edit of a tied embedding changes the output head too") {
  const auto base = Model::load(golden_model("qwen2"));
  EditedModel model(base);
  model.mount("e", delta_for(*base, {random_update(*base, "model.embed_tokens.weight", 1)}));
  CHECK(model.weights().head.is_same(model.weights().token_embedding));
  model.unmount_all();
  CHECK(model.weights().head.is_same(base->weights().head));
}

TEST_CASE("EditedModel: facts are kept in mount order and removed with their edit") {
  const auto base = Model::load(golden_model("llama"));
  EditedModel model(base);
  const auto remember = [&](const std::string& sentence) {
    EditDelta delta = delta_for(*base, {});
    delta.facts.push_back({"s", "P1", "o", sentence});
    model.mount(sentence, delta);
  };
  remember("one");
  remember("two");
  CHECK(model.facts().size() == 2);
  CHECK(model.facts().front().sentence == "one");
  model.unmount("one");
  CHECK(model.facts().front().sentence == "two");
  CHECK(model.fingerprint() == base->fingerprint());
}

TEST_CASE("EditedModel: mounting many at once gives the bytes and the order of one by one") {
  const auto base = any_model();
  EditedModel one_by_one(base), at_once(base);
  std::vector<std::pair<EditId, EditDelta>> edits;
  for (const auto& [id, delta] : some_deltas(*base)) edits.emplace_back(id, delta);
  std::swap(edits[0], edits[3]);  // d b c a
  one_by_one.mount(edits[0].first, edits[0].second);
  at_once.mount(edits[0].first, edits[0].second);
  edits.erase(edits.begin());
  for (const auto& [id, delta] : edits) one_by_one.mount(id, delta);
  at_once.mount(edits);
  CHECK(at_once.mounted() == std::vector<EditId>{"d", "b", "c", "a"});
  CHECK(at_once.mounted() == one_by_one.mounted());
  CHECK(same_weights(at_once, one_by_one));
  CHECK(at_once.fingerprint() == one_by_one.fingerprint());
}

TEST_CASE("EditedModel: mounting edits at once adds each of them to a weight once") {
  const auto base = Model::load(golden_model("llama"));
  const std::string first = rewrite_weight(*base, 0), second = rewrite_weight(*base, 1);
  at::manual_seed(2);
  std::vector<std::pair<EditId, EditDelta>> edits;
  for (int i = 0; i < 10000; ++i) {
    edits.emplace_back(std::to_string(i), delta_for(*base, {random_update(*base, first, 1)}));
  }
  edits[7].second.updates.push_back(random_update(*base, second, 1));
  EditedModel model(base);
  const Rebuilt all = model.mount(edits);
  CHECK(all.weights == 2);
  CHECK(all.terms == 10001);
  CHECK(model.deltas().size() == 10000);
  const Rebuilt rest = model.unmount("7");
  CHECK(rest.weights == 1);  // the other one is the base's own again
  CHECK(rest.terms == 9999);
  CHECK(model.mount({}).terms == 0);
}

TEST_CASE("EditedModel: of edits mounted at once none is mounted when one does not fit") {
  const auto base = Model::load(golden_model("llama"));
  at::manual_seed(4);
  const auto good = [&] {
    return delta_for(*base, {random_update(*base, rewrite_weight(*base, 0), 1)});
  };
  EditedModel model(base);
  model.mount("kept", good());
  const at::Tensor weight = model.weight(rewrite_weight(*base, 0));
  EditDelta foreign = good();
  foreign.base_fingerprint = std::string(64, '0');
  const auto mounting = [&](const EditId& id, const EditDelta& last) {
    return thrown_message<ModelError>([&] {
      model.mount({{"a", good()}, {"b", good()}, {id, last}});
    });
  };
  CHECK(contains(mounting("c", foreign), "mounting edit c: expected an edit made for model "));
  CHECK(contains(mounting("a", good()), "mounting edit a: expected an edit that is not mounted"));
  CHECK(contains(mounting("kept", good()), "mounting edit kept: expected an edit that is not"));
  CHECK(model.mounted() == std::vector<EditId>{"kept"});
  CHECK(model.deltas().size() == 1);
  CHECK(model.weight(rewrite_weight(*base, 0)).is_same(weight));
}

TEST_CASE("EditedModel: an edit that does not match the model is refused and changes nothing") {
  const auto base = Model::load(golden_model("llama"));
  const std::string name = rewrite_weight(*base, 0);
  EditedModel model(base);
  model.mount("kept", delta_for(*base, {random_update(*base, name, 1)}));
  const std::string fingerprint = model.fingerprint();
  const auto mounting = [&](const EditId& id, const EditDelta& delta) {
    return thrown_message<ModelError>([&] { model.mount(id, delta); });
  };
  const EditDelta good = delta_for(*base, {random_update(*base, name, 1)});
  EditDelta foreign = good;
  foreign.base_fingerprint = std::string(64, '0');
  CHECK(contains(mounting("e", foreign), "mounting edit e: expected an edit made for model "));
  CHECK(contains(mounting("kept", good), "expected an edit that is not mounted"));
  EditDelta unknown = good;
  unknown.updates.push_back({"model.ghost.weight", Dense{at::ones({2, 2})}});
  CHECK(contains(mounting("e", unknown), "found \"model.ghost.weight\""));
  EditDelta wrong_shape = good;
  wrong_shape.updates.push_back({name, Dense{at::ones({40, 24})}});
  CHECK(contains(mounting("e", wrong_shape), "expected a change of [24, 40], found [40, 24]"));
  EditDelta not_finite = good;
  std::get<LowRank>(not_finite.updates[0].update).left[0][0] = NAN;
  CHECK(contains(mounting("e", not_finite), "expected finite values"));
  CHECK(
      contains(thrown_message<ModelError>([&] { model.unmount("e"); }), "expected a mounted edit"));
  CHECK(model.fingerprint() == fingerprint);
  CHECK(model.mounted() == std::vector<EditId>{"kept"});
}

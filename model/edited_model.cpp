#include "model/edited_model.hpp"

#include "model/checkpoint/fingerprint.hpp"
#include "model/decoder/weight_slots.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace kedit {
namespace {

void add_touched(const EditDelta& delta, std::set<std::string>& names) {
  for (const auto& update : delta.updates) names.insert(update.weight);
}

void check_fits(const EditId& id, const EditDelta& delta, const Model& base) {
  if (delta.base_fingerprint != base.fingerprint()) {
    throw ModelError(fmt::format(
        "mounting edit {}: expected an edit made for model {:.12}, found one made for {:.12}", id,
        base.fingerprint(), delta.base_fingerprint.empty() ? "no model" : delta.base_fingerprint));
  }
  try {
    validate_delta(delta);
  } catch (const DeltaError& error) {
    throw ModelError(fmt::format("mounting edit {}: {}", id, error.what()));
  }
  for (const auto& update : delta.updates) {
    const at::Tensor weight = base.weight(update.weight);
    const at::Tensor matrix = weight.dim() == 1 ? weight.unsqueeze(0) : weight;  // a bias: one row
    if (matrix.dim() != 2 || matrix.size(0) != update.rows() || matrix.size(1) != update.cols()) {
      throw ModelError(fmt::format(
          "mounting edit {}: weight {}: expected a change of [{}], found [{}, {}]", id,
          update.weight, fmt::join(weight.sizes(), ", "), update.rows(), update.cols()));
    }
  }
}

}  // namespace

EditedModel::EditedModel(std::shared_ptr<const Model> base)
    : base_(std::move(base)), current_(base_->weights()) {}

// The named weights as `deltas` make them; the base's own tensor where none touches it any more.
EditedModel::Overlay EditedModel::overlay_of(const Deltas& deltas,
                                             const std::set<std::string>& names, Rebuilt* rebuilt) {
  std::map<std::string, WeightBuilder::Updates> terms_of;
  for (const auto& name : names) terms_of[name];
  for (const auto& delta : deltas) {
    for (const auto& update : delta->updates) {
      const auto found = terms_of.find(update.weight);
      if (found != terms_of.end()) found->second.push_back(&update);
    }
  }
  Overlay changes;
  for (const auto& [name, terms] : terms_of) {
    const at::Tensor base = base_->weight(name);
    if (terms.empty()) builder_.forget(name);
    changes[name] = terms.empty() ? base : builder_.build(name, base, terms);
    rebuilt->weights += terms.empty() ? 0 : 1;
    rebuilt->terms += std::ssize(terms);
  }
  return changes;
}

void EditedModel::install(const Overlay& changes) {
  DecoderWeights next = current_;
  for (const auto& slot : decoder::weight_slots(architecture(), next)) {
    const auto found = changes.find(slot.name);
    if (found != changes.end()) *slot.tensor = found->second;
  }
  if (architecture().tied_head) next.head = next.token_embedding;
  Overlay overlay = overlay_;
  for (const auto& [name, tensor] : changes) {
    if (tensor.is_same(base_->weight(name))) {
      overlay.erase(name);
    } else {
      overlay[name] = tensor;
    }
  }
  std::swap(current_, next);
  overlay_.swap(overlay);
}

Rebuilt EditedModel::mount(const EditId& id, EditDelta delta) {
  std::vector<std::pair<EditId, EditDelta>> one;
  one.emplace_back(id, std::move(delta));
  return mount(std::move(one));
}

Rebuilt EditedModel::mount(std::vector<std::pair<EditId, EditDelta>> edits) {
  std::set<EditId> taken(order_.begin(), order_.end());
  auto order = order_;
  auto deltas = deltas_;
  std::set<std::string> names;
  for (auto& [id, delta] : edits) {
    if (!taken.insert(id).second) {
      throw ModelError(fmt::format(
          "mounting edit {}: expected an edit that is not mounted, found it mounted", id));
    }
    check_fits(id, delta, *base_);
    add_touched(delta, names);
    order.push_back(std::move(id));
    deltas.push_back(std::make_shared<const EditDelta>(std::move(delta)));
  }
  Rebuilt rebuilt;
  install(overlay_of(deltas, names, &rebuilt));  // nothing below throws
  order_.swap(order);
  deltas_.swap(deltas);
  return rebuilt;
}

Rebuilt EditedModel::unmount(const EditId& id) {
  const auto found = std::find(order_.begin(), order_.end(), id);
  if (found == order_.end()) {
    throw ModelError(
        fmt::format("unmounting edit {}: expected a mounted edit, found no such edit", id));
  }
  const auto position = found - order_.begin();
  std::set<std::string> names;
  add_touched(*deltas_[static_cast<std::size_t>(position)], names);
  auto order = order_;
  auto deltas = deltas_;
  order.erase(order.begin() + position);
  deltas.erase(deltas.begin() + position);
  Rebuilt rebuilt;
  install(overlay_of(deltas, names, &rebuilt));
  order_.swap(order);
  deltas_.swap(deltas);
  return rebuilt;
}

void EditedModel::unmount_all() {
  current_ = base_->weights();
  overlay_.clear();
  builder_.forget_all();
  order_.clear();
  deltas_.clear();
}

const std::vector<EditId>& EditedModel::mounted() const noexcept { return order_; }

std::vector<Fact> EditedModel::facts() const {
  std::vector<Fact> all;
  for (const auto& delta : deltas_) all.insert(all.end(), delta->facts.begin(), delta->facts.end());
  return all;
}

at::Tensor EditedModel::weight(const std::string& name) const {
  const auto found = overlay_.find(name);
  return found == overlay_.end() ? base_->weight(name) : found->second;
}

std::string EditedModel::fingerprint() const {
  if (overlay_.empty()) return base_->fingerprint();
  const auto tensors = named_tensors(architecture(), current_);
  auto digests = base_->tensor_digests();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (overlay_.count(tensors[i].first) == 0) continue;
    digests[i].dtype = tensors[i].second.scalar_type();
    digests[i].sha256 = checkpoint::tensor_digest(tensors[i].second);
  }
  return checkpoint::combine_digests(architecture(), digests);
}

ForwardOutput EditedModel::forward(const ForwardInput& input, KvCache* cache,
                                   const Taps* taps) const {
  return kedit::forward(architecture(), current_, input, cache, taps);
}

}  // namespace kedit

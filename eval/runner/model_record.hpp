#pragma once

#include "model/model.hpp"
#include "store/store.hpp"

namespace kedit::runner {

/// What the store keeps of a model that edits or runs belong to.
inline ModelRecord model_record(const Model& model) {
  const bool in_out = model.architecture().orientation == Orientation::in_out;
  return {model.fingerprint(),  model.architecture().family, model.path().string(),
          model.stored_dtype(), model.parameters(),          in_out ? "in-out" : "out-in"};
}

}  // namespace kedit::runner

#pragma once

#include "edits/delta.hpp"
#include "store/store.hpp"
#include "tests/support/temporary_directory.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace kedit::test {

inline const std::string kFingerprint(64, 'a');
inline const std::string kOtherFingerprint(64, 'b');

inline ModelRecord sample_model(const std::string& fingerprint = kFingerprint) {
  return {fingerprint, "llama", "models/tiny", "float32", 4096};
}

/// A rank-one edit of a [rows, cols] weight; another `seed`, another edit.
inline EditDelta rank_one_delta(int seed, std::int64_t rows = 24, std::int64_t cols = 16) {
  EditDelta delta;
  delta.editor = "rome";
  delta.settings = {{"layers", {1}}, {"seed", seed}};
  delta.base_fingerprint = kFingerprint;
  EditRequest request;
  request.id = fmt::format("request/{}", seed);
  request.prompt = "{} lies in";
  request.subject = fmt::format("City {}", seed);
  request.target_new = fmt::format("Land {}", seed + 1);
  delta.requests = {request};
  const at::Tensor left = at::arange(rows, at::kFloat).add(seed).sin().reshape({rows, 1});
  const at::Tensor right = at::arange(cols, at::kFloat).add(seed).cos().reshape({1, cols});
  delta.updates.push_back({"model.layers.1.mlp.down_proj.weight", LowRank{left, right}});
  delta.figures.numbers["seconds"] = 0.25;
  return delta;
}

inline EditDelta fact_delta(int seed) {
  EditDelta delta;
  delta.editor = "in-context";
  delta.settings = Json::object();
  delta.base_fingerprint = kFingerprint;
  delta.facts = {{fmt::format("City {}", seed), "P17", "Land", "City lies in Land"},
                 {"Élodie", "", "東京", "Élodie lives in 東京"}};
  return delta;
}

/// A rank-one edit that says "SUBJECT lies in TARGET"; another `seed`, other factors.
inline EditDelta claim_delta(const std::string& subject, const std::string& target, int seed,
                             const std::string& relation = "") {
  EditDelta delta = rank_one_delta(seed);
  EditRequest& request = delta.requests.front();
  request.subject = subject;
  request.target_new = target;
  request.relation = relation;
  if (!relation.empty()) request.prompt = fmt::format("{{}} lies in {}", seed);
  return delta;
}

inline bool same_delta(const EditDelta& a, const EditDelta& b) {
  if (a.editor != b.editor || a.settings != b.settings ||
      a.base_fingerprint != b.base_fingerprint || a.requests != b.requests || a.facts != b.facts ||
      a.figures != b.figures || a.updates.size() != b.updates.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.updates.size(); ++i) {
    if (encode_update(a.updates[i]) != encode_update(b.updates[i])) return false;
  }
  return true;
}

/// A new store that knows `sample_model()`.
inline Store new_store(const std::filesystem::path& file) {
  Store store = Store::open(file, OpenMode::create);
  store.put_model(sample_model());
  return store;
}

/// What `act` throws, or fails the test.
template <typename Act>
StoreError error_of(const Act& act) {
  try {
    act();
  } catch (const StoreError& error) {
    return error;
  }
  throw std::runtime_error("expected a StoreError, none was thrown");
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace kedit::test

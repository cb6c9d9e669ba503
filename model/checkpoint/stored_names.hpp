#pragma once

#include "model/checkpoint/checkpoint_files.hpp"
#include "model/decoder/architecture.hpp"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::checkpoint {

/// Finds the tensors of an architecture in files, under their full name or the name without the
/// base prefix, behind a wrapper's prefix or none, and remembers which ones were asked for. The
/// files must outlive it.
class StoredNames {
 public:
  StoredNames(const CheckpointFiles& files, const Architecture& architecture);

  at::Tensor find(const std::string& name);  ///< Undefined when absent.
  /// Of what was not asked for, what carries numbers that somebody trained.
  std::vector<std::string> unused() const;
  std::filesystem::path file_of(const std::string& name) const;
  /// The name in the files; nothing when the tensor is not there.
  std::optional<std::string> stored_name(const std::string& name) const;

 private:
  std::optional<std::string> stored_as(const std::string& name) const;
  std::string_view bare_name(std::string_view name) const;

  const CheckpointFiles& files_;
  std::string prefix_;
  bool encoder_;
  std::string wrapper_;
  std::set<std::string> used_;
};

}  // namespace kedit::checkpoint

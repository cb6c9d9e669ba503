#pragma once

#include "model/checkpoint/mapped_file.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kedit::checkpoint {

/// What reading all weights of a checkpoint told.
struct CheckpointFindings {
  bool finite = false;                         ///< All were looked through: no NaN, no infinity.
  std::map<std::string, std::string> digests;  ///< SHA-256 by tensor name; empty: not hashed yet.
};

/// Remembers the findings about one checkpoint in a file of a cache directory, for as long as its
/// files have the path, size, time of change and inode of then. A memory that is missing, damaged,
/// of other files or cannot be written is no memory; nothing here throws for what lies there.
class CheckpointMemory {
 public:
  /// `mapped`: the files that the tensors lie in; config.json and the index are added.
  CheckpointMemory(const std::filesystem::path& cache, const std::filesystem::path& checkpoint,
                   std::vector<std::shared_ptr<const MappedFile>> mapped);

  std::optional<CheckpointFindings> recall() const;
  /// Does nothing when a file has changed since the object was made, or shortly before: a second
  /// change within the same tick of the file system's clock would leave no trace.
  void remember(const CheckpointFindings& findings) const;

  const std::filesystem::path& file() const { return file_; }  ///< Where it is kept.

 private:
  std::vector<FileStamp> stamps_now() const;

  std::filesystem::path checkpoint_;
  std::vector<std::shared_ptr<const MappedFile>> mapped_;
  std::filesystem::path file_;
  std::vector<FileStamp> stamps_;
};

}  // namespace kedit::checkpoint

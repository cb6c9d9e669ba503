#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace kedit::locate {

/// Another process did not come, went away or does something else. The message is one sentence.
class ProcessGroupError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where a process stands among those that share some work, and where they meet.
struct ProcessPlace {
  std::int64_t rank = 0, size = 1;
  std::string host = "127.0.0.1";  ///< of the process with rank 0
  std::uint16_t port = 29500;

  /// Rank and size as given, the meeting place from MASTER_ADDR and MASTER_PORT (torchrun). Throws
  /// `ProcessGroupError` for a port that is none.
  static ProcessPlace among(std::int64_t rank, std::int64_t size);
};

/// Processes that add up tensors: LibTorch's own process group over Gloo, which needs no library
/// besides. Sums go through the host's memory, as they do once, at the end of hours. Every wait
/// ends after `patience` at the latest, with a `ProcessGroupError`. One thread.
class ProcessGroup {
 public:
  ProcessGroup(const ProcessPlace& place, std::chrono::milliseconds patience);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  std::int64_t rank() const;
  std::int64_t size() const;

  /// What the process with rank 0 says, in every process. All must ask for the same topics in the
  /// same order.
  std::string from_first(const std::string& topic, const std::string& text);
  /// Replaces the tensors of all processes by their sums.
  void sum(const std::vector<at::Tensor>& tensors);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kedit::locate

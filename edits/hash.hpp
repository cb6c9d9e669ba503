#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace kedit {

/// Incremental SHA-256 (OpenSSL). Movable, one thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(const void* data, std::size_t bytes);
  Sha256& update(std::string_view text) { return update(text.data(), text.size()); }
  /// Lower-case hex of the digest; the object must not be used afterwards.
  std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace kedit

#pragma once

#include "store/database.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace kedit {

/// What the files of the store's implementation share.
struct Store::Impl {
  Impl(std::filesystem::path file_name, Access access, int busy_ms)
      : file(std::move(file_name)), db(file, access, busy_ms) {}

  std::filesystem::path file;
  mutable Connection db;

  /// Refuses with "ACT: FILE: TEXT".
  [[noreturn]] void refuse(StoreError::Kind kind, const std::string& text) const {
    throw StoreError(kind, db.where() + text);
  }
};

/// Throws `absent` when there is no such run.
void require_run(Connection& db, const std::string& run);

/// Now, UTC: "2026-01-31T23:59:59Z".
std::string utc_now();

}  // namespace kedit

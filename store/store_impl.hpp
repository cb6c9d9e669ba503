#pragma once

#include "store/branch_rows.hpp"
#include "store/claims.hpp"
#include "store/database.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace kedit {

/// A branch cut after one of its commits.
struct BranchPoint {
  std::int64_t branch = 0;
  std::int64_t position = 0;
  std::string name;  ///< of the branch
};

/// What is live on a branch, as of a head.
struct LiveClaims {
  std::int64_t branch = 0;
  std::optional<std::string> head;
  ClaimIndex claims;
};

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

  /// Kept between commits: a commit then asks memory, not all of the branch. Another process may
  /// write in between; the head tells.
  std::optional<LiveClaims> live_claims;

  /// The end of branch `preferred`; with `at`, the beginning of an id of an edit or commit, the
  /// place where that was applied: there, or on the first branch that has it.
  BranchPoint branch_point(const std::string& preferred, const std::string& at) const;

  /// The end of the branch of this name, else the place of the edit or commit that begins so.
  BranchPoint branch_or_id(const std::string& name) const;

  bool knows_live_claims(const Branch& branch) const;
  /// The kept ones, moved out, or read anew.
  LiveClaims take_live_claims(const Branch& branch);
  /// Throws `conflict` when a live edit gives the claim's key another target.
  void require_agreement(const LiveClaims& live, const EditClaim& claim,
                         const std::string& branch) const;
};

/// Throws `absent` when there is no such run.
void require_run(Connection& db, const std::string& run);

/// Now, UTC: "2026-01-31T23:59:59Z".
std::string utc_now();

}  // namespace kedit

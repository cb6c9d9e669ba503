#pragma once

#include "store/claims.hpp"
#include "store/database.hpp"
#include "store/identity.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kedit {

/// A branch as a writer needs it.
struct Branch {
  std::int64_t key = 0;
  std::string name;
  std::optional<std::string> head;       ///< last commit
  std::int64_t length = 0;               ///< commits on it
  std::optional<std::string> last_edit;  ///< edit applied last, reverted or not
};

/// Both throw `absent`, naming the branches that there are.
std::int64_t branch_key(Connection& db, const std::string& name);
Branch read_branch(Connection& db, const std::string& name);

/// One entry of a branch's list.
struct Listed {
  std::int64_t position = 0;
  std::string commit, kind, parent, edit;
};

/// The list up to and including `last` (0: all of it).
std::vector<Listed> read_list(Connection& db, std::int64_t branch, std::int64_t last = 0);

/// Edits that a list applies and nowhere reverts, in the order of their first application.
std::vector<std::string> live_of(const std::vector<Listed>& list);

/// Appends a commit that exists; then a new one. The head is written by `write_head`, once.
void list_commit(Connection& db, Branch& branch, const std::string& commit);
std::string append_commit(Connection& db, Branch& branch, const std::string& kind,
                          const std::string& edit, const std::string& note);
void write_head(Connection& db, const Branch& branch);

/// What the requests (or, without any, the facts) of an edit make true.
std::vector<EditClaim> claims_of(const std::string& edit, const EditContent& content);
/// The same for stored edits, factors left alone.
std::vector<EditClaim> read_claims(Connection& db, const std::vector<std::string>& edits);

}  // namespace kedit

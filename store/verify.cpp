// Every invariant of the file that can be checked, and one sentence for each that does not hold.
#include "edits/hash.hpp"
#include "edits/request_json.hpp"
#include "json/json.hpp"
#include "store/branch_rows.hpp"
#include "store/edit_rows.hpp"
#include "store/figures_json.hpp"
#include "store/schema.hpp"
#include "store/store_impl.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <functional>
#include <map>
#include <set>

namespace kedit {
namespace {

using Faults = std::vector<std::string>;

void check_pages(Connection& db, Faults& faults) {
  Statement query = db.statement("PRAGMA integrity_check");
  while (query.step()) {
    if (query.text(0) != "ok") faults.push_back("SQLite integrity: " + query.text(0));
  }
}

void check_references(Connection& db, Faults& faults) {
  Statement query = db.statement("PRAGMA foreign_key_check");
  while (query.step()) {
    const std::string row = query.is_null(1) ? "a row" : fmt::format("row {}", query.integer(1));
    faults.push_back(
        fmt::format("{}: {} refers to a missing row of {}", query.text(0), row, query.text(2)));
  }
}

void check_schema(Connection& db, Faults& faults) {
  for (std::string& text : schema_differences(db)) faults.push_back(std::move(text));
}

template <typename Read>
void check_json(const std::string& text, const std::string& where, Faults& faults,
                const Read& read) {
  if (text.empty()) return;
  try {
    const Json json = parse_json(text, where);
    read(JsonView(json, where));
  } catch (const JsonError& error) {
    faults.push_back(error.what());
  }
}

void check_update(const std::string& edit, const UpdateRow& row, Faults& faults) {
  const std::string where = fmt::format("edit {}: factors of {}: ", edit, row.weight);
  const std::string sum = Sha256().update(row.factors.data(), row.factors.size()).hex();
  if (sum != row.sha256) {
    faults.push_back(where + fmt::format("expected SHA-256 {}, found {}", row.sha256, sum));
  }
  try {
    const WeightUpdate update = decode_update(row.factors);
    const bool low_rank = std::holds_alternative<LowRank>(update.update);
    if (update.weight != row.weight || row.kind != (low_rank ? "low-rank" : "dense") ||
        row.dtype != "float32" || update.rows() != row.rows || update.cols() != row.columns ||
        update.rank() != row.rank) {
      faults.push_back(where + fmt::format("expected {} [{}, {}] rank {}, found [{}, {}] rank {}",
                                           row.kind, row.rows, row.columns, row.rank, update.rows(),
                                           update.cols(), update.rank()));
    }
  } catch (const DeltaError& error) {
    faults.push_back(where + error.what());
  }
}

// Positions must be 0, 1, 2, ... in each of an edit's lists.
void check_positions(Connection& db, Faults& faults) {
  for (const char* table : {"edit_updates", "requests", "facts", "edit_state"}) {
    Statement query = db.statement(
        fmt::format("SELECT edit FROM {} GROUP BY edit HAVING max(position) <> count(*) - 1 "
                    "OR min(position) <> 0",
                    table));
    while (query.step()) {
      faults.push_back(fmt::format("edit {}: {}: a position is missing", query.text(0), table));
    }
  }
}

void check_edit(Connection& db, const std::string& id, Faults& faults) {
  const std::optional<EditRow> row = read_edit_row(db, id);
  if (!row) {
    faults.push_back(fmt::format("edit {}: it is listed but cannot be found by its id", id));
    return;
  }
  const EditContent content = read_content(db, id);
  const std::string where = fmt::format("edit {}: ", id);
  for (const UpdateRow& update : content.updates) check_update(id, update, faults);
  for (const UpdateRow& kept : content.state) check_update(id, kept, faults);
  for (const RequestRow& request : content.requests) {
    check_json(request.body, where + "request", faults, request_from_json);
  }
  check_json(content.settings, where + "settings", faults, [](const JsonView& v) { v.keys(); });
  check_json(row->diagnostics, where + "diagnostics", faults, figures_from_json);
  if (sha256_hex(row->diagnostics) != row->diagnostics_sha256) {
    faults.push_back(where + "diagnostics do not match their SHA-256");
  }
  if (content_sha256(content) != row->content_sha256) {
    faults.push_back(where + "its content does not match its SHA-256");
  }
  if (edit_id(row->content_sha256, row->parent.value_or(""), row->run.value_or("")) != id) {
    faults.push_back(where + "its id does not follow from its content and parent");
  }
}

void check_edits(Connection& db, Faults& faults) {
  std::vector<std::string> ids;
  {
    Statement query = db.statement("SELECT id FROM edits ORDER BY sequence");
    while (query.step()) ids.push_back(query.text(0));
  }
  for (const std::string& id : ids) check_edit(db, id, faults);
}

struct StoredCommit {
  std::string id, kind, parent, edit, merged_head;
  bool has_merge_row = false;
};

void check_commit(const StoredCommit& commit, Faults& faults) {
  const bool merges = commit.kind == "merge";
  if (!merges && commit.kind != "apply" && commit.kind != "revert") {
    faults.push_back(fmt::format("commit {}: expected apply, revert or merge, found \"{}\"",
                                 commit.id, commit.kind));
    return;
  }
  if (merges != commit.has_merge_row) {
    faults.push_back(fmt::format("commit {}: expected {}, found {}", commit.id,
                                 merges ? "what it merged" : "no merged branch",
                                 merges ? "none" : "one"));
    return;
  }
  const std::string& other = merges ? commit.merged_head : commit.edit;
  if (commit_id(commit.kind, other, commit.parent) != commit.id) {
    faults.push_back(fmt::format("commit {}: its id does not follow from its {} and parent",
                                 commit.id, merges ? "merged branch" : "edit"));
  }
}

void check_commits(Connection& db, Faults& faults) {
  Statement query = db.statement(
      "SELECT c.id, c.kind, c.parent, c.edit, m.head FROM commits c "
      "LEFT JOIN merges m ON m.commit_id = c.id ORDER BY c.sequence");
  while (query.step()) {
    check_commit({query.text(0), query.text(1), query.text(2), query.text(3), query.text(4),
                  !query.is_null(4)},
                 faults);
  }
}

struct BranchWalk {
  std::string name;
  std::string head;  ///< as the branch says
  std::string last;  ///< as its list ends
  std::int64_t length = 0;
  // Each commit hangs on the one before it. Merged lists do not, and both sides of a merge may have
  // applied or reverted the same edit.
  bool one_line = true;
  std::set<std::string> commits;
  std::set<std::string> applied, reverted;
};

struct WalkedCommit {
  Listed listed;
  std::string merged_head;
};

void check_order(BranchWalk& walk, const WalkedCommit& entry, const std::string& where,
                 Faults& faults) {
  const Listed& listed = entry.listed;
  if (listed.position != ++walk.length) {
    faults.push_back(where +
                     fmt::format("expected position {}, found {}", walk.length, listed.position));
    walk.length = listed.position;
  }
  for (const std::string* before : {&listed.parent, &entry.merged_head}) {
    if (before->empty() || walk.commits.contains(*before)) continue;
    faults.push_back(
        where + fmt::format("its {} {} does not stand before it",
                            before == &listed.parent ? "parent" : "merged branch's head", *before));
  }
  walk.one_line = walk.one_line && listed.parent == walk.last;
}

void check_listed(BranchWalk& walk, const WalkedCommit& entry, Faults& faults) {
  const Listed& listed = entry.listed;
  const std::string where = fmt::format("branch {}: commit {}: ", walk.name, listed.commit);
  check_order(walk, entry, where, faults);
  if (listed.kind == "apply" && !walk.applied.insert(listed.edit).second && walk.one_line) {
    faults.push_back(where + fmt::format("edit {} is applied already", listed.edit));
  }
  if (listed.kind == "revert") {
    const bool again = !walk.reverted.insert(listed.edit).second;
    if (!walk.applied.contains(listed.edit) || (again && walk.one_line)) {
      faults.push_back(where +
                       fmt::format("it reverts edit {}, which is not applied there", listed.edit));
    }
  }
  walk.commits.insert(listed.commit);
  walk.last = listed.commit;
}

void check_branches(Connection& db, Faults& faults) {
  std::map<std::int64_t, BranchWalk> walks;
  {
    Statement query = db.statement("SELECT id, name, head FROM branches");
    while (query.step()) {
      BranchWalk& walk = walks[query.integer(0)];
      walk.name = query.text(1);
      walk.head = query.text(2);
    }
  }
  Statement query = db.statement(
      "SELECT l.branch, l.position, l.commit_id, c.kind, c.parent, c.edit, m.head "
      "FROM branch_commits l LEFT JOIN commits c ON c.id = l.commit_id "
      "LEFT JOIN merges m ON m.commit_id = l.commit_id ORDER BY l.branch, l.position");
  while (query.step()) {
    const Listed listed{query.integer(1), query.text(2), query.text(3), query.text(4),
                        query.text(5)};
    check_listed(walks[query.integer(0)], {listed, query.text(6)}, faults);
  }
  for (const auto& [key, walk] : walks) {
    if (walk.head != walk.last) {
      faults.push_back(fmt::format("branch {}: expected head {}, found its list ending at {}",
                                   walk.name, walk.head.empty() ? "none" : walk.head,
                                   walk.last.empty() ? "none" : walk.last));
    }
  }
  if (db.integer("SELECT count(*) FROM current_branch") != 1) {
    faults.push_back("branches: expected one that is checked out, found none");
  }
}

void check_runs(Connection& db, Faults& faults) {
  Statement query = db.statement("SELECT id, name, config, header, sequence FROM runs");
  while (query.step()) {
    const std::string id = query.text(0);
    if (run_id(query.text(1), query.text(2), query.text(3), query.integer(4)) != id) {
      faults.push_back(fmt::format("run {}: its id does not follow from its content", id));
    }
  }
}

void check_results(Connection& db, Faults& faults) {
  Statement query = db.statement("SELECT run, system, case_id, payload, sha256 FROM results");
  while (query.step()) {
    const std::string where = fmt::format("run {}: result of {}, case {}", query.text(0),
                                          query.text(1), query.integer(2));
    const std::string payload = query.text(3);
    if (sha256_hex(payload) != query.text(4)) {
      faults.push_back(where + ": it does not match its SHA-256");
    }
    check_json(payload, where, faults, [](const JsonView&) {});
  }
}

// A damaged page ends one check, not the whole: the others may still say which edits are sound.
void guarded(Connection& db, Faults& faults, void (*check)(Connection&, Faults&)) {
  try {
    check(db, faults);
  } catch (const StoreError& error) {
    if (error.kind() == StoreError::Kind::busy) throw;
    faults.push_back(error.what());
  }
}

}  // namespace

std::vector<std::string> Store::verify() const {
  Connection& db = impl_->db;
  db.begin_act("verifying");
  Faults faults;
  Transaction snapshot(db, Transaction::Kind::read);
  for (const auto check : {check_pages, check_schema, check_references, check_positions,
                           check_edits, check_commits, check_branches, check_runs, check_results}) {
    guarded(db, faults, check);
  }
  return faults;
}

}  // namespace kedit

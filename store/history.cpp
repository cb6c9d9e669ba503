// Commits and reverts: what was applied where, in which order.
#include "edits/hash.hpp"
#include "store/branch_rows.hpp"
#include "store/edit_rows.hpp"
#include "store/figures_json.hpp"
#include "store/schema.hpp"
#include "store/store_impl.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <set>

namespace kedit {
namespace {

void require_model(Connection& db, const std::string& fingerprint) {
  Statement query = db.statement("SELECT 1 FROM models WHERE fingerprint = ?");
  query.with(fingerprint);
  if (query.step()) return;
  throw StoreError(StoreError::Kind::absent,
                   db.where() + fmt::format("the store does not know model \"{}\"; put_model first",
                                            fingerprint));
}

EditRow row_of(const EditDelta& delta, const EditContent& content, EditRow row) {
  row.content_sha256 = content_sha256(content);
  row.id = edit_id(row.content_sha256, row.parent.value_or(""), row.run.value_or(""));
  row.diagnostics = to_text(figures_to_json(delta.figures));
  row.diagnostics_sha256 = sha256_hex(row.diagnostics);
  return row;
}

// CROSS JOIN keeps SQLite from turning a join around: whoever lists a branch starts from its list,
// whoever asks for one edit starts from that edit's commits. Turned around, either is quadratic.

// The columns of an EditRecord. ?1 is the branch whose reverts count.
constexpr std::string_view kRecordColumns =
    "SELECT e.id, e.editor, e.kind, "
    "coalesce(q.subject, f.subject, ''), coalesce(q.prompt, ''), "
    "coalesce(q.target_new, f.object, ''), "
    "(SELECT count(*) FROM requests WHERE edit = e.id), coalesce(c.time, e.created), "
    "coalesce(e.parent, ''), e.model, coalesce(c.note, ''), e.program, e.forced, "
    "(SELECT r.id FROM commits r CROSS JOIN branch_commits l ON l.commit_id = r.id "
    " WHERE r.edit = e.id AND r.kind = 'revert' AND l.branch = ?1 LIMIT 1), "
    "coalesce(e.run, '') ";

constexpr std::string_view kRequestOfEdit =
    "LEFT JOIN requests q ON q.edit = e.id AND q.position = 0 "
    "LEFT JOIN facts f ON f.edit = e.id AND f.position = 0 ";

// `from` names the tables, e (edits) and c (the commit that applied it) among them.
std::string record_query(std::string_view from, std::string_view where) {
  return fmt::format("{} {} {} {}", kRecordColumns, from, kRequestOfEdit, where);
}

EditRecord record_from(const Statement& row) {
  EditRecord record;
  record.id = row.text(0);
  record.editor = row.text(1);
  record.kind = row.text(2);
  record.subject = row.text(3);
  record.prompt = row.text(4);
  record.target_new = row.text(5);
  record.requests = row.integer(6);
  record.time = row.text(7);
  record.parent = row.text(8);
  record.model = row.text(9);
  record.note = row.text(10);
  record.program = row.text(11);
  record.forced = row.integer(12) != 0;
  record.reverted_by = row.text(13);
  record.run = row.text(14);
  return record;
}

// The first branch that lists the edit; 0 for an edit of a run.
std::int64_t home_branch(Connection& db, const std::string& edit) {
  Statement query = db.statement(
      "SELECT l.branch FROM commits c JOIN branch_commits l ON l.commit_id = c.id "
      "WHERE c.edit = ? ORDER BY l.branch LIMIT 1");
  query.with(edit);
  return query.step() ? query.integer(0) : 0;
}

// The edit must be applied on the branch and not reverted there.
void require_live(Connection& db, const Branch& branch, const std::string& edit) {
  Statement query = db.statement(
      "SELECT c.kind, c.id FROM commits c CROSS JOIN branch_commits l ON l.commit_id = c.id "
      "WHERE l.branch = ? AND c.edit = ? ORDER BY c.kind = 'revert' DESC, l.position LIMIT 1");
  query.with(branch.key, edit);
  if (!query.step()) {
    throw StoreError(
        StoreError::Kind::absent,
        db.where() +
            fmt::format("edit {} is not on branch \"{}\"; see kedit store log", edit, branch.name));
  }
  if (query.text(0) == "revert") {
    throw StoreError(StoreError::Kind::conflict,
                     db.where() + fmt::format("edit {} is reverted already (by {}); there is "
                                              "nothing to do",
                                              edit, query.text(1)));
  }
}

std::string plural(std::size_t count) {
  return fmt::format("committing {} edit{}", count, count == 1 ? "" : "s");
}

// `store log` shows the ids of reverts, too, and people try them.
std::string no_such_edit(Connection& db, const std::string& prefix) {
  const std::string nothing = "there is no such edit; see kedit store log";
  if (prefix.size() < 4) return nothing;
  Statement query = db.statement(
      "SELECT id, kind, edit FROM commits WHERE substr(id, 1, length(?1)) = ?1 LIMIT 1");
  query.with(prefix);
  if (!query.step() || query.is_null(2)) return nothing;
  if (query.text(1) == "revert") {
    return fmt::format(
        "expected an edit, found the revert {} of edit {}; a revert is not taken "
        "back, make the edit again to have it back",
        query.text(0), query.text(2));
  }
  return fmt::format("expected an edit, found the commit {}; name its edit {}", query.text(0),
                     query.text(2));
}

bool is_hex_prefix(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string Store::commit(const EditDelta& delta, const CommitOptions& options) {
  return commit_all({delta}, options).front();
}

std::vector<std::string> Store::commit_all(const std::vector<EditDelta>& deltas,
                                           const CommitOptions& options) {
  Connection& db = impl_->db;
  db.begin_act(plural(deltas.size()));
  std::vector<std::string> ids;
  ids.reserve(deltas.size());
  Transaction transaction(db);
  Branch branch = read_branch(db, options.branch);
  LiveClaims live = impl_->take_live_claims(branch);  // what fails below leaves none behind
  for (const EditDelta& delta : deltas) {
    const EditContent content = content_of(delta);
    require_model(db, content.model);
    EditRow hung;
    hung.parent = branch.last_edit;
    hung.forced = options.forced;
    const EditRow row = row_of(delta, content, hung);
    for (EditClaim& claim : claims_of(row.id, content)) {
      if (!options.allow_conflict) impl_->require_agreement(live, claim, branch.name);
      live.claims.add(std::move(claim));
    }
    insert_edit(db, row, content);
    append_commit(db, branch, "apply", row.id, options.note);
    branch.last_edit = row.id;
    ids.push_back(row.id);
  }
  if (!ids.empty()) write_head(db, branch);
  transaction.commit();
  live.head = branch.head;
  impl_->live_claims = std::move(live);
  return ids;
}

std::vector<std::string> Store::commit_for_run(const std::string& run,
                                               const std::vector<EditDelta>& deltas) {
  Connection& db = impl_->db;
  db.begin_act(plural(deltas.size()) + " of run " + run);
  std::vector<std::string> ids;
  ids.reserve(deltas.size());
  Transaction transaction(db);
  require_run(db, run);
  for (const EditDelta& delta : deltas) {
    const EditContent content = content_of(delta);
    require_model(db, content.model);
    EditRow hung;
    hung.run = run;
    const EditRow row = row_of(delta, content, hung);
    insert_edit(db, row, content);
    ids.push_back(row.id);
  }
  transaction.commit();
  return ids;
}

std::string Store::revert(const std::string& id, const std::string& branch_name) {
  Connection& db = impl_->db;
  db.begin_act("reverting edit " + id);
  Transaction transaction(db);
  if (!read_edit_row(db, id)) {
    impl_->refuse(StoreError::Kind::absent, "there is no such edit; see kedit store log");
  }
  Branch branch = read_branch(db, branch_name);
  require_live(db, branch, id);
  const bool knows_live = impl_->knows_live_claims(branch);
  const std::string revert = append_commit(db, branch, "revert", id, "");
  write_head(db, branch);
  transaction.commit();
  if (knows_live) {
    impl_->live_claims->claims.remove(id);
    impl_->live_claims->head = branch.head;
  }
  return revert;
}

std::string Store::resolve(const std::string& prefix) const {
  Connection& db = impl_->db;
  db.begin_act("looking up edit " + prefix);
  std::vector<std::string> found;
  if (is_hex_prefix(prefix)) {
    Statement query = db.statement(
        "SELECT id FROM edits WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 2");
    query.with(prefix);
    while (query.step()) found.push_back(query.text(0));
  }
  if (found.empty()) impl_->refuse(StoreError::Kind::absent, no_such_edit(db, prefix));
  if (found.size() > 1) {
    impl_->refuse(
        StoreError::Kind::conflict,
        fmt::format("several edits begin so ({}, {}, ...); give more digits", found[0], found[1]));
  }
  return found.front();
}

std::optional<EditRecord> Store::record(const std::string& id) const {
  Connection& db = impl_->db;
  db.begin_act("reading edit " + id);
  const std::int64_t branch = home_branch(db, id);
  Statement query = db.statement(
      record_query("FROM edits e LEFT JOIN commits c ON c.edit = e.id AND c.kind = 'apply'",
                   "WHERE e.id = ?2 ORDER BY c.sequence LIMIT 1"));
  query.with(branch, id);
  if (!query.step()) return std::nullopt;
  return record_from(query);
}

std::optional<EditDelta> Store::find(const std::string& id) const {
  Connection& db = impl_->db;
  db.begin_act("reading edit " + id);
  const std::optional<EditRow> row = read_edit_row(db, id);
  if (!row) return std::nullopt;
  return delta_of(db, *row, read_content(db, id));
}

std::vector<EditRecord> Store::log(const std::string& branch) const {
  Connection& db = impl_->db;
  db.begin_act("reading the log");
  const std::int64_t key = branch_key(db, branch);
  std::vector<EditRecord> records;
  Statement query =
      db.statement(record_query("FROM branch_commits b CROSS JOIN commits c ON c.id = b.commit_id "
                                "CROSS JOIN edits e ON e.id = c.edit",
                                "WHERE b.branch = ?1 AND c.kind = 'apply' ORDER BY b.position"));
  query.with(key);
  std::set<std::string> seen;  // two merged branches may have applied the same edit
  while (query.step()) {
    EditRecord record = record_from(query);
    if (seen.insert(record.id).second) records.push_back(std::move(record));
  }
  return records;
}

std::vector<CommitRecord> Store::history(const std::string& id) const {
  Connection& db = impl_->db;
  db.begin_act("reading the history of edit " + id);
  std::vector<CommitRecord> commits;
  Statement query = db.statement(
      "SELECT c.id, c.kind, b.name, c.time, c.note, c.program FROM commits c "
      "JOIN branch_commits l ON l.commit_id = c.id JOIN branches b ON b.id = l.branch "
      "WHERE c.edit = ? ORDER BY l.branch, l.position");
  query.with(id);
  while (query.step()) {
    commits.push_back(
        {query.text(0), query.text(1), query.text(2), query.text(3), query.text(4), query.text(5)});
  }
  return commits;
}

std::vector<std::string> Store::live(const std::string& branch,
                                     const std::string& fingerprint) const {
  Connection& db = impl_->db;
  db.begin_act("reading the branch");
  const std::int64_t key = branch_key(db, branch);
  std::vector<std::string> ids;
  Statement query = db.statement(
      "SELECT e.id FROM branch_commits b CROSS JOIN commits c ON c.id = b.commit_id "
      "CROSS JOIN edits e ON e.id = c.edit "
      "WHERE b.branch = ?1 AND c.kind = 'apply' AND e.model = ?2 AND NOT EXISTS "
      "(SELECT 1 FROM commits r CROSS JOIN branch_commits l ON l.commit_id = r.id "
      " WHERE r.edit = e.id AND r.kind = 'revert' AND l.branch = ?1) ORDER BY b.position");
  query.with(key, fingerprint);
  std::set<std::string> seen;
  while (query.step()) {
    if (seen.insert(query.text(0)).second) ids.push_back(query.text(0));
  }
  return ids;
}

}  // namespace kedit

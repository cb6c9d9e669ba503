// Removing what nothing refers to.
#include "store/store_impl.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <system_error>

namespace kedit {
namespace {

// Kept are commits that a branch lists, what they hang on and the heads they merged; edits that
// these commits name or that were made for a run, and the edits those hang on.
constexpr std::string_view kKept =
    "WITH RECURSIVE kept_commits (id) AS ("
    " SELECT commit_id FROM branch_commits"
    " UNION SELECT c.parent FROM kept_commits k CROSS JOIN commits c ON c.id = k.id"
    "  WHERE c.parent IS NOT NULL"
    " UNION SELECT m.head FROM kept_commits k CROSS JOIN merges m ON m.commit_id = k.id), "
    "kept_edits (id) AS ("
    " SELECT c.edit FROM kept_commits k CROSS JOIN commits c ON c.id = k.id"
    "  WHERE c.edit IS NOT NULL"
    " UNION SELECT id FROM edits WHERE run IS NOT NULL"
    " UNION SELECT e.parent FROM kept_edits k CROSS JOIN edits e ON e.id = k.id"
    "  WHERE e.parent IS NOT NULL) ";

std::vector<std::string> ids_of(Connection& db, std::string_view query_text) {
  std::vector<std::string> ids;
  Statement query = db.statement(fmt::format("{}{}", kKept, query_text));
  while (query.step()) ids.push_back(query.text(0));
  return ids;
}

void delete_rows(Connection& db, std::string_view statement, const std::vector<std::string>& ids) {
  Statement remove = db.statement(statement);
  for (const std::string& id : ids) {
    remove.with(id);
    remove.run();
    remove.reset();
  }
}

// SQLite looks for referring rows at each deletion, through whole tables where no index serves.
// Looked for once at the end instead, inside the same transaction.
class UncheckedReferences {
 public:
  explicit UncheckedReferences(Connection& db) : db_(db) {
    db_.execute("PRAGMA foreign_keys = OFF");
  }
  ~UncheckedReferences() {
    try {
      db_.execute("PRAGMA foreign_keys = ON");
    } catch (...) {  // the next transaction of this connection fails on its own
    }
  }
  UncheckedReferences(const UncheckedReferences&) = delete;
  UncheckedReferences& operator=(const UncheckedReferences&) = delete;

 private:
  Connection& db_;
};

void require_references(Connection& db) {
  Statement query = db.statement("PRAGMA foreign_key_check");
  if (!query.step()) return;
  throw StoreError(StoreError::Kind::corrupt,
                   db.where() + fmt::format("{} refers to missing rows of {}, so nothing was "
                                            "removed; run kedit store verify",
                                            query.text(0), query.text(2)));
}

std::int64_t file_bytes(const std::filesystem::path& file) {
  std::int64_t bytes = 0;
  for (const char* ending : {"", "-wal"}) {
    std::error_code absent;
    const auto size = std::filesystem::file_size(file.string() + ending, absent);
    if (!absent) bytes += static_cast<std::int64_t>(size);
  }
  return bytes;
}

// What is removed is removed, whether or not the file can be made smaller now.
void compact(Connection& db, GarbageReport& report) {
  try {
    if (db.integer("PRAGMA freelist_count") > 0) {
      db.execute("VACUUM");
      report.compacted = true;
    }
    db.integer("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (const StoreError& error) {
    report.not_compacted_because = error.what();
  }
}

}  // namespace

GarbageReport Store::collect_garbage(bool dry_run) {
  Connection& db = impl_->db;
  db.begin_act("collecting garbage");
  GarbageReport report;
  report.bytes_before = file_bytes(impl_->file);
  const UncheckedReferences unchecked(db);
  {
    Transaction transaction(db, dry_run ? Transaction::Kind::read : Transaction::Kind::write);
    const auto edits =
        ids_of(db, "SELECT id FROM edits WHERE id NOT IN kept_edits ORDER BY sequence");
    const auto commits =
        ids_of(db, "SELECT id FROM commits WHERE id NOT IN kept_commits ORDER BY sequence");
    for (const std::string& id : edits) {
      if (auto found = record(id)) report.edits.push_back(*std::move(found));
      Statement size = db.statement(
          "SELECT (SELECT coalesce(sum(length(factors)), 0) FROM edit_updates WHERE edit = ?1) + "
          "(SELECT coalesce(sum(length(tensor)), 0) FROM edit_state WHERE edit = ?1)");
      size.with(id).step();
      report.factor_bytes += size.integer(0);
    }
    report.commits = static_cast<std::int64_t>(commits.size());
    db.begin_act("collecting garbage");
    if (dry_run) {
      report.bytes_after = report.bytes_before;
      return report;
    }
    delete_rows(db, "DELETE FROM merges WHERE commit_id = ?", commits);
    delete_rows(db, "DELETE FROM commits WHERE id = ?", commits);
    for (const char* statement :
         {"DELETE FROM edit_updates WHERE edit = ?", "DELETE FROM requests WHERE edit = ?",
          "DELETE FROM facts WHERE edit = ?", "DELETE FROM edit_state WHERE edit = ?",
          "DELETE FROM edits WHERE id = ?"}) {
      delete_rows(db, statement, edits);
    }
    require_references(db);
    transaction.commit();
  }
  compact(db, report);
  report.bytes_after = file_bytes(impl_->file);
  return report;
}

}  // namespace kedit

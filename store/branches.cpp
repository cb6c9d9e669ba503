// Branches: their lists, the current one, making, cutting and deleting them.
#include "store/branch_rows.hpp"
#include "store/schema.hpp"
#include "store/store_impl.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <utf8proc.h>

#include <limits>

namespace kedit {
namespace {

std::string branch_names(Connection& db) {
  std::string names;
  Statement query = db.statement("SELECT name FROM branches ORDER BY id");
  while (query.step()) names += (names.empty() ? "" : ", ") + query.text(0);
  return names;
}

// Not a blank of any kind, a control or a format character (directions, joiners): what one cannot
// see makes two names look alike.
bool is_visible(utf8proc_int32_t character) {
  switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
      return false;
    default:
      return true;
  }
}

// Names stand in command lines and on terminals, and must not pass for an option or a list.
void check_name(const Connection& db, const std::string& name) {
  constexpr std::size_t kMaxBytes = 100;
  const auto fail = [&](const std::string& found) {
    throw StoreError(StoreError::Kind::unusable,
                     db.where() + fmt::format("name of a branch: expected 1 to {} bytes of UTF-8 "
                                              "without blanks, commas, control and invisible "
                                              "characters, not beginning with '-', found {}",
                                              kMaxBytes, found));
  };
  if (name.empty()) fail("none");
  if (name.size() > kMaxBytes) fail(fmt::format("{} bytes", name.size()));
  if (name.front() == '-') fail("a dash at its beginning");
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(name.data());
  for (auto left = static_cast<utf8proc_ssize_t>(name.size()); left > 0;) {
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t bytes = utf8proc_iterate(at, left, &character);
    if (bytes < 1) fail("bytes that are not UTF-8");
    if (character == ',' || !is_visible(character)) fail("such a character");
    at += bytes;
    left -= bytes;
  }
}

// Where on `branch` an edit was applied, or a commit stands; 0 when it is not there.
std::int64_t position_on(Connection& db, std::int64_t branch, const std::string& id) {
  Statement query = db.statement(
      "SELECT l.position FROM commits c CROSS JOIN branch_commits l ON l.commit_id = c.id "
      "WHERE (c.id = ?1 OR c.edit = ?1 AND c.kind = 'apply') AND l.branch = ?2 "
      "ORDER BY c.id = ?1 DESC, l.position LIMIT 1");
  query.with(id, branch);
  return query.step() ? query.integer(0) : 0;
}

std::vector<std::string> ids_beginning(Connection& db, const std::string& prefix) {
  if (prefix.empty() || prefix.find_first_not_of("0123456789abcdef") != std::string::npos)
    return {};
  std::vector<std::string> ids;
  Statement query = db.statement(
      "SELECT id FROM commits WHERE substr(id, 1, length(?1)) = ?1 UNION "
      "SELECT id FROM edits WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2");
  query.with(prefix);
  while (query.step()) ids.push_back(query.text(0));
  return ids;
}

void copy_list(Connection& db, std::int64_t from, std::int64_t to, std::int64_t last) {
  db.statement(
        "INSERT INTO branch_commits (branch, position, commit_id) "
        "SELECT ?, position, commit_id FROM branch_commits WHERE branch = ? AND position <= ?")
      .with(to, from, last)
      .run();
}

}  // namespace

std::int64_t branch_key(Connection& db, const std::string& name) {
  {
    Statement query = db.statement("SELECT id FROM branches WHERE name = ?");
    query.with(name);
    if (query.step()) return query.integer(0);
  }
  throw StoreError(StoreError::Kind::absent,
                   db.where() + fmt::format("there is no branch \"{}\"; the store has {}", name,
                                            branch_names(db)));
}

Branch read_branch(Connection& db, const std::string& name) {
  Branch branch;
  branch.key = branch_key(db, name);
  branch.name = name;
  {
    Statement query = db.statement(
        "SELECT head, (SELECT max(position) FROM branch_commits WHERE branch = b.id) "
        "FROM branches b WHERE b.id = ?");
    query.with(branch.key).step();
    if (!query.is_null(0)) branch.head = query.text(0);
    branch.length = query.integer(1);
  }
  if (branch.length < 0 || branch.length == std::numeric_limits<std::int64_t>::max()) {
    throw StoreError(StoreError::Kind::corrupt,
                     db.where() + fmt::format("branch \"{}\": expected positions from 1 on, found "
                                              "{}; run kedit store verify",
                                              name, branch.length));
  }
  Statement query = db.statement(
      "SELECT c.edit FROM branch_commits l CROSS JOIN commits c ON c.id = l.commit_id "
      "WHERE l.branch = ? AND c.kind = 'apply' ORDER BY l.position DESC LIMIT 1");
  query.with(branch.key);
  if (query.step()) branch.last_edit = query.text(0);
  return branch;
}

std::vector<Listed> read_list(Connection& db, std::int64_t branch, std::int64_t last) {
  std::vector<Listed> list;
  Statement query = db.statement(
      "SELECT l.position, c.id, c.kind, c.parent, c.edit FROM branch_commits l "
      "CROSS JOIN commits c ON c.id = l.commit_id WHERE l.branch = ?1 "
      "AND (?2 = 0 OR l.position <= ?2) ORDER BY l.position");
  query.with(branch, last);
  while (query.step()) {
    list.push_back({query.integer(0), query.text(1), query.text(2), query.text(3), query.text(4)});
  }
  return list;
}

std::vector<std::string> live_of(const std::vector<Listed>& list) {
  std::set<std::string> gone;
  for (const Listed& entry : list) {
    if (entry.kind == "revert") gone.insert(entry.edit);
  }
  std::vector<std::string> live;
  for (const Listed& entry : list) {
    // Once listed it is as good as gone: a second application adds nothing.
    if (entry.kind == "apply" && gone.insert(entry.edit).second) live.push_back(entry.edit);
  }
  return live;
}

void list_commit(Connection& db, Branch& branch, const std::string& commit) {
  db.statement("INSERT INTO branch_commits (branch, position, commit_id) VALUES (?, ?, ?)")
      .with(branch.key, ++branch.length, commit)
      .run();
}

std::string append_commit(Connection& db, Branch& branch, const std::string& kind,
                          const std::string& edit, const std::string& note) {
  const std::string id = commit_id(kind, edit, branch.head.value_or(""));
  // The same commit after the same history may already be on another branch: it is then shared.
  db.statement(
        "INSERT INTO commits (id, kind, parent, edit, time, note, program) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING")
      .with(id, kind, branch.head, edit, utc_now(), note, store_program())
      .run();
  list_commit(db, branch, id);
  branch.head = id;
  return id;
}

void write_head(Connection& db, const Branch& branch) {
  db.statement("UPDATE branches SET head = ? WHERE id = ?").with(branch.head, branch.key).run();
}

std::vector<BranchRecord> Store::branches() const {
  Connection& db = impl_->db;
  db.begin_act("reading the branches");
  const Transaction snapshot(db, Transaction::Kind::read);
  std::vector<BranchRecord> records;
  std::vector<std::int64_t> keys;
  {
    Statement query = db.statement(
        "SELECT b.id, b.name, b.head, b.created, b.id = (SELECT branch FROM current_branch) "
        "FROM branches b ORDER BY b.id");
    while (query.step()) {
      keys.push_back(query.integer(0));
      BranchRecord record;
      record.name = query.text(1);
      record.head = query.text(2);
      record.created = query.text(3);
      record.is_current = query.integer(4) != 0;
      records.push_back(std::move(record));
    }
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::vector<Listed> list = read_list(db, keys[i]);
    std::set<std::string> applied;
    for (const Listed& entry : list) {
      if (entry.kind == "apply") applied.insert(entry.edit);
    }
    records[i].commits = static_cast<std::int64_t>(list.size());
    records[i].edits = static_cast<std::int64_t>(applied.size());
    records[i].live = static_cast<std::int64_t>(live_of(list).size());
  }
  return records;
}

std::string Store::current_branch() const {
  Connection& db = impl_->db;
  db.begin_act("reading the current branch");
  std::string name =
      db.text("SELECT b.name FROM current_branch c JOIN branches b ON b.id = c.branch");
  if (name.empty()) {
    impl_->refuse(StoreError::Kind::corrupt,
                  "expected a branch that is checked out, found none; choose one (kedit store "
                  "checkout)");
  }
  return name;
}

void Store::checkout(const std::string& branch) {
  Connection& db = impl_->db;
  db.begin_act("checking out branch " + branch);
  Transaction transaction(db);
  db.statement(
        "INSERT INTO current_branch (only_row, branch) VALUES (1, ?) "
        "ON CONFLICT (only_row) DO UPDATE SET branch = excluded.branch")
      .with(branch_key(db, branch))
      .run();
  transaction.commit();
}

void Store::create_branch(const std::string& name, const std::string& from, const std::string& at) {
  Connection& db = impl_->db;
  db.begin_act("creating branch " + name);
  check_name(db, name);
  Transaction transaction(db);
  const BranchPoint point = impl_->branch_point(from, at);
  db.statement(
        "INSERT INTO branches (name, head, created) VALUES (?, "
        "(SELECT commit_id FROM branch_commits WHERE branch = ? AND position = ?), ?) "
        "ON CONFLICT (name) DO NOTHING")
      .with(name, point.branch, point.position, utc_now())
      .run();
  if (db.changes() == 0) {
    impl_->refuse(StoreError::Kind::conflict, "the branch exists already; choose another name");
  }
  copy_list(db, point.branch, branch_key(db, name), point.position);
  transaction.commit();
}

void Store::delete_branch(const std::string& name) {
  Connection& db = impl_->db;
  db.begin_act("deleting branch " + name);
  Transaction transaction(db);
  const std::int64_t key = branch_key(db, name);
  if (key == db.integer("SELECT branch FROM current_branch")) {
    impl_->refuse(StoreError::Kind::conflict,
                  "it is the branch checked out; check out another one first");
  }
  db.statement("DELETE FROM branch_commits WHERE branch = ?").with(key).run();
  db.statement("DELETE FROM branches WHERE id = ?").with(key).run();
  transaction.commit();
}

BranchPoint Store::Impl::branch_point(const std::string& preferred, const std::string& at) const {
  const Branch branch = read_branch(db, preferred);
  if (at.empty()) return {branch.key, branch.length, preferred};
  const std::vector<std::string> ids = ids_beginning(db, at);
  if (ids.empty()) {
    refuse(StoreError::Kind::absent,
           fmt::format("there is no edit or commit {}; see kedit store log", at));
  }
  if (ids.size() > 1) {
    refuse(StoreError::Kind::conflict,
           fmt::format("several edits or commits begin with {} ({}, {}, ...); give more digits", at,
                       ids[0], ids[1]));
  }
  if (const std::int64_t place = position_on(db, branch.key, ids[0])) {
    return {branch.key, place, preferred};
  }
  std::vector<std::pair<std::int64_t, std::string>> others;
  {
    Statement query = db.statement("SELECT id, name FROM branches ORDER BY id");
    while (query.step()) others.emplace_back(query.integer(0), query.text(1));
  }
  for (const auto& [key, name] : others) {
    if (const std::int64_t place = position_on(db, key, ids[0])) return {key, place, name};
  }
  refuse(StoreError::Kind::absent, fmt::format("{} is on no branch", ids[0]));
}

}  // namespace kedit

#include "store/schema.hpp"

#include "store/store.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <map>

namespace kedit {
namespace {

struct FileState {
  std::int64_t application = 0;
  std::int64_t version = 0;
  std::int64_t objects = 0;

  bool empty() const { return application == 0 && version == 0 && objects == 0; }
};

// In one transaction: another process may be making the store meanwhile.
FileState state_of(Connection& connection) {
  const Transaction one_state(connection, Transaction::Kind::read);
  return {connection.integer("PRAGMA application_id"), connection.integer("PRAGMA user_version"),
          connection.integer("SELECT count(*) FROM sqlite_master")};
}

std::int64_t newest() { return static_cast<std::int64_t>(schema_migrations().size()); }

[[noreturn]] void refuse(const Connection& connection, const std::string& text) {
  throw StoreError(StoreError::Kind::unusable, connection.where() + text);
}

void check_owner(const Connection& connection, const FileState& state, bool may_create) {
  if (state.empty()) {
    if (!may_create || !connection.writable()) {
      refuse(connection,
             "expected a kedit store, found an empty file; make an edit into it, or name "
             "the right file");
    }
    return;
  }
  if (state.application == kStoreApplicationId && state.version < 1) {
    refuse(connection, fmt::format("expected schema 1 or newer, found {}; restore the file from a "
                                   "copy",
                                   state.version));
  }
  if (state.application != kStoreApplicationId) {
    refuse(
        connection,
        fmt::format("expected a kedit store (application id {:#x}), found another program's SQLite "
                    "database (application id {:#x}); name the right file",
                    kStoreApplicationId, state.application));
  }
}

void check_version(const Connection& connection, const FileState& state) {
  if (state.version > newest()) {
    refuse(connection, fmt::format("expected schema {} or older, found schema {} made by a newer "
                                   "kedit; update kedit",
                                   newest(), state.version));
  }
  if (state.version < newest() && !connection.writable()) {
    refuse(connection,
           fmt::format("expected schema {}, found the older schema {} in a store opened "
                       "read-only; make the file and its directory writable, it is lifted when "
                       "it is opened",
                       newest(), state.version));
  }
}

// One step and its number in one transaction; another process may have done it meanwhile.
void lift(Connection& connection, std::int64_t to) {
  Transaction transaction(connection);
  if (connection.integer("PRAGMA user_version") >= to) return;
  connection.execute(std::string(schema_migrations()[static_cast<std::size_t>(to - 1)]));
  connection.execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kStoreApplicationId, to));
  transaction.commit();
}

std::map<std::string, std::string> objects_of(Connection& connection) {
  std::map<std::string, std::string> objects;
  Statement query = connection.statement(
      "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master "
      "WHERE name NOT LIKE 'sqlite_stat%'");
  while (query.step()) objects[query.text(0)] = query.text(1);
  return objects;
}

}  // namespace

void prepare_schema(Connection& connection, bool may_create) {
  FileState state = state_of(connection);
  check_owner(connection, state, may_create);
  check_version(connection, state);
  if (!connection.writable()) return;
  // Before the tables: in log mode a process that dies while making them leaves an empty store.
  connection.use_write_ahead_log();
  for (std::int64_t step = state.version + 1; step <= newest(); ++step) lift(connection, step);
}

bool is_older_store(Connection& connection) {
  const FileState state = state_of(connection);
  return state.application == kStoreApplicationId && state.version >= 1 && state.version < newest();
}

std::vector<std::string> schema_differences(Connection& connection) {
  Connection model("the schema", Access::in_memory, 0);
  for (const std::string_view step : schema_migrations()) model.execute(std::string(step));
  const auto expected = objects_of(model);
  const auto found = objects_of(connection);
  std::vector<std::string> differences;
  for (const auto& [name, sql] : expected) {
    const auto same = found.find(name);
    if (same == found.end()) {
      differences.push_back(fmt::format("schema: {} is missing", name));
    } else if (same->second != sql) {
      differences.push_back(fmt::format("schema: {} is not as the migrations make it", name));
    }
  }
  for (const auto& [name, sql] : found) {
    if (!expected.contains(name)) differences.push_back(fmt::format("schema: {} is foreign", name));
  }
  return differences;
}

}  // namespace kedit

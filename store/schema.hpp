#pragma once

#include "store/database.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// `PRAGMA application_id` of a store: "kedi" in ASCII.
inline constexpr std::int64_t kStoreApplicationId = 0x6b656469;

/// The numbered SQL steps: number n (from 1) lifts schema n - 1 to n. `PRAGMA user_version` counts.
const std::vector<std::string_view>& schema_migrations();

/// "kedit VERSION": what is recorded as the maker of edits and runs.
std::string_view store_program();

/// Checks that the file is a store, and lifts an older or empty one to the newest schema, each step
/// in one transaction together with its number. Throws `StoreError`: another program's database, a
/// newer schema, an empty file unless `may_create`, an older one when read-only.
void prepare_schema(Connection& connection, bool may_create);

/// A store whose schema this program would lift.
bool is_older_store(Connection& connection);

/// One line for each difference between the file's tables, indices and triggers and those that the
/// migrations make.
std::vector<std::string> schema_differences(Connection& connection);

}  // namespace kedit

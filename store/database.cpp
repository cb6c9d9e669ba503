#include "store/database.hpp"

#include "store/store.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>
#include <thread>
#include <unistd.h>

namespace kedit {
namespace {

struct Diagnosis {
  StoreError::Kind kind;
  std::string text;
};

Diagnosis no_room() {
  return {StoreError::Kind::io,
          "no room is left to write (disk full, quota or file size limit); free some space and try "
          "again, nothing of this change was kept"};
}

Diagnosis input_output(int code, int system_error) {
  if (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG) return no_room();
  const std::string reason = system_error != 0 ? std::strerror(system_error) : sqlite3_errstr(code);
  return {StoreError::Kind::io,
          fmt::format("the file could not be read or written ({}); check the disk and the file's "
                      "permissions, nothing of this change was kept",
                      reason)};
}

// What a code means for the person at the keyboard. The primary code is the low byte.
Diagnosis diagnose(int code, int system_error, int busy_ms, const char* detail) {
  using Kind = StoreError::Kind;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Kind::busy,
              fmt::format("the store is locked by another process (waited {} ms); let it "
                          "finish, then try again",
                          busy_ms)};
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Kind::unusable,
              "expected a store that can be written, found a read-only one; make the file and its "
              "directory writable, or work on a copy"};
    case SQLITE_FULL:
      return no_room();
    case SQLITE_IOERR:
      return input_output(code, system_error);
    case SQLITE_NOTADB:
      return {
          Kind::corrupt,
          "expected a kedit store, found a file that is no SQLite database; name the right file, "
          "or restore it from a copy"};
    case SQLITE_CORRUPT:
      return {Kind::corrupt, fmt::format("the file is damaged ({}); run kedit store verify and "
                                         "restore it from a copy",
                                         detail)};
    case SQLITE_CANTOPEN:
      return {Kind::unusable,
              fmt::format("the file cannot be opened ({}); check that its directory exists and is "
                          "accessible",
                          system_error != 0 ? std::strerror(system_error) : detail)};
    case SQLITE_ERROR:  // our statements are right: a table or column is not there
      return {Kind::corrupt,
              fmt::format("its tables are not those of a kedit store ({}); run kedit store verify "
                          "and restore the file from a copy",
                          detail)};
    case SQLITE_CONSTRAINT:
      return {Kind::conflict,
              fmt::format("the store refuses the change ({}); run kedit store verify", detail)};
    default:
      return {Kind::io, fmt::format("SQLite reports: {}", detail)};
  }
}

// SQLite forgets the system's reason of a failed write when it rolls back; errno still has it.
int system_error_of(sqlite3* handle) {
  const int remembered = errno;
  const int kept = handle != nullptr ? sqlite3_system_errno(handle) : 0;
  return kept != 0 ? kept : remembered;
}

// The first read of a store in log mode needs the log's index beside the file.
bool lacks_log_index(int code) {
  const int primary = code & 0xff;
  return primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY;
}

std::string immutable_uri(const std::filesystem::path& file) {
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(file).string()) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

// As SQLite takes it for a file's name whatever it is: ":memory:" and "file:..." mean something
// else to it, and the empty name a file that goes when it is closed.
std::string plain_name(const std::filesystem::path& file, Access access) {
  if (access == Access::in_memory) return ":memory:";
  return file.is_absolute() ? file.string() : "./" + file.string();
}

// It lies beside the file itself, not beside a link to it.
std::filesystem::path log_of(const std::filesystem::path& file) {
  std::error_code unreachable;
  return std::filesystem::weakly_canonical(file, unreachable).string() + "-wal";
}

// A log without a byte is what a reader leaves that could not remove it.
bool has_log(const std::filesystem::path& file) {
  std::error_code absent;
  const auto bytes = std::filesystem::file_size(log_of(file), absent);
  return !absent && bytes > 0;
}

// SQLite says of a file or directory without the right to write that it cannot be opened.
bool is_write_protected(const std::filesystem::path& file) {
  const auto directory = std::filesystem::absolute(file).parent_path();
  const auto exists_protected = [](const std::filesystem::path& path) {
    return access(path.c_str(), F_OK) == 0 && access(path.c_str(), W_OK) != 0;
  };
  return exists_protected(file) || exists_protected(directory);
}

// Readers open for writing, too, where they may: only such a connection removes the log and its
// index when it is the last to close. SQLite falls back to reading by itself; `kReaderSettings`
// keep a reader from writing.
int open_flags(Access access) {
  constexpr int kBoth = SQLITE_OPEN_READWRITE;
  const bool creates = access == Access::create || access == Access::in_memory;
  return creates ? kBoth | SQLITE_OPEN_CREATE : kBoth;
}

// A log that one large commit made long is cut to 64 MiB when it is begun anew.
constexpr const char* kWriterSettings =
    "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864";
constexpr const char* kReaderSettings = "PRAGMA synchronous = FULL; PRAGMA query_only = ON";

}  // namespace

Statement::Statement(Connection& connection, sqlite3_stmt* handle, bool& in_use)
    : connection_(&connection), handle_(handle), in_use_(&in_use) {
  in_use = true;
}

Statement::~Statement() {
  reset();
  *in_use_ = false;
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

Statement& Statement::bind(int index, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(handle_, index, value)) connection_->fail(code);
  return *this;
}

Statement& Statement::bind(int index, std::string_view value) {
  // A null pointer would bind NULL: an empty view still has to be the empty text.
  const char* data = value.data() != nullptr ? value.data() : "";
  const int code =
      sqlite3_bind_text64(handle_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) connection_->fail(code);
  return *this;
}

Statement& Statement::bind(int index, const std::vector<std::uint8_t>& value) {
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  const int code = sqlite3_bind_blob64(handle_, index, data, value.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) connection_->fail(code);
  return *this;
}

Statement& Statement::bind(int index, const std::optional<std::string>& value) {
  if (value) return bind(index, std::string_view(*value));
  if (const int code = sqlite3_bind_null(handle_, index)) connection_->fail(code);
  return *this;
}

bool Statement::step() {
  errno = 0;  // what it holds after a failure then comes from this step
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  connection_->fail(code);
}

void Statement::run() {
  while (step()) {
  }
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string Statement::text(int column) const {
  // A NULL column reads as a null pointer, and so does a value that memory did not suffice for.
  const void* data = sqlite3_column_text(handle_, column);
  if (data == nullptr) return {};
  const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
  return {static_cast<const char*>(data), bytes};
}

std::vector<std::uint8_t> Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  if (data == nullptr) return {};
  const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
  const auto* begin = static_cast<const std::uint8_t*>(data);
  return {begin, begin + bytes};
}

Connection::Connection(const std::filesystem::path& file, Access access, int busy_ms)
    : file_(file), access_(access), busy_ms_(busy_ms) {
  try {
    open_handle(plain_name(file, access), open_flags(access));
    const int code = sqlite3_exec(handle_, "PRAGMA schema_version", nullptr, nullptr, nullptr);
    // Where nothing can be written and no log lies there is no index to be had, and none is needed.
    if (lacks_log_index(code) && !writable()) {
      if (has_log(file)) fail_unreadable_log();
      close();
      open_handle(immutable_uri(file), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    } else if (code != SQLITE_OK) {
      fail(code);
    }
    execute("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    execute(writable() ? kWriterSettings : kReaderSettings);
  } catch (...) {
    close();
    throw;
  }
}

void Connection::fail_unreadable_log() const {
  throw StoreError(
      StoreError::Kind::unusable,
      where() + fmt::format("its newest commits lie in {}, which cannot be read without "
                            "writing beside it; make the directory writable, or copy both "
                            "files to where it is",
                            log_of(file_).filename().string()));
}

void Connection::open_handle(const std::string& name, int flags) {
  const int code = sqlite3_open_v2(name.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) fail(code);
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, busy_ms_);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // In the place of SQLite's own hook, which empties a long log before COMMIT returns.
  const auto remember_pages = [](void* pages, sqlite3*, const char*, int count) {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle_, remember_pages, &log_pages_);
}

void Connection::empty_long_log() noexcept {
  constexpr int kLongLog = 1000;  // pages, as SQLite has it
  if (log_pages_ < kLongLog) return;
  // A failure costs nothing: the log keeps what it has, and the next one tries again.
  sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

Connection::~Connection() { close(); }

void Connection::close() noexcept {
  for (auto& entry : cache_) sqlite3_finalize(entry.second.handle);
  cache_.clear();
  empty_long_log();
  sqlite3_close(handle_);
  handle_ = nullptr;
}

sqlite3_stmt* Connection::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK) fail(code);
  return handle;
}

Statement Connection::statement(std::string_view sql) {
  Cached& cached = cache_[std::string(sql)];
  if (cached.in_use) throw std::logic_error(fmt::format("statement used twice at once: {}", sql));
  if (cached.handle == nullptr) cached.handle = prepare(sql);
  return {*this, cached.handle, cached.in_use};
}

void Connection::execute(const std::string& script) {
  const int code = sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Connection::integer(std::string_view sql) {
  Statement query = statement(sql);
  return query.step() ? query.integer(0) : 0;
}

std::string Connection::text(std::string_view sql) {
  Statement query = statement(sql);
  return query.step() ? query.text(0) : std::string();
}

void Connection::use_write_ahead_log() {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::milliseconds(busy_ms_);
  // SQLite does not wait by itself when two processes switch the journal at once.
  for (;;) {
    const int code = sqlite3_exec(handle_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return;
    if ((code & 0xff) != SQLITE_BUSY || Clock::now() >= deadline) fail(code);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::int64_t Connection::changes() const { return sqlite3_changes(handle_); }

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

std::string Connection::where() const { return fmt::format("{}: {}: ", act_, file_.string()); }

void Connection::fail(int code) const {
  if ((code & 0xff) == SQLITE_NOMEM) throw std::bad_alloc();
  const int system_error = system_error_of(handle_);
  if ((code & 0xff) == SQLITE_CANTOPEN && writable() && is_write_protected(file_)) {
    code = SQLITE_READONLY;
  }
  const char* detail = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  const Diagnosis found = diagnose(code, system_error, busy_ms_, detail);
  throw StoreError(found.kind, where() + found.text);
}

Transaction::Transaction(Connection& connection, Kind kind) : connection_(&connection) {
  if (kind == Kind::write) connection.empty_long_log();
  connection.statement(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN").run();
}

Transaction::~Transaction() {
  if (finished_ || !connection_->in_transaction()) return;
  try {
    connection_->statement("ROLLBACK").run();
  } catch (...) {  // SQLite rolls back by itself when the connection closes
  }
}

void Transaction::commit() {
  connection_->statement("COMMIT").run();
  finished_ = true;
}

}  // namespace kedit

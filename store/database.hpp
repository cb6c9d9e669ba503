#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace kedit {

class Connection;

/// A prepared statement on loan from its connection's cache: reset and given back by the
/// destructor. Parameters and columns count from 1 and 0, as in SQLite. Failures throw
/// `StoreError`.
class Statement {
 public:
  Statement(Connection& connection, sqlite3_stmt* handle, bool& in_use);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, bool value) { return bind(index, std::int64_t{value}); }
  Statement& bind(int index, std::string_view value);  ///< Copied.
  Statement& bind(int index, const std::string& value) {
    return bind(index, std::string_view(value));
  }
  Statement& bind(int index, const char* value) { return bind(index, std::string_view(value)); }
  /// Not copied: the bytes must live until the statement has run.
  Statement& bind(int index, const std::vector<std::uint8_t>& value);
  Statement& bind(int index, const std::optional<std::string>& value);  ///< Empty: NULL.

  /// Binds all parameters in order.
  template <typename... Values>
  Statement& with(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }

  bool step();            ///< True while there is a row.
  void run();             ///< Steps to the end.
  void reset() noexcept;  ///< Ready for other parameters.

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;  ///< NULL reads as "".
  std::vector<std::uint8_t> blob(int column) const;

 private:
  Connection* connection_;
  sqlite3_stmt* handle_;
  bool* in_use_;
};

enum class Access {
  read_only,  ///< Writes nothing but what a log holds that a killed writer left.
  read_write,
  create,
  in_memory,  ///< A new database that no file holds; the name stands in messages only.
};

/// One SQLite connection: foreign keys on, schema of the file not trusted, extended error codes.
/// One thread. Every failure is a `StoreError` whose one sentence names what was being done
/// (`begin_act`), the file and the remedy.
class Connection {
 public:
  /// `busy_ms`: how long a lock held elsewhere is waited for.
  Connection(const std::filesystem::path& file, Access access, int busy_ms);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Names what the next statements are for: "committing 1 edit".
  void begin_act(std::string act) { act_ = std::move(act); }

  Statement statement(std::string_view sql);
  /// Runs a script of several statements, results dropped.
  void execute(const std::string& script);
  std::int64_t integer(
      std::string_view sql);               ///< First column of the first row; 0 if there is none.
  std::string text(std::string_view sql);  ///< Likewise; "" if there is none.

  /// Switches the file to write-ahead logging, waiting for others within the busy time.
  void use_write_ahead_log();
  /// Copies a long log into the file, as far as no reader needs the old pages. Commits do not do it
  /// themselves: they are durable once the log is. Transactions begin with it, `close` ends with
  /// it.
  void empty_long_log() noexcept;
  /// How many rows the last statement changed.
  std::int64_t changes() const;
  bool in_transaction() const;
  bool writable() const { return access_ != Access::read_only; }
  const std::filesystem::path& file() const { return file_; }

  /// "ACT: FILE: " for messages of the layer above.
  std::string where() const;
  [[noreturn]] void fail(int code) const;

 private:
  struct Cached {
    sqlite3_stmt* handle = nullptr;
    bool in_use = false;
  };
  void open_handle(const std::string& name, int flags);
  [[noreturn]] void fail_unreadable_log() const;
  void close() noexcept;
  sqlite3_stmt* prepare(std::string_view sql);

  std::filesystem::path file_;
  Access access_;
  int busy_ms_;
  std::string act_ = "opening the store";
  sqlite3* handle_ = nullptr;
  int log_pages_ = 0;  ///< in the log after this connection's latest commit
  std::unordered_map<std::string, Cached> cache_;
};

/// A transaction: immediate (takes the write lock at once, or waits) or a read snapshot. The
/// destructor rolls back unless committed.
class Transaction {
 public:
  enum class Kind { write, read };
  explicit Transaction(Connection& connection, Kind kind = Kind::write);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Connection* connection_;
  bool finished_ = false;
};

}  // namespace kedit

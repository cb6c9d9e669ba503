#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// The value type. Objects keep the order of the file, so that read and write round-trip.
using Json = nlohmann::ordered_json;

/// A JSON document or one of its fields is not what was expected. The message holds file, JSON
/// pointer, expected and found.
class JsonError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file could not be written (disk full, no permission): not the fault of what was read. What
/// stood there before still stands.
class FileWriteError : public JsonError {
 public:
  using JsonError::JsonError;
};

struct JsonLimits {
  std::int64_t max_bytes = std::int64_t{2} << 30;
  int max_depth = 64;
};

/// Parses strictly: one document, UTF-8, no duplicate keys at any level, bounded depth. `origin` is
/// the file name that messages carry; they give line and column of the fault.
Json parse_json(std::string_view text, const std::string& origin, const JsonLimits& limits = {});

/// Reads a regular file ("-" is standard input); a FIFO, a directory or an unreadable file is a
/// `JsonError` that names it.
Json read_json(const std::filesystem::path& file, const JsonLimits& limits = {});

/// One value per non-blank line; messages carry the line number.
std::vector<Json> read_json_lines(const std::filesystem::path& file, const JsonLimits& limits = {});

/// Floats round-trip, non-finite numbers become null, invalid UTF-8 becomes U+FFFD. `indent` < 0:
/// one line.
std::string to_text(const Json& value, int indent = -1);

/// Keys sorted at every level, no white space: equal values give equal bytes.
std::string canonical_text(const Json& value);

/// Writes beside the target, syncs, renames: the file is the old or the new one, never a half.
/// Throws `FileWriteError`.
void write_file_atomically(const std::filesystem::path& file, std::string_view bytes);

/// Whole file as bytes; throws `JsonError` naming the file when it cannot be read or is no regular
/// file.
std::string read_text_file(const std::filesystem::path& file,
                           std::int64_t max_bytes = std::int64_t{2} << 30);

/// The nearest of `known` to a mistyped name (edit distance at most 3), for "did you mean".
std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& known);

/// A value together with where it stands, for readers that must say which field of which record is
/// wrong. Cheap to copy; the document must outlive it.
class JsonView {
 public:
  JsonView(const Json& value, std::string origin, std::string pointer = "");

  const Json& value() const { return *value_; }
  const std::string& pointer() const { return pointer_; }
  const std::string& origin() const { return origin_; }

  bool has(std::string_view key) const;                      ///< Object with a non-null `key`.
  JsonView at(std::string_view key) const;                   ///< Throws when absent.
  std::optional<JsonView> find(std::string_view key) const;  ///< Empty when absent or null.
  JsonView at(std::size_t index) const;
  std::size_t size() const;               ///< Of an array; throws for other kinds.
  std::vector<std::string> keys() const;  ///< Of an object; throws for other kinds.

  std::string string() const;
  std::int64_t integer() const;
  double number() const;
  bool boolean() const;
  std::vector<std::string> strings() const;  ///< Array of strings.

  /// "reading FILE: POINTER: expected EXPECTED, found FOUND" with FOUND described from the value.
  [[noreturn]] void fail(std::string_view expected) const;

 private:
  const Json* value_;
  std::string origin_;
  std::string pointer_;
};

}  // namespace kedit

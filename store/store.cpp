#include "store/store.hpp"

#include "store/schema.hpp"
#include "store/store_impl.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <system_error>

namespace kedit {
namespace {

[[noreturn]] void refuse_path(StoreError::Kind kind, const std::filesystem::path& file,
                              const std::string& text) {
  throw StoreError(kind, fmt::format("opening the store: {}: {}", file.string(), text));
}

void check_path(const std::filesystem::path& file, OpenMode mode) {
  if (file.empty()) {
    throw StoreError(StoreError::Kind::absent,
                     "opening the store: expected the name of a file, found an empty one; give "
                     "--store FILE");
  }
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (std::filesystem::is_regular_file(status)) return;
  if (status.type() == std::filesystem::file_type::not_found) {
    if (mode == OpenMode::create) return;
    refuse_path(StoreError::Kind::absent, file,
                "expected a kedit store, found no such file; name an existing one, or make an edit "
                "first (kedit edit creates the store)");
  }
  if (!std::filesystem::status_known(status)) {
    refuse_path(StoreError::Kind::unusable, file,
                fmt::format("the file cannot be looked at ({}); check the permissions of its "
                            "directory",
                            error.message()));
  }
  refuse_path(StoreError::Kind::unusable, file,
              "expected a regular file, found a directory or device; name a file");
}

Access access_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read_only:
      return Access::read_only;
    case OpenMode::existing:
      return Access::read_write;
    default:
      return Access::create;
  }
}

// Whoever only reads an older store should not have to know that it must be lifted. Where it cannot
// be written, the reader says so.
void lift_if_writable(const std::filesystem::path& file, int busy_ms) {
  try {
    Connection writer(file, Access::read_write, busy_ms);
    prepare_schema(writer, false);
  } catch (const StoreError& error) {
    if (error.kind() != StoreError::Kind::unusable) throw;
  }
}

}  // namespace

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

Store Store::open(const std::filesystem::path& file, OpenMode mode, int busy_ms) {
  check_path(file, mode);
  auto impl = std::make_unique<Impl>(file, access_of(mode), busy_ms);
  if (mode == OpenMode::read_only && is_older_store(impl->db)) lift_if_writable(file, busy_ms);
  prepare_schema(impl->db, mode == OpenMode::create);
  return Store(std::move(impl));
}

const std::filesystem::path& Store::path() const { return impl_->file; }

void Store::put_model(const ModelRecord& model) {
  Connection& db = impl_->db;
  db.begin_act("recording the model");
  Transaction transaction(db);
  db.statement(
        "INSERT INTO models (fingerprint, family, path, dtype, parameters, first_seen, "
        "orientation) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (fingerprint) DO UPDATE "
        "SET orientation = excluded.orientation WHERE orientation = ''")
      .with(model.fingerprint, model.family, model.path, model.dtype, model.parameters, utc_now(),
            model.orientation)
      .run();
  transaction.commit();
}

std::optional<ModelRecord> Store::model(const std::string& fingerprint) const {
  Connection& db = impl_->db;
  db.begin_act("looking up the model");
  Statement query = db.statement(
      "SELECT fingerprint, family, path, dtype, parameters, orientation FROM models "
      "WHERE fingerprint = ?");
  query.with(fingerprint);
  if (!query.step()) return std::nullopt;
  return ModelRecord{query.text(0), query.text(1),    query.text(2),
                     query.text(3), query.integer(4), query.text(5)};
}

}  // namespace kedit

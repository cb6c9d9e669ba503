// Benchmark runs and their raw results.
#include "edits/hash.hpp"
#include "store/identity.hpp"
#include "store/schema.hpp"
#include "store/store_impl.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace kedit {
namespace {

constexpr std::string_view kRunColumns =
    "SELECT id, name, config, header, state, started, finished, "
    "(SELECT count(*) FROM results WHERE run = runs.id AND substr(system, 1, 1) <> '@'), total "
    "FROM runs ";

RunRecord run_from(const Statement& row) {
  RunRecord record;
  record.id = row.text(0);
  record.name = row.text(1);
  record.config = row.text(2);
  record.header = row.text(3);
  record.state = row.text(4);
  record.started = row.text(5);
  record.finished = row.text(6);
  record.done = row.integer(7);
  record.total = row.integer(8);
  return record;
}

std::vector<RunRecord> query_runs(Connection& db, const std::string& rest,
                                  const std::optional<std::string>& parameter) {
  std::vector<RunRecord> records;
  Statement query = db.statement(fmt::format("{} {}", kRunColumns, rest));
  if (parameter) query.with(*parameter);
  while (query.step()) records.push_back(run_from(query));
  return records;
}

std::optional<RunRecord> first_of(std::vector<RunRecord> records) {
  if (records.empty()) return std::nullopt;
  return std::move(records.front());
}

}  // namespace

void require_run(Connection& db, const std::string& run) {
  Statement query = db.statement("SELECT 1 FROM runs WHERE id = ?");
  query.with(run);
  if (query.step()) return;
  throw StoreError(StoreError::Kind::absent,
                   db.where() + fmt::format("there is no run {}; see kedit bench status", run));
}

std::string Store::begin_run(const std::string& name, const std::string& config,
                             const std::string& header, std::int64_t total) {
  Connection& db = impl_->db;
  db.begin_act("beginning run " + name);
  Transaction transaction(db);
  const std::int64_t sequence = db.integer("SELECT coalesce(max(sequence), 0) + 1 FROM runs");
  const std::string id = run_id(name, config, header, sequence);
  db.statement(
        "INSERT INTO runs (sequence, id, name, config, header, state, started, total, program) "
        "VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?)")
      .with(sequence, id, name, config, header, utc_now(), total, store_program())
      .run();
  transaction.commit();
  return id;
}

std::optional<RunRecord> Store::unfinished_run(const std::string& config) const {
  impl_->db.begin_act("looking for an unfinished run");
  return first_of(query_runs(
      impl_->db, "WHERE config = ? AND state <> 'done' ORDER BY sequence DESC LIMIT 1", config));
}

std::optional<RunRecord> Store::run(const std::string& name) const {
  Connection& db = impl_->db;
  db.begin_act("looking up run " + name);
  if (auto exact = first_of(query_runs(db, "WHERE id = ?", name))) return exact;
  auto named = first_of(query_runs(db, "WHERE name = ? ORDER BY sequence DESC LIMIT 1", name));
  if (named || name.empty()) return named;
  auto prefixed = query_runs(db, "WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2", name);
  if (prefixed.size() > 1) {
    impl_->refuse(StoreError::Kind::conflict,
                  fmt::format("several runs begin so ({}, {}, ...); give more digits",
                              prefixed[0].id, prefixed[1].id));
  }
  return first_of(std::move(prefixed));
}

std::vector<RunRecord> Store::runs() const {
  impl_->db.begin_act("reading the runs");
  return query_runs(impl_->db, "ORDER BY sequence", std::nullopt);
}

void Store::set_run_state(const std::string& run, const std::string& state) {
  Connection& db = impl_->db;
  db.begin_act("setting the state of run " + run);
  Transaction transaction(db);
  require_run(db, run);
  const auto finished = state == "running" ? std::nullopt : std::optional(utc_now());
  db.statement("UPDATE runs SET state = ?, finished = ? WHERE id = ?")
      .with(state, finished, run)
      .run();
  transaction.commit();
}

void Store::put_results(const std::string& run, const std::vector<ResultRecord>& results) {
  Connection& db = impl_->db;
  db.begin_act("storing results of run " + run);
  Transaction transaction(db);
  require_run(db, run);
  for (const ResultRecord& result : results) {
    db.statement(
          "INSERT INTO results (run, system, case_id, payload, sha256) VALUES (?, ?, ?, ?, ?) "
          "ON CONFLICT (run, system, case_id) DO UPDATE "
          "SET payload = excluded.payload, sha256 = excluded.sha256")
        .with(run, result.system, result.case_id, result.payload, sha256_hex(result.payload))
        .run();
  }
  transaction.commit();
}

std::vector<ResultRecord> Store::results(const std::string& run) const {
  Connection& db = impl_->db;
  db.begin_act("reading the results of run " + run);
  require_run(db, run);
  std::vector<ResultRecord> records;
  Statement query = db.statement(
      "SELECT system, case_id, payload, sha256 FROM results WHERE run = ? "
      "ORDER BY system, case_id");
  query.with(run);
  while (query.step()) {
    ResultRecord record{query.text(0), query.integer(1), query.text(2)};
    if (sha256_hex(record.payload) != query.text(3)) {
      impl_->refuse(StoreError::Kind::corrupt,
                    fmt::format("result of {}, case {}: its SHA-256 does not match; restore the "
                                "store from a copy",
                                record.system, record.case_id));
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace kedit

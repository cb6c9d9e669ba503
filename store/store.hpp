#pragma once

#include "edits/delta.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// The store cannot do what was asked. `kind` decides the exit code:
/// - busy: locked by another process beyond the waiting time (4)
/// - conflict: it contradicts what the store holds (4)
/// - corrupt: no SQLite database, a damaged page, a checksum that does not match (4)
/// - unusable: another program's database, a newer schema, read-only, not a regular file (3)
/// - absent: no such file, edit, branch, run or model (3)
/// - io: disk full, input or output error (1)
class StoreError : public std::runtime_error {
 public:
  enum class Kind { busy, conflict, corrupt, unusable, io, absent };
  StoreError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

enum class OpenMode { read_only, existing, create };

struct ModelRecord {
  std::string fingerprint;
  std::string family;
  std::string path;  ///< Where it lay when first seen; informative only.
  std::string dtype;
  std::int64_t parameters = 0;
};

/// One commit on a branch.
struct EditRecord {
  std::string id;  ///< 12 hex digits, from the content and the parent.
  std::string editor;
  std::string kind;                         ///< "weights" or "facts"
  std::string subject, prompt, target_new;  ///< of the first request
  std::int64_t requests = 0;
  std::string time;    ///< ISO 8601, UTC
  std::string parent;  ///< id of the previous edit on the branch, or empty
  std::string model;   ///< base fingerprint
  std::string note;
  std::string program;  ///< kedit version that made it
  bool forced = false;
  std::string reverted_by;  ///< id of the revert, empty if live
  std::string run;  ///< the benchmark run that it was made for; empty for an edit on a branch
};

/// One entry of a branch that concerns an edit.
struct CommitRecord {
  std::string id;
  std::string kind;  ///< "apply" or "revert"
  std::string branch;
  std::string time;  ///< ISO 8601, UTC
  std::string note;
  std::string program;
};

struct RunRecord {
  std::string id;
  std::string name;
  std::string config;  ///< canonical JSON
  std::string header;  ///< JSON: model, data hash, protocol, prompt hashes, ...
  std::string state;   ///< "running", "done", "interrupted"
  std::string started, finished;
  std::int64_t done = 0, total = 0;  ///< cases x systems
};

/// One raw output: everything a metric needs, so that rescoring needs no model.
struct ResultRecord {
  std::string system;  ///< label of editor or control
  std::int64_t case_id = 0;
  std::string payload;  ///< canonical JSON
};

/// The edit store: one SQLite file (WAL, foreign keys, STRICT tables, numbered migrations). One
/// connection, one thread. One commit is one transaction; what a method returned is on disk.
class Store {
 public:
  /// Throws `StoreError`: absent file in mode `existing`, not a kedit store, newer schema, locked.
  /// `busy_ms`: how long to wait for another process's lock.
  static Store open(const std::filesystem::path& file, OpenMode mode = OpenMode::existing,
                    int busy_ms = 5000);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  void put_model(const ModelRecord& model);
  std::optional<ModelRecord> model(const std::string& fingerprint) const;

  /// Appends the delta to `branch` and returns the new edit's id. The model must have been put.
  std::string commit(const EditDelta& delta, const std::string& note = "",
                     const std::string& branch = "main", bool forced = false);
  /// Several edits in one transaction: all or none.
  std::vector<std::string> commit_all(const std::vector<EditDelta>& deltas,
                                      const std::string& note = "",
                                      const std::string& branch = "main", bool forced = false);
  /// Records that `id` no longer applies on `branch` (the edit itself stays in the history). Throws
  /// `absent` for an unknown id, `conflict` when it is reverted already. Returns the revert's id.
  std::string revert(const std::string& id, const std::string& branch = "main");

  /// Unambiguous prefix of an id -> the id; throws `absent` or `conflict` (ambiguous).
  std::string resolve(const std::string& id_or_prefix) const;
  std::optional<EditRecord> record(const std::string& id) const;
  std::optional<EditDelta> find(const std::string& id) const;
  /// All commits of a branch, oldest first, reverted ones included.
  std::vector<EditRecord> log(const std::string& branch = "main") const;
  /// All commits that concern an edit, branch by branch, oldest first; empty for an edit of a run.
  std::vector<CommitRecord> history(const std::string& id) const;
  /// Ids of live edits of a branch for one model, in commit order: what to mount.
  std::vector<std::string> live(const std::string& branch, const std::string& fingerprint) const;
  std::vector<std::string> branches() const;
  /// A new branch with the commits of `from`. Throws `conflict` when the name is taken.
  void create_branch(const std::string& name, const std::string& from = "main");

  std::string begin_run(const std::string& name, const std::string& config,
                        const std::string& header, std::int64_t total);
  /// An unfinished run with the same config and header, to go on with.
  std::optional<RunRecord> unfinished_run(const std::string& config) const;
  std::optional<RunRecord> run(const std::string& id_or_name_or_prefix) const;  ///< newest by name
  std::vector<RunRecord> runs() const;
  void set_run_state(const std::string& run, const std::string& state);
  /// Stores (or replaces) results in one transaction; edits made for a run are kept off all
  /// branches.
  void put_results(const std::string& run, const std::vector<ResultRecord>& results);
  std::vector<ResultRecord> results(const std::string& run) const;
  std::vector<std::string> commit_for_run(const std::string& run,
                                          const std::vector<EditDelta>& deltas);

  /// Every fault found, one sentence each: SQLite integrity, foreign keys, checksums of all blobs,
  /// branch order, revert targets, decodability. Empty: sound.
  std::vector<std::string> verify() const;

  const std::filesystem::path& path() const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kedit

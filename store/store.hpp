#pragma once

#include "edits/delta.hpp"
#include "store/claims.hpp"

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
  /// How its weights lie: "in-out" or "out-in"; empty when it is not known.
  std::string orientation = {};
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

struct CommitOptions {
  std::string note = {};
  std::string branch = "main";
  bool forced = false;          ///< The health check was overruled.
  bool allow_conflict = false;  ///< Commit what contradicts a live edit of the branch, too.
};

struct BranchRecord {
  std::string name;
  std::string head;  ///< last commit, or empty
  std::string created;
  std::int64_t commits = 0;
  std::int64_t edits = 0;  ///< applied there
  std::int64_t live = 0;   ///< of these, not reverted there
  bool is_current = false;
};

struct MergeOptions {
  bool allow_conflict = false;
  std::string note = {};
};

/// What a merge brought onto a branch.
struct MergeResult {
  bool fast_forward = false;         ///< The branch had nothing of its own: no merge commit.
  std::string commit;                ///< New head; empty when there was nothing to merge.
  std::vector<std::string> applied;  ///< Edits that are live now and were not.
  std::vector<std::string>
      reverted;  ///< Edits that were live and are reverted by the other branch.
  std::vector<std::string>
      duplicates;                   ///< Same content as a live edit of ours: taken back at once.
  std::vector<Conflict> conflicts;  ///< Allowed ones, and warnings.
};

/// One side of a comparison: a branch, or a branch as it was after a commit.
struct DiffSide {
  std::string name, branch, head;
  std::vector<std::string> only;      ///< Edits live here and not on the other side, in order.
  std::vector<std::string> reverted;  ///< Edits reverted here and live on the other side.
};

struct BranchDiff {
  DiffSide a, b;
  std::string ancestor;                  ///< Last commit that both lists begin with, or empty.
  std::int64_t common = 0;               ///< Edits live on both.
  std::vector<Conflict> contradictions;  ///< Same key, other target; first a's edit, then b's.
};

struct ConflictOptions {
  double similarity = 0.9;  ///< Cosine of two keys from which on they count as similar.
  std::string with = {};    ///< Only what meets between the branch and this other one.
};

struct ConflictReport {
  std::vector<Conflict> conflicts;
  std::int64_t edits = 0;                ///< live ones that were compared
  std::int64_t rank_one_updates = 0;     ///< whose keys were compared
  std::int64_t unknown_orientation = 0;  ///< rank-one updates of models that lack it: not compared
};

/// What nothing refers to any more.
struct GarbageReport {
  std::vector<EditRecord> edits;
  std::int64_t commits = 0;
  std::int64_t factor_bytes = 0;                   ///< of these edits
  std::int64_t bytes_before = 0, bytes_after = 0;  ///< of the file with its log
  bool compacted = false;
  std::string not_compacted_because = {};
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

  /// Appends the delta to a branch and returns the new edit's id. The model must have been put.
  /// Throws `conflict` when it gives the subject and relation (or prompt) of a live edit of the
  /// branch, made for the same model, another target.
  std::string commit(const EditDelta& delta, const CommitOptions& options = {});
  /// Several edits in one transaction: all or none.
  std::vector<std::string> commit_all(const std::vector<EditDelta>& deltas,
                                      const CommitOptions& options = {});
  /// What `commit` would refuse, found before an edit is computed: contradictions of the claims
  /// with live edits of the branch and with one another.
  std::vector<Conflict> contradictions(const std::vector<EditClaim>& claims,
                                       const std::string& branch = "main") const;
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
  /// What the live edits of a branch, of all models, make true, in the order of mounting.
  std::vector<EditClaim> claims(const std::string& branch = "main") const;

  std::vector<BranchRecord> branches() const;
  /// The branch that commands work on when none is named; "main" in a new store.
  std::string current_branch() const;
  void checkout(const std::string& branch);
  /// A new branch with the commits of `from`; with `at`, an edit or commit, only up to it (from
  /// another branch when `from` does not have it). Throws `conflict` when the name is taken.
  void create_branch(const std::string& name, const std::string& from = "main",
                     const std::string& at = "");
  /// Throws `conflict` for the current branch. Its edits stay until `collect_garbage`.
  void delete_branch(const std::string& name);

  /// `a`, `b`: a branch, or the beginning of an id of an edit or commit: its branch up to there.
  BranchDiff diff(const std::string& a, const std::string& b) const;
  /// Appends what `from` has and `into` lacks, in its order, and a merge commit (none when `into`
  /// has nothing of its own). What either side reverted is reverted. Throws `conflict` when edits
  /// that come contradict edits of `into` alone.
  MergeResult merge(const std::string& from, const std::string& into,
                    const MergeOptions& options = {});
  /// Live edits of a branch that stand in each other's way: same key, repeated, similar keys, same
  /// subject.
  ConflictReport conflicts(const std::string& branch, const ConflictOptions& options = {}) const;

  /// Removes edits that no branch and no run refers to, with their commits, and compacts the file.
  /// What was reverted on a branch stays: its history can be explained.
  GarbageReport collect_garbage(bool dry_run = false);

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

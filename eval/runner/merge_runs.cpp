// Joining the shards of a benchmark run.
#include "eval/metrics/matching.hpp"
#include "eval/runner/run.hpp"

#include <fmt/format.h>

#include <map>

namespace kedit::runner {
namespace {

struct ShardRun {
  Store store;
  RunRecord record;
  Json header;
};

[[noreturn]] void refuse(const Store& store, const std::string& expected) {
  throw EvalError(fmt::format("joining runs: {}: expected {}", store.path().string(), expected));
}

// The run of `config` in a store, else its newest one.
RunRecord run_in(const Store& store, const std::string& config) {
  const std::vector<RunRecord> records = store.runs();
  if (records.empty()) refuse(store, "a run, found none");
  if (config.empty()) return records.back();
  for (auto one = records.rbegin(); one != records.rend(); ++one) {
    if (one->config == config) return *one;
  }
  refuse(store, "a run of the same configuration as in the first store, found others");
}

std::vector<ShardRun> open_shards(const std::vector<std::filesystem::path>& files) {
  std::vector<ShardRun> shards;
  for (const std::filesystem::path& file : files) {
    Store store = Store::open(file, OpenMode::read_only);
    RunRecord record = run_in(store, shards.empty() ? "" : shards.front().record.config);
    Json header = parse_json(record.header, "run " + record.id);
    header.erase("shard");
    shards.push_back({std::move(store), std::move(record), std::move(header)});
  }
  for (const ShardRun& shard : shards) {
    if (canonical_text(shard.header) == canonical_text(shards.front().header)) continue;
    refuse(shard.store, "the model, data, prompts and protocol of the first store, found others");
  }
  return shards;
}

std::string open_joined(const ShardRun& first, Store& into) {
  const std::string fingerprint = first.header["model"]["fingerprint"].get<std::string>();
  const auto model = first.store.model(fingerprint);
  if (!model) refuse(first.store, "the record of the run's model, found none");
  into.put_model(*model);
  if (const auto unfinished = into.unfinished_run(first.record.config)) return unfinished->id;
  const auto total = first.header["dataset"]["cases"].get<std::int64_t>() *
                     static_cast<std::int64_t>(first.header["systems"].size());
  return into.begin_run(first.record.name, first.record.config, to_text(first.header), total);
}

// Ids of edits name their run, so they change with it.
class EditMover {
 public:
  EditMover(const Store& from, Store& into, const std::string& run)
      : from_(from), into_(into), run_(run) {}

  std::string moved(const std::string& id) {
    const auto known = ids_.find(id);
    if (known != ids_.end()) return known->second;
    const auto delta = from_.find(id);
    if (!delta) refuse(from_, fmt::format("edit {}, found no such edit", id));
    return ids_.emplace(id, into_.commit_for_run(run_, {*delta}).front()).first->second;
  }

 private:
  const Store& from_;
  Store& into_;
  const std::string& run_;
  std::map<std::string, std::string> ids_;
};

std::string moved_payload(const ResultRecord& result, EditMover& mover) {
  if (result.system == kCasesRow) return result.payload;
  Json outputs = parse_json(result.payload, "result of " + result.system);
  for (Json& id : outputs["edit_ids"]) id = mover.moved(id.get<std::string>());
  return to_text(outputs);
}

}  // namespace

std::string merge_runs(const std::vector<std::filesystem::path>& stores, Store& into) {
  if (stores.empty()) throw EvalError("joining runs: expected at least one store, found none");
  const std::vector<ShardRun> shards = open_shards(stores);
  const std::string run = open_joined(shards.front(), into);
  for (const ShardRun& shard : shards) {
    EditMover mover(shard.store, into, run);
    for (const ResultRecord& result : shard.store.results(shard.record.id)) {
      into.put_results(run, {{result.system, result.case_id, moved_payload(result, mover)}});
    }
  }
  const RunRecord joined = into.run(run).value();
  into.set_run_state(run, joined.done == joined.total ? "done" : "interrupted");
  return run;
}

}  // namespace kedit::runner

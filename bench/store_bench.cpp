// The store: 10,000 rank-1 edits of GPT-2-XL's down projection (32 KB), one transaction each and
// all in one, beside what the disk itself does (sequential writes, and a sync after every 40 KB),
// before and after. Every store is read back and verified before its time counts.
//
//   store_bench [EDITS] [DIRECTORY]
#include "store/store.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using kedit::EditDelta;
using kedit::Store;

// GPT-2-XL stores the down projection [6400, 1600]: left [6400, 1] and right [1, 1600], float32.
constexpr std::int64_t kRows = 6400;
constexpr std::int64_t kColumns = 1600;
constexpr std::int64_t kEditBytes = (kRows + kColumns) * 4;

struct Elapsed {
  double wall = 0,
         cpu = 0;  // seconds; the processor's share tells a busy machine from a slow store
};

class Stopwatch {
 public:
  Elapsed elapsed() const {
    const auto wall = std::chrono::steady_clock::now() - begun_;
    return {std::chrono::duration<double>(wall).count(),
            static_cast<double>(std::clock() - cpu_begun_) / CLOCKS_PER_SEC};
  }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::clock_t cpu_begun_ = std::clock();
};

EditDelta rank_one_edit(int number) {
  EditDelta delta;
  delta.editor = "rome";
  delta.settings = {{"layers", {17}}, {"v_lr", 0.5}};
  delta.base_fingerprint = std::string(64, 'a');
  kedit::EditRequest request;
  request.id = fmt::format("request/{}", number);
  request.prompt = "The capital of {} is";
  request.subject = fmt::format("City {}", number);
  request.target_new = "Land";
  delta.requests = {request};
  const at::Tensor left = at::arange(kRows, at::kFloat).add(number).sin().reshape({kRows, 1});
  const at::Tensor right =
      at::arange(kColumns, at::kFloat).add(number).cos().reshape({1, kColumns});
  delta.updates.push_back({"transformer.h.17.mlp.c_proj.weight", kedit::LowRank{left, right}});
  delta.figures.seconds["solve"] = 0.5;
  return delta;
}

void remove_store(const std::filesystem::path& file) {
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + ending);
}

Store fresh_store(const std::filesystem::path& file) {
  remove_store(file);
  Store store = Store::open(file, kedit::OpenMode::create);
  store.put_model({std::string(64, 'a'), "gpt2", "", "float32", 1, "in-out"});
  return store;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// Seconds to write `bytes` in pieces of `piece`, synced after every piece or once at the end.
Elapsed raw_write(const std::filesystem::path& file, std::int64_t bytes, std::int64_t piece,
                  bool sync_each) {
  const std::string block(static_cast<std::size_t>(piece), 'x');
  const int descriptor = open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0644);
  require(descriptor >= 0, "the scratch file cannot be opened");
  const Stopwatch watch;
  for (std::int64_t done = 0; done < bytes; done += piece) {
    require(write(descriptor, block.data(), block.size()) == piece, "a short write");
    if (sync_each) require(fdatasync(descriptor) == 0, "the sync failed");
  }
  require(fdatasync(descriptor) == 0, "the sync failed");
  const Elapsed elapsed = watch.elapsed();
  close(descriptor);
  std::filesystem::remove(file);
  return elapsed;
}

void check(Store& store, const std::vector<EditDelta>& deltas) {
  const auto log = store.log();
  require(log.size() == deltas.size(), "an edit is missing");
  const auto last = store.find(log.back().id);
  require(last && encode_update(last->updates[0]) == encode_update(deltas.back().updates[0]),
          "an edit came back changed");
}

void report(const char* what, const Elapsed& elapsed, std::size_t edits) {
  const double megabytes = static_cast<double>(edits) * kEditBytes / 1e6;
  fmt::print("{:<34}{:>9.2f} s{:>9.2f} s CPU{:>9.0f} edits/s{:>9.1f} MB/s\n", what, elapsed.wall,
             elapsed.cpu, static_cast<double>(edits) / elapsed.wall, megabytes / elapsed.wall);
  std::fflush(stdout);  // a run that is stopped has said what it measured
}

struct Disk {
  Elapsed sequential, synced;
};

Disk measure_disk(const std::filesystem::path& directory, std::size_t edits) {
  const auto bytes = static_cast<std::int64_t>(edits) * kEditBytes;
  const auto scratch = directory / "store_bench.raw";
  Disk disk;
  disk.sequential = raw_write(scratch, bytes, 1 << 20, false);
  report("disk: sequential, one sync", disk.sequential, edits);
  disk.synced = raw_write(scratch, bytes, 40 << 10, true);
  report("disk: a sync every 40 KB", disk.synced, edits);
  return disk;
}

void run(int edits, const std::filesystem::path& directory) {
  std::vector<EditDelta> deltas;
  for (int i = 0; i < edits; ++i) deltas.push_back(rank_one_edit(i));
  const auto count = deltas.size();
  const auto file = directory / "store_bench.db";
  fmt::print("{} rank-1 edits of {} + {} float32 = {} bytes, in {}\n", edits, kRows, kColumns,
             kEditBytes, directory.string());
  const Disk before = measure_disk(directory, count);

  Elapsed one_each;
  {
    Store store = fresh_store(file);
    const Stopwatch watch;
    for (const EditDelta& delta : deltas) store.commit(delta);
    one_each = watch.elapsed();
    check(store, deltas);
  }
  report("store: one transaction each", one_each, count);

  // A commit returns when its log is on the disk. The log is copied into the file later, here when
  // the store is closed: everything is then written twice, so that half is the most it can reach.
  Elapsed all_in_one, closing;
  {
    std::optional<Store> store = fresh_store(file);
    const Stopwatch committing;
    store->commit_all(deltas);
    all_in_one = committing.elapsed();
    check(*store, deltas);
    const Stopwatch watch;
    store.reset();
    closing = watch.elapsed();
  }
  require(!std::filesystem::exists(file.string() + "-wal"), "the log was not emptied");
  report("store: all in one, until durable", all_in_one, count);
  report("store: then its log into the file", closing, count);

  {
    const Store store = Store::open(file);
    const Stopwatch listing;
    require(store.log().size() == count, "the log is short");
    report("store: log", listing.elapsed(), count);
    const Stopwatch verifying;
    require(store.verify().empty(), "the store has faults");
    report("store: verify", verifying.elapsed(), count);
  }
  remove_store(file);

  // Other work comes and goes on the disk: it is measured on both sides of the stores, and the
  // faster measurement is what they are held against.
  const Disk after = measure_disk(directory, count);
  const double sequential = std::min(before.sequential.wall, after.sequential.wall);
  const double synced = std::min(before.synced.wall, after.synced.wall);
  fmt::print("one transaction each: {:.0f} edits/s, {:.2f} of the disk's rate with a sync each\n",
             static_cast<double>(count) / one_each.wall, synced / one_each.wall);
  fmt::print(
      "all in one: {:.1f} MB/s until durable, {:.2f} of the disk's sequential write rate; "
      "with the log copied into the file {:.2f}\n",
      static_cast<double>(count) * kEditBytes / 1e6 / all_in_one.wall, sequential / all_in_one.wall,
      sequential / (all_in_one.wall + closing.wall));
}

}  // namespace

int main(int count, char** words) {
  try {
    const int edits = count > 1 ? std::atoi(words[1]) : 10000;
    run(std::max(edits, 1), count > 2 ? words[2] : std::filesystem::temp_directory_path());
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "store_bench: {}\n", error.what());
    return 1;
  }
}

// The store: 10,000 rank-1 edits of 32 KB, one transaction each and all in one, beside what the
// disk itself does (sequential writes, and a sync after every 40 KB). All stores are verified
// afterwards.
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
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using kedit::EditDelta;
using kedit::Store;

constexpr std::int64_t kSide = 4096;  // left [4096, 1] and right [1, 4096], float32: 32 KB
constexpr std::int64_t kEditBytes = 2 * kSide * 4;

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
  delta.settings = R"({"layers":[17],"v_lr":0.5})";
  delta.base_fingerprint = std::string(64, 'a');
  delta.request_ids = {fmt::format("request/{}", number)};
  delta.requests = fmt::format(
      R"([{{"prompt":"The capital of {{}} is","subject":"City {}","target_new":"Land"}}])", number);
  const at::Tensor left = at::arange(kSide, at::kFloat).add(number).sin().reshape({kSide, 1});
  const at::Tensor right = at::arange(kSide, at::kFloat).add(number).cos().reshape({1, kSide});
  delta.updates.push_back({"transformer.h.17.mlp.c_proj.weight", kedit::LowRank{left, right}});
  delta.diagnostics = R"({"seconds":0.5})";
  return delta;
}

Store fresh_store(const std::filesystem::path& file) {
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + ending);
  Store store = Store::open(file, kedit::OpenMode::create);
  store.put_model({std::string(64, 'a'), "gpt2", "", "float32", 1});
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
  fmt::print("{:<30}{:>9.2f} s{:>9.2f} s CPU{:>9.0f} edits/s{:>9.1f} MB/s\n", what, elapsed.wall,
             elapsed.cpu, static_cast<double>(edits) / elapsed.wall, megabytes / elapsed.wall);
  std::fflush(stdout);  // a run that is stopped has said what it measured
}

void run(int edits, const std::filesystem::path& directory) {
  std::vector<EditDelta> deltas;
  for (int i = 0; i < edits; ++i) deltas.push_back(rank_one_edit(i));
  const auto count = deltas.size();
  const std::int64_t bytes = static_cast<std::int64_t>(count) * kEditBytes;
  const auto scratch = directory / "store_bench.raw";
  const auto file = directory / "store_bench.db";
  fmt::print("{} rank-1 edits of {} bytes, LibTorch CPU float32, in {}\n", edits, kEditBytes,
             directory.string());

  const Elapsed sequential = raw_write(scratch, bytes, 1 << 20, false);
  report("disk: sequential, one sync", sequential, count);
  const Elapsed synced = raw_write(scratch, bytes, 40 << 10, true);
  report("disk: a sync every 40 KB", synced, count);

  Elapsed one_each;
  {
    Store store = fresh_store(file);
    const Stopwatch watch;
    for (const EditDelta& delta : deltas) store.commit(delta);
    one_each = watch.elapsed();
    check(store, deltas);
  }
  report("store: one transaction each", one_each, count);

  Elapsed all_in_one;
  {
    Store store = fresh_store(file);
    const Stopwatch watch;
    store.commit_all(deltas);
    all_in_one = watch.elapsed();
    check(store, deltas);
  }
  report("store: all in one transaction", all_in_one, count);

  Store store = Store::open(file);
  const Stopwatch watch;
  require(store.verify().empty(), "the store has faults");
  report("store: verify", watch.elapsed(), count);
  fmt::print(
      "one transaction: {:.2f} of the sequential write rate; one each: {:.2f} of the synced\n",
      sequential.wall / all_in_one.wall, synced.wall / one_each.wall);
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + ending);
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

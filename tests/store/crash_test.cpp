#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <random>
#include <set>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace kedit;
using namespace kedit::test;

namespace {

// What a child says about itself, one line each on the pipe, after the store returned:
//   "apply ID" an edit is live on main; "revert ID" it no longer is; "gone ID" gc removed it.
class Teller {
 public:
  explicit Teller(int pipe_end) : pipe_end_(pipe_end) {}
  void tell(const char* what, const std::string& id) const {
    const std::string line = fmt::format("{:<6} {}\n", what, id);  // 20 bytes: one write, whole
    if (write(pipe_end_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(2);
  }

 private:
  int pipe_end_;
};

// Commits on main, reverts, a branch that is filled, merged or thrown away, and garbage collected.
void work(Store& store, std::mt19937& random, const Teller& teller) {
  const auto number = [&] { return static_cast<int>(random() % 100000); };
  switch (random() % 6) {
    case 0: {
      const auto live = store.live("main", kFingerprint);
      if (live.empty()) return;
      const std::string id = live[random() % live.size()];
      store.revert(id);
      return teller.tell("revert", id);
    }
    case 1: {
      const auto ids = store.commit_all(
          {rank_one_delta(number()), fact_delta(number()), rank_one_delta(number())},
          {.allow_conflict = true});
      for (const std::string& id : ids) teller.tell("apply", id);
      return;
    }
    case 2:
    case 3: {
      const std::string branch = fmt::format("side-{}", random());
      store.create_branch(branch);
      const std::string id =
          store.commit(rank_one_delta(number()), {.branch = branch, .allow_conflict = true});
      if (random() % 2 == 0) {
        store.merge(branch, "main", {.allow_conflict = true});
        teller.tell("apply", id);
        store.delete_branch(branch);
        return;
      }
      store.delete_branch(branch);
      for (const EditRecord& record : store.collect_garbage().edits) {
        teller.tell("gone", record.id);
      }
      return;
    }
    default:
      teller.tell("apply", store.commit(rank_one_delta(number()), {.allow_conflict = true}));
  }
}

struct Child {
  pid_t process = -1;
  int pipe_end = -1;
};

Child start(const std::filesystem::path& file, unsigned seed) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t process = fork();
  if (process == 0) {
    close(ends[0]);
    try {
      std::mt19937 random(seed);
      Store store = Store::open(file);
      for (;;) work(store, random, Teller(ends[1]));
    } catch (...) {
      _exit(1);
    }
  }
  close(ends[1]);
  return {process, ends[0]};
}

struct Told {
  std::string what, id;
};

// What was told so far; blocks until `count` lines of it, or until the child's end.
std::vector<Told> listen(int pipe_end, std::size_t count) {
  std::vector<Told> told;
  std::array<char, 20> line{};
  while (told.size() < count && read(pipe_end, line.data(), line.size()) == 20) {
    const std::string text(line.data(), line.size());
    told.push_back({text.substr(0, text.find(' ')), text.substr(7, 12)});
  }
  return told;
}

int wait_for(pid_t process) {
  int status = 0;
  waitpid(process, &status, 0);
  return status;
}

// What must be in the store, from all that was told.
class Ledger {
 public:
  void enter(const std::vector<Told>& told) {
    for (const Told& one : told) {
      if (one.what == "apply") applied_.insert(one.id);
      if (one.what == "revert") reverted_.insert(one.id);
      if (one.what == "gone") gone_.insert(one.id);
    }
  }

  void check(const Store& store) const {
    std::set<std::string> on_main, live;
    for (const EditRecord& record : store.log()) on_main.insert(record.id);
    for (const std::string& id : store.live("main", kFingerprint)) live.insert(id);
    CHECK(std::includes(on_main.begin(), on_main.end(), applied_.begin(), applied_.end()));
    for (const std::string& id : reverted_) CHECK(live.count(id) == 0);
    for (const std::string& id : gone_) CHECK_FALSE(store.find(id));
    std::size_t silently_gone = 0;
    for (const std::string& id : applied_) {
      silently_gone += live.count(id) == 0 && reverted_.count(id) == 0 ? 1 : 0;
    }
    // A revert may be on the disk without its child having come to say so.
    CHECK(silently_gone <= unsaid_);
  }

  void one_more_kill() { ++unsaid_; }
  std::size_t size() const { return applied_.size() + reverted_.size() + gone_.size(); }

 private:
  std::set<std::string> applied_, reverted_, gone_;
  std::size_t unsaid_ = 0;
};

}  // namespace

TEST_CASE("Store crash: a large commit that returned survives a kill while it is only in the WAL") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  constexpr int kEdits = 150;  // of 32 KB: a log of more than 1000 pages
  { new_store(file); }
  const pid_t process = fork();
  if (process == 0) {
    try {
      std::vector<EditDelta> deltas;
      for (int i = 0; i < kEdits; ++i) deltas.push_back(rank_one_delta(i, 6400, 1600));
      Store store = Store::open(file);
      store.commit_all(deltas);
      raise(SIGKILL);
    } catch (...) {
    }
    _exit(1);
  }
  const int status = wait_for(process);
  REQUIRE(WIFSIGNALED(status));
  CHECK(std::filesystem::file_size(file) < kEdits * 32000);
  {
    const Store store = Store::open(file, OpenMode::read_only);
    CHECK(store.live("main", kFingerprint).size() == kEdits);
    CHECK(store.verify().empty());
  }
  CHECK_FALSE(std::filesystem::exists(directory / "a.db-wal"));
  CHECK(Store::open(file).live("main", kFingerprint).size() == kEdits);
}

TEST_CASE(
    "Store crash: after 200 kills at random the store is sound and has all acknowledged edits") {
  constexpr int kStores = 10;  // so that each stays small enough to be verified 20 times
  constexpr int kKills = 20;
  std::mt19937 random(2024);
  int killed_while_working = 0;
  std::size_t told = 0;
  for (int round = 0; round < kStores; ++round) {
    TemporaryDirectory directory;
    const auto file = directory / "a.db";
    { new_store(file); }
    Ledger ledger;
    for (int kill_number = 0; kill_number < kKills; ++kill_number) {
      const Child child = start(file, static_cast<unsigned>(random()));
      // Anywhere from the opening to the sixth line told, and anywhere inside what follows.
      ledger.enter(listen(child.pipe_end, random() % 6));
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      kill(child.process, SIGKILL);
      killed_while_working += WIFSIGNALED(wait_for(child.process)) ? 1 : 0;
      ledger.enter(listen(child.pipe_end, 1000));
      ledger.one_more_kill();
      close(child.pipe_end);

      // The first to open it afterwards may be a reader or a writer.
      const Store store =
          Store::open(file, kill_number % 2 == 0 ? OpenMode::read_only : OpenMode::existing);
      CHECK(store.verify() == std::vector<std::string>{});
      ledger.check(store);
    }
    told += ledger.size();
    for (const EditRecord& record : Store::open(file).log())
      CHECK(Store::open(file).find(record.id));
  }
  CHECK(killed_while_working == kStores * kKills);
  CHECK(told > 200);
}

TEST_CASE("Store concurrency: two reading processes see whole commits while a third one writes") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  { new_store(file).commit_all({rank_one_delta(0), rank_one_delta(1)}); }
  constexpr int kPairs = 60;
  std::vector<pid_t> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.push_back(fork());
    if (readers.back() != 0) continue;
    try {
      const Store store = Store::open(file, OpenMode::read_only);
      std::size_t seen = 0;
      while (seen < 2 * kPairs + 2) {
        const std::size_t now = store.log().size();
        if (now % 2 != 0 || now < seen || !store.verify().empty()) _exit(3);
        seen = now;
      }
      _exit(0);
    } catch (...) {
      _exit(1);
    }
  }
  {
    Store store = Store::open(file);
    for (int pair = 1; pair <= kPairs; ++pair) {
      store.commit_all({rank_one_delta(2 * pair), rank_one_delta(2 * pair + 1)});
    }
  }
  for (const pid_t reader : readers) CHECK(wait_for(reader) == 0);
}

TEST_CASE("Store crash: a commit without disk space fails as a whole and earlier ones stay") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  { new_store(file); }
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1U << 20U, 1U << 20U};  // a megabyte a file: the log is full soon
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(100);
    int committed = 0;
    try {
      Store store = Store::open(file);
      for (; committed < 90; ++committed) store.commit(rank_one_delta(committed, 4000, 4000));
    } catch (const StoreError& error) {
      _exit(error.kind() == StoreError::Kind::io &&
                    contains(error.what(), "no room is left to write")
                ? committed
                : 101);
    }
    _exit(102);
  }
  const int status = wait_for(child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) < 90);
  const Store store = Store::open(file);
  CHECK(static_cast<int>(store.log().size()) == WEXITSTATUS(status));
  CHECK(store.verify() == std::vector<std::string>{});
}

TEST_CASE("Store gc: without disk space to compact garbage is removed and the store is sound") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  {
    Store store = new_store(file);
    store.commit(rank_one_delta(1));
    store.create_branch("trial");
    for (int i = 2; i < 6; ++i) store.commit(rank_one_delta(i, 30000, 3000), {.branch = "trial"});
    for (int i = 6; i < 60; ++i) store.commit(rank_one_delta(i, 3000, 900));
    store.delete_branch("trial");
  }
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const auto room = static_cast<rlim_t>(std::filesystem::file_size(file)) / 2;
    const rlimit limit{room, room};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(100);
    try {
      const GarbageReport report = Store::open(file).collect_garbage();
      const bool told = contains(report.not_compacted_because, "no room is left to write");
      _exit(report.edits.size() == 4 && !report.compacted && told ? 0 : 101);
    } catch (const StoreError&) {
      _exit(102);
    }
  }
  CHECK(wait_for(child) == 0);
  Store store = Store::open(file);
  CHECK(store.verify() == std::vector<std::string>{});
  CHECK(store.log().size() == 55);
  CHECK(store.collect_garbage().compacted);
}

// ---- Benchmark runs ----------------------------------------------------------------

namespace {

// kedit bench run on the lab, output dropped.
pid_t start_bench(const std::filesystem::path& config, const std::filesystem::path& store) {
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execl(KEDIT_BINARY, "kedit", "bench", "run", config.c_str(), "--store", store.c_str(),
          "--threads", "1", nullptr);
    _exit(127);
  }
  return child;
}

// Results in the store; 0 while there is no store.
std::int64_t results_in(const std::filesystem::path& file) {
  try {
    const Store store = Store::open(file, OpenMode::read_only);
    const auto runs = store.runs();
    return runs.empty() ? 0 : runs.front().done;
  } catch (const StoreError&) {
    return 0;
  }
}

bool has_ended(pid_t process) {
  siginfo_t state{};
  return waitid(P_PID, static_cast<id_t>(process), &state, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         state.si_pid == process;
}

}  // namespace

TEST_CASE("kedit bench run: a killed run keeps its stored results and resumes to the end") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  const auto config = directory / "bench.json";
  const std::string lab = std::string(KEDIT_SOURCE_DIR) + "/assets/lab";
  std::ofstream(config) << fmt::format(
      R"({{"name": "killed", "model": "{0}/model", "dataset": "mquake:{0}/mquake.json",
           "cases": "1-12", "editors": [{{"name": "in-context"}}], "controls": ["unedited"],
           "answerers": ["cloze"]}})",
      lab);
  std::int64_t stored = 0;
  bool done = false;  // on a busy machine the run may end before the kill comes
  for (const std::int64_t wanted : {1, 3, 6}) {
    if (done) break;
    const pid_t child = start_bench(config, file);
    while (results_in(file) < wanted && !has_ended(child)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    kill(child, SIGKILL);
    wait_for(child);
    const Store store = Store::open(file);
    CHECK(store.verify() == std::vector<std::string>{});
    REQUIRE(store.runs().size() == 1);
    CHECK(store.runs().front().done >= std::max(stored, wanted));
    stored = store.runs().front().done;
    done = store.runs().front().state == "done";
  }
  if (!done) {
    const int status = wait_for(start_bench(config, file));
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  const Store store = Store::open(file);
  CHECK(store.verify() == std::vector<std::string>{});
  REQUIRE(store.runs().size() == 1);
  CHECK(store.runs().front().state == "done");
  CHECK(store.runs().front().done >= stored);
  CHECK(store.results(store.runs().front().id).size() >= 24);
}

#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <random>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace kedit;
using namespace kedit::test;

namespace {

constexpr int kCommits = 200;

// Commits until the branch has `kCommits` edits and tells the pipe of each one.
[[noreturn]] void commit_and_tell(const std::filesystem::path& file, int pipe_end) {
  try {
    Store store = Store::open(file);
    for (auto done = static_cast<int>(store.log().size()); done < kCommits; ++done) {
      const std::string id = store.commit(rank_one_delta(done, 200, 300));
      if (write(pipe_end, id.data(), id.size()) != static_cast<ssize_t>(id.size())) _exit(2);
    }
    _exit(0);
  } catch (...) {
    _exit(1);
  }
}

struct Child {
  pid_t process = -1;
  int pipe_end = -1;
};

Child start(const std::filesystem::path& file) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t process = fork();
  if (process == 0) {
    close(ends[0]);
    commit_and_tell(file, ends[1]);
  }
  close(ends[1]);
  return {process, ends[0]};
}

// Ids told so far; blocks until `count` of them, or until the child's end.
std::vector<std::string> read_ids(int pipe_end, std::size_t count) {
  std::vector<std::string> ids;
  std::array<char, 12> id{};
  while (ids.size() < count && read(pipe_end, id.data(), id.size()) == 12) {
    ids.emplace_back(id.data(), id.size());
  }
  return ids;
}

int wait_for(pid_t process) {
  int status = 0;
  waitpid(process, &status, 0);
  return status;
}

}  // namespace

TEST_CASE(
    "killed at 20 random moments of 200 commits, the store opens, verifies, has all it said") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  { new_store(file); }
  std::mt19937 random(2024);
  std::vector<std::string> told;
  int killed_while_working = 0;
  for (int kill_number = 0; kill_number < 20; ++kill_number) {
    const Child child = start(file);
    // Anywhere from the opening to the ninth commit, and anywhere inside that commit.
    auto ids = read_ids(child.pipe_end, random() % 9);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    kill(child.process, SIGKILL);
    killed_while_working += WIFSIGNALED(wait_for(child.process)) ? 1 : 0;
    for (auto& id : read_ids(child.pipe_end, kCommits)) ids.push_back(id);
    close(child.pipe_end);
    told.insert(told.end(), ids.begin(), ids.end());

    // The first to open it afterwards may be a reader or a writer.
    const Store store =
        Store::open(file, kill_number % 2 == 0 ? OpenMode::read_only : OpenMode::existing);
    CHECK(store.verify() == std::vector<std::string>{});
    const auto log = store.log();
    // The last commit may be on disk without the child having come to say so, once a kill.
    REQUIRE(log.size() >= told.size());
    std::vector<std::string> stored;
    for (const EditRecord& record : log) stored.push_back(record.id);
    for (const std::string& id : ids) {
      CHECK(std::find(stored.begin(), stored.end(), id) != stored.end());
    }
  }
  CHECK(killed_while_working == 20);

  const Child last = start(file);
  CHECK(wait_for(last.process) == 0);
  close(last.pipe_end);
  const Store store = Store::open(file);
  CHECK(store.log().size() == kCommits);
  CHECK(store.verify() == std::vector<std::string>{});
  for (const EditRecord& record : store.log()) CHECK(store.find(record.id));
}

TEST_CASE("without room for more, a commit fails whole and the earlier ones stay") {
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

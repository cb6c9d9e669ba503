#include "apps/process.hpp"

#include "model/device.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace kedit::cli {
namespace {

// Signal handlers may touch nothing but this: the one global of the program, and none of the
// library.
volatile std::sig_atomic_t stop_flag = 0;

constexpr int kInterrupted = 130;

extern "C" void raise_stop_flag(int signal) {
  stop_flag = 1;
  std::signal(signal, SIG_DFL);
}

extern "C" void end_at_once(int) { _exit(kInterrupted); }

// Waits for every process; passes a stop request on to those that still run.
std::vector<int> codes_of(std::vector<pid_t> running) {
  constexpr useconds_t pause_us = 20000;
  std::vector<int> codes;
  bool told = false;
  while (!running.empty()) {
    if (stop_flag != 0 && !told) {
      for (const pid_t child : running) ::kill(child, SIGTERM);
      told = true;
    }
    for (auto child = running.begin(); child != running.end();) {
      int status = 0;
      if (::waitpid(*child, &status, WNOHANG) == 0) {
        ++child;
        continue;
      }
      codes.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
      child = running.erase(child);
    }
    ::usleep(pause_us);
  }
  return codes;
}

void take_descriptor(int descriptor, int flags) {
  if (::fcntl(descriptor, F_GETFD) == -1) static_cast<void>(::open("/dev/null", flags));
}

}  // namespace

void prepare_descriptors() {
  // open() takes the lowest free number, hence the order. Standard output is opened for reading, so
  // that writing to it fails as it would have failed before.
  take_descriptor(0, O_RDONLY);
  take_descriptor(1, O_RDONLY);
  take_descriptor(2, O_WRONLY);
  std::signal(SIGPIPE, SIG_IGN);
}

void watch_signals(bool gently) {
  struct sigaction action {};
  action.sa_handler = gently ? raise_stop_flag : end_at_once;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
  }
}

bool stop_requested() { return stop_flag != 0; }

void keep_freed_memory() {
#if defined(__GLIBC__)
  constexpr int kLargestKept = 32 << 20;  // what mallopt takes at most
  constexpr int kKeptInAll = 512 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kLargestKept);
  ::mallopt(M_TRIM_THRESHOLD, kKeptInAll);
#endif
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

std::filesystem::path executable_directory() {
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path() : executable.parent_path();
}

int run_copies(const std::vector<std::string>& words, std::int64_t count) {
  std::error_code error;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  std::vector<pid_t> running;
  for (std::int64_t rank = 0; rank < count; ++rank) {
    const std::string rank_text = std::to_string(rank);
    const std::string count_text = std::to_string(count);
    std::vector<char*> arguments{const_cast<char*>(program.c_str())};
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("RANK", rank_text.c_str(), 1);
      ::setenv("WORLD_SIZE", count_text.c_str(), 1);
      ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
      ::execv(program.c_str(), arguments.data());
      ::_exit(127);
    }
    if (child > 0) running.push_back(child);
  }
  int worst = static_cast<std::int64_t>(running.size()) == count ? 0 : 1;
  for (const int code : codes_of(running)) {
    if (code == 130 || worst == 0) worst = code;
  }
  return worst;
}

std::string program_version() { return KEDIT_VERSION; }

std::string version_text() {
  std::string devices = fmt::format("cpu ({} cores)", usable_cores());
  const int count = cuda_device_count();
  for (int i = 0; i < count; ++i) devices += fmt::format(", cuda:{}", i);
  return fmt::format("kedit {}\nLibTorch {}\ndevices: {}\n", program_version(), KEDIT_TORCH_VERSION,
                     devices);
}

}  // namespace kedit::cli

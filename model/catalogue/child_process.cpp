#include "model/catalogue/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace kedit::catalogue {
namespace {

constexpr int kLookMilliseconds = 100;
constexpr std::size_t kKeptOutput = 65536;

std::vector<std::string> child_environment(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> all;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (changes.count(std::string(text.substr(0, text.find('=')))) == 0) all.emplace_back(text);
  }
  for (const auto& [name, value] : changes) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Everything is prepared before the fork: other threads may hold the allocator's locks in it.
[[noreturn]] void become(char* const* words, char* const* environment, const char* directory,
                         int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (*directory != '\0' && ::chdir(directory) != 0) ::_exit(126);
  ::execvpe(words[0], words, environment);
  ::_exit(127);
}

// One look at the pipe. False at its end.
bool read_some(int descriptor, std::string& output) {
  struct pollfd look {
    descriptor, POLLIN, 0
  };
  if (::poll(&look, 1, kLookMilliseconds) <= 0) return true;
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR;
  output.append(buffer.data(), static_cast<std::size_t>(count));
  if (output.size() > 2 * kKeptOutput) output.erase(0, output.size() - kKeptOutput);
  return count > 0;
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& words, const ChildOptions& options) {
  std::vector<std::string> arguments = words;
  std::vector<std::string> variables = child_environment(options.environment);
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> variable_pointers = pointers(variables);
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "making a pipe");
  }
  const pid_t child = ::fork();
  if (child == 0) {
    become(argument_pointers.data(), variable_pointers.data(), options.directory.c_str(), ends[1]);
  }
  ::close(ends[1]);
  if (child < 0) {
    const int reason = errno;
    ::close(ends[0]);
    throw std::system_error(reason, std::generic_category(), "starting a process");
  }
  ChildResult result;
  while (read_some(ends[0], result.output)) {
    if (!options.go_on || options.go_on()) continue;
    ::kill(child, SIGKILL);
    result.stopped = true;
    break;
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return result;
}

}  // namespace kedit::catalogue

#include "tests/apps/program.hpp"

#include "model/model.hpp"
#include "training/bpe_trainer.hpp"
#include "training/trainer.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <signal.h>
#include <sstream>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kedit::test {
namespace {

namespace fs = std::filesystem;

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(std::size_t end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
};

[[noreturn]] void become_kedit(const std::vector<std::string>& arguments, const RunOptions& options,
                               const Pipe& in, const Pipe& out, const Pipe& err) {
  ::dup2(in.ends[0], STDIN_FILENO);
  ::dup2(err.ends[1], STDERR_FILENO);
  if (options.out_to.empty()) {
    ::dup2(out.ends[1], STDOUT_FILENO);
  } else if (options.out_to == "closed") {
    ::close(STDOUT_FILENO);
  } else {
    ::dup2(::open(options.out_to.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644), STDOUT_FILENO);
  }
  for (const auto& [name, value] : options.environment) {
    if (value.empty()) {
      ::unsetenv(name.c_str());
    } else {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(126);
  if (options.file_size_limit > 0) {
    const auto limit = static_cast<rlim_t>(options.file_size_limit);
    const struct rlimit limits { limit, limit };
    ::setrlimit(RLIMIT_FSIZE, &limits);
    ::signal(SIGXFSZ, SIG_IGN);
  }
  std::vector<char*> words{const_cast<char*>(KEDIT_BINARY)};
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  ::execv(KEDIT_BINARY, words.data());
  ::_exit(127);
}

// Reads both streams as they come, so that neither pipe can fill up and block the program; sends
// the interrupt when its moment has come.
void collect(int out, int err, pid_t program, const RunOptions& options, Outcome* outcome) {
  std::string interrupt_at = options.interrupt_at;
  std::function<bool()> signal_when = options.signal_when;
  std::array<struct pollfd, 2> streams{{{out, POLLIN, 0}, {err, POLLIN, 0}}};
  std::array<std::string*, 2> texts{&outcome->out, &outcome->err};
  std::size_t open_streams = 2;
  while (open_streams > 0) {
    if (::poll(streams.data(), streams.size(), signal_when ? 5 : -1) < 0 && errno != EINTR) break;
    if (signal_when && signal_when()) {
      ::kill(program, options.signal);
      signal_when = {};
    }
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if (streams[i].fd < 0 || streams[i].revents == 0) continue;
      std::array<char, 65536> buffer{};
      const ssize_t count = ::read(streams[i].fd, buffer.data(), buffer.size());
      if (count > 0) {
        texts[i]->append(buffer.data(), static_cast<std::size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        streams[i].fd = -1;
        --open_streams;
      }
    }
    if (!interrupt_at.empty() && outcome->err.find(interrupt_at) != std::string::npos) {
      ::kill(program, SIGINT);
      interrupt_at.clear();
    }
  }
}

}  // namespace

Outcome run_kedit(const std::vector<std::string>& arguments, const RunOptions& options) {
  Pipe in;
  Pipe out;
  Pipe err;
  ::signal(SIGPIPE, SIG_IGN);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) become_kedit(arguments, options, in, out, err);
  in.close_end(0);
  out.close_end(1);
  err.close_end(1);
  static_cast<void>(!::write(in.ends[1], options.input.data(), options.input.size()));
  in.close_end(1);
  Outcome outcome;
  collect(out.ends[0], err.ends[0], child, options, &outcome);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return outcome;
}

ScratchFolder::ScratchFolder() {
  std::string pattern = (fs::temp_directory_path() / "kedit-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  if (!stream.flush()) throw std::runtime_error("writing " + file.string());
}

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

fs::path golden(const std::string& name) {
  return fs::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / name;
}

fs::path write_tiny_model(const fs::path& folder) {
  fs::create_directories(folder);
  DecoderShape shape;
  shape.layers = 2;
  shape.hidden = 16;
  shape.heads = 2;
  shape.intermediate = 32;
  shape.vocab = 300;
  shape.max_positions = 64;
  const Architecture architecture = qwen2_architecture(shape);
  write_checkpoint(folder, architecture, initial_weights(architecture, 1));
  write_text(folder / "tokenizer.json",
             train_byte_level_bpe({"The capital of France is Paris. The capital of Italy is Rome."},
                                  shape.vocab));
  return folder;
}

bool is_one_sentence(const std::string& err, const std::vector<std::string>& parts) {
  const bool one_line = err.rfind("kedit: ", 0) == 0 && err.find('\n') + 1 == err.size();
  if (!one_line) return false;
  for (const std::string& part : parts) {
    if (err.find(part) == std::string::npos) return false;
  }
  return true;
}

}  // namespace kedit::test

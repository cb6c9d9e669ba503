#pragma once

#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace kedit::testing {

inline std::optional<std::string> find_browser() {
  if (const char* chosen = std::getenv("KEDIT_CHROMIUM")) return chosen;
  for (const char* path :
       {"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return std::nullopt;
}

// The browser may hang where it has no display server to its liking: it gets a minute.
inline bool run_browser(const std::string& browser, const std::filesystem::path& page,
                        std::uint32_t width, const std::string& task,
                        const std::filesystem::path& out) {
  std::vector<std::string> words = {"timeout",
                                    "60",
                                    browser,
                                    "--headless",
                                    "--no-sandbox",
                                    "--disable-gpu",
                                    "--hide-scrollbars",
                                    "--user-data-dir=" + page.parent_path().string() + "/profile",
                                    task,
                                    "--window-size=" + std::to_string(width) + ",1600",
                                    "file://" + page.string()};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int nothing = ::open("/dev/null", O_RDWR);
    for (const int stream : {0, 2}) ::dup2(nothing, stream);
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    ::execvp("timeout", arguments.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

inline std::string read_bytes(const std::filesystem::path& file) {
  std::ostringstream bytes;
  bytes << std::ifstream(file, std::ios::binary).rdbuf();
  return bytes.str();
}

inline std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

// The page with a line at its end that tells its own width; its policy, which forbids scripts, left
// out.
inline std::string measuring(std::string page) {
  const std::size_t policy = page.find("<meta http-equiv=\"Content-Security-Policy\"");
  page.erase(policy, page.find('>', policy) + 1 - policy);
  return page +
         "<p id=\"w\"></p><script>const e=document.documentElement;"
         "document.getElementById(\"w\").textContent="
         "\"wide:\"+Math.max(0,e.scrollWidth-e.clientWidth)+\".\";</script>";
}

}  // namespace kedit::testing

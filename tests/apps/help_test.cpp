#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

// The commands that the help of the program lists.
std::vector<std::string> listed_commands() {
  std::istringstream lines(run_kedit({"--help"}).out);
  std::vector<std::string> commands;
  std::string line;
  while (std::getline(lines, line) && line != "Commands") {
  }
  while (std::getline(lines, line) && !line.empty()) {
    if (line.size() < 3 || line[2] == ' ') continue;
    commands.push_back(line.substr(2, line.find("  ", 2) - 2));
  }
  return commands;
}

std::vector<std::string> words_of(const std::string& command) {
  std::istringstream stream(command);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string file_name(std::string command) {
  for (char& c : command) c = c == ' ' ? '-' : c;
  return (command.empty() ? std::string("kedit") : command) + ".txt";
}

}  // namespace

// KEDIT_APPROVE=1 writes the texts instead of comparing; the diff is then read in review.
TEST_CASE("kedit --help: help texts equal the approved ones", "[help]") {
  const bool approve = std::getenv("KEDIT_APPROVE") != nullptr;
  std::vector<std::string> commands = listed_commands();
  REQUIRE(commands.size() >= 5);
  commands.emplace_back("");
  std::set<std::string> expected_files;
  for (const std::string& command : commands) {
    std::vector<std::string> words = words_of(command);
    words.emplace_back("--help");
    const Outcome outcome = run_kedit(words);
    INFO(command);
    CHECK(outcome.code == 0);
    CHECK(outcome.err.empty());
    const fs::path file = golden("help") / file_name(command);
    expected_files.insert(file.filename().string());
    if (approve) write_text(file, outcome.out);
    CHECK(read_text(file) == outcome.out);
  }
  for (const auto& entry : fs::directory_iterator(golden("help"))) {
    INFO("a help text without a command");
    CHECK(expected_files.count(entry.path().filename().string()) == 1);
  }
}

TEST_CASE("kedit --help: every command states defaults and exit codes and an example") {
  for (const std::string& command : listed_commands()) {
    std::vector<std::string> words = words_of(command);
    words.emplace_back("--help");
    const std::string help = run_kedit(words).out;
    INFO(command);
    CHECK(help.find("Exit codes\n") != std::string::npos);
    CHECK(help.find("[default: ") != std::string::npos);
    CHECK(help.find("Example\n  kedit " + command) != std::string::npos);
  }
}

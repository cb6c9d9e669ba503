// What README shows under "Use" is run, line by line, in one folder.
#include "json/json.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <filesystem>
#include <sstream>
#include <utility>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

fs::path lab(const std::string& name) {
  return fs::path(KEDIT_SOURCE_DIR) / "assets" / "lab" / name;
}

// The lines of the first block of shell commands below a heading, comments and the program's name
// taken off.
std::vector<std::string> commands_below(const std::string& heading) {
  const std::string text = read_text(fs::path(KEDIT_SOURCE_DIR) / "README.md");
  const std::string fence = "```";
  const std::size_t begin = text.find(fence + "sh\n", text.find(heading)) + fence.size() + 3;
  std::istringstream lines(text.substr(begin, text.find(fence, begin) - begin));
  std::vector<std::string> commands;
  for (std::string line; std::getline(lines, line);) {
    const std::string name = "kedit ";
    REQUIRE(line.compare(0, name.size(), name) == 0);
    commands.push_back(line.substr(name.size(), line.find(" #") - name.size()));
  }
  return commands;
}

// As a shell does it, as far as README goes: blanks part words, double quotes keep them.
std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : command + " ") {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      if (!word.empty()) words.push_back(std::exchange(word, ""));
    } else {
      word += c;
    }
  }
  return words;
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("README: the commands shown under Use succeed") {
  const ScratchFolder scratch;
  write_text(scratch / "bench.json",
             to_text(Json{{"dataset", "mquake:" + lab("mquake.json").string()},
                          {"cases", "1-2"},
                          {"controls", Json::array({"unedited"})},
                          {"answerers", Json::array({"cloze"})}}));
  RunOptions options;
  options.directory = scratch.path();
  options.environment = {{"KEDIT_MODEL", lab("model").string()}};
  std::string edit;
  const std::vector<std::string> commands = commands_below("## Use");
  REQUIRE(commands.size() > 5);
  for (std::string command : commands) {
    replace(command, "mquake:FILE", "mquake:" + lab("mquake.json").string());
    replace(command, " 3f2a", " " + edit.substr(0, 4));
    const Outcome outcome = run_kedit(words_of(command), options);
    INFO(command);
    INFO(outcome.err);
    CHECK(outcome.code == 0);
    if (command.rfind("model generate", 0) == 0) {
      CHECK(outcome.out.find("Luzo Works") != std::string::npos);
    }
    if (command.rfind("edit ", 0) == 0) {
      const Outcome log = run_kedit({"store", "log", "--json"}, options);
      edit = parse_json(log.out, "log")["edits"][0]["id"].get<std::string>();
    }
  }
  CHECK(fs::exists(scratch / "report.html"));
}

TEST_CASE("README: the table of editors is what kedit explain prints") {
  const std::string text = read_text(fs::path(KEDIT_SOURCE_DIR) / "README.md");
  const Outcome outcome = run_kedit({"explain", "--json"});
  REQUIRE(outcome.code == 0);
  for (const Json& editor : parse_json(outcome.out, "standard output")["editors"]) {
    const auto field = [&](const char* name) { return editor[name].get<std::string>(); };
    const std::string row = "| `" + field("name") + "` | " + field("paper") + " | " +
                            field("summary") + " | " + field("evidence") + " |";
    INFO(row);
    CHECK(text.find(row) != std::string::npos);
  }
}

#include "apps/command.hpp"
#include "apps/commands.hpp"
#include "apps/exit_code.hpp"
#include "apps/output.hpp"
#include "apps/process.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace kedit::cli {
namespace {

using Words = std::vector<std::string>;

bool is_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

// "-h" behind an option that takes a value is that value.
bool asks_for_help(const Words& words, const std::vector<Option>& options = {}) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") return false;
    if (words[i] == "--help") return true;
    if (words[i] == "-h" && (i == 0 || !takes_value(options, words[i - 1]))) return true;
  }
  return false;
}

bool is_group(const std::string& word) {
  for (const Command& command : all_commands()) {
    if (command.name.rfind(word + " ", 0) == 0) return true;
  }
  return false;
}

const Command* find_command(const std::string& name) {
  for (const Command& command : all_commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

[[noreturn]] void unknown_command(const std::string& name) {
  Words names;
  for (const Command& command : all_commands()) {
    names.push_back(command.name);
    names.push_back(command.name.substr(0, command.name.find(' ')));
  }
  const auto nearest = nearest_name(name, names);
  throw UsageError(fmt::format("unknown command '{}'; {}see kedit --help", name,
                               nearest ? fmt::format("did you mean '{}'? ", *nearest) : ""));
}

int run_command(const Command& command, const Words& words) {
  const std::vector<Option> options = all_options(command);
  if (asks_for_help(words, options)) {
    print_bytes(help_of(command));
    return kDone;
  }
  const std::string hint = fmt::format("see kedit {} --help", command.name);
  Context context(command, parse_options(options, command.arguments, words, hint));
  return command.run(context);
}

int run_group(const std::string& group, const Words& words) {
  if (words.empty() || is_option(words[0])) {
    if (asks_for_help(words)) {
      print_bytes(help_of_group(all_commands(), group));
      return kDone;
    }
    throw UsageError(
        fmt::format("{0}: expected a command, found none; see kedit {0} --help", group));
  }
  const std::string name = group + " " + words[0];
  const Command* command = find_command(name);
  if (command == nullptr) unknown_command(name);
  return run_command(*command, Words(words.begin() + 1, words.end()));
}

int run_program(const Words& words) {
  if (words.empty()) {
    throw UsageError("expected a command, found none; try kedit demo, or see kedit --help");
  }
  const std::string& first = words[0];
  const Words rest(words.begin() + 1, words.end());
  if (first == "--help" || first == "-h" || first == "help") {
    print_bytes(help_of_all(all_commands()));
    return kDone;
  }
  if (first == "--version") {
    print_bytes(version_text());
    return kDone;
  }
  if (is_option(first)) {
    throw UsageError(fmt::format("expected a command before '{}'; see kedit --help", first));
  }
  if (is_group(first)) return run_group(first, rest);
  const Command* command = find_command(first);
  if (command == nullptr) unknown_command(first);
  return run_command(*command, rest);
}

}  // namespace
}  // namespace kedit::cli

int main(int argc, char** argv) {
  kedit::cli::prepare_descriptors();
  kedit::cli::keep_freed_memory();
  try {
    return kedit::cli::run_program({argv + 1, argv + argc});
  } catch (...) {
    const kedit::cli::Verdict verdict = kedit::cli::judge(std::current_exception());
    if (!verdict.sentence.empty()) fmt::print(stderr, "kedit: {}\n", verdict.sentence);
    return verdict.code;
  }
}

#include "apps/command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace kedit::cli {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kIndent = 26;

std::vector<Option> model_options() {
  return {
      text("model", "MODEL", "Hugging Face directory, GGUF file, or name of a fetched model")
          .otherwise_said("$KEDIT_MODEL, else the lab model"),
      text("device", "NAME", "auto, cpu, cuda or cuda:N").otherwise("auto"),
      text("dtype", "NAME", "type of the weights in memory; auto: as stored, of GGUF float32")
          .otherwise("auto")
          .one_of({"auto", "float32", "bfloat16", "float16"}),
      flag("allow-tf32", "GPU: float32 products may round their factors to TF32; named in results"),
      flag("allow-nonfinite", "accept weights that are infinite or not a number"),
      flag("verify-model", "read and hash all weights, whatever the cache remembers of them"),
  };
}

std::vector<Option> mount_options() {
  return {
      text("store", "FILE", "mount the edits of this store on the model")
          .otherwise_said("no edits"),
      text("branch", "NAME", "mount what is live on this branch")
          .otherwise_said("the branch checked out"),
      text("edits", "IDS", "mount exactly these edits, with commas"),
  };
}

std::vector<Option> store_options() {
  return {
      text("store", "FILE", "the edit store").otherwise("kedit.db"),
      text("branch", "NAME", "the branch").otherwise_said("the branch checked out"),
  };
}

std::vector<Option> general_options(const Command& command) {
  std::vector<Option> options;
  if ((command.takes & kSeed) != 0) {
    options.push_back(integer("seed", "N", "seed of everything random").otherwise("0").at_least(0));
  }
  options.push_back(integer("threads", "N", "threads of the tensor engine")
                        .otherwise_said("$OMP_NUM_THREADS, else the number of cores")
                        .at_least(1)
                        .at_most(1024));
  options.push_back(flag("json", "exactly one JSON document on standard output"));
  options.push_back(flag("quiet", "no progress and no notes"));
  options.push_back(text("color", "WHEN", "colours on standard output; NO_COLOR is respected")
                        .otherwise("auto")
                        .one_of({"auto", "always", "never"}));
  options.push_back(flag("help", "this text"));
  return options;
}

struct Group {
  std::string title;
  std::vector<Option> options;
};

std::vector<Group> groups_of(const Command& command) {
  std::vector<Group> groups{{"Options", command.options}};
  if ((command.takes & kModel) != 0) groups.push_back({"Model", model_options()});
  if ((command.takes & kMount) != 0) groups.push_back({"Edits", mount_options()});
  if ((command.takes & kStore) != 0) groups.push_back({"Store", store_options()});
  if ((command.takes & kRuns) != 0) groups.push_back({"Store", {store_options().front()}});
  groups.push_back({"General", general_options(command)});
  return groups;
}

std::string default_text(const Option& option) {
  if (!option.shown_fallback.empty()) return fmt::format(" [default: {}]", option.shown_fallback);
  if (option.fallback) return fmt::format(" [default: {}]", *option.fallback);
  if (option.is_required) return " [required]";
  return "";
}

// Breaks at spaces; lines after the first are indented by `indent`.
std::string wrapped(const std::string& text, std::size_t begin_column, std::size_t indent) {
  std::string result;
  std::size_t column = begin_column;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t length = end - at;
    const bool first = result.empty();
    if (!first && column + 1 + length > kWidth) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      result += ' ';
      ++column;
    }
    result.append(text, at, length);
    column += length;
    at = end + 1;
  }
  return result;
}

std::string help_line(const std::string& left, const std::string& right) {
  std::string line = "  " + left;
  if (line.size() + 2 > kIndent) {
    line += "\n" + std::string(kIndent, ' ');
  } else {
    line.resize(kIndent, ' ');
  }
  return line + wrapped(right, kIndent, kIndent) + "\n";
}

std::string option_line(const Option& option) {
  const std::string left =
      "--" + option.name + (option.value_name.empty() ? "" : " " + option.value_name);
  std::string right = option.help;
  if (!option.choices.empty()) right += fmt::format(" ({})", fmt::join(option.choices, ", "));
  if (option.is_repeated) right += "; may be given several times";
  return help_line(left, right + default_text(option));
}

std::string usage_line(const Command& command) {
  std::string line = "Usage: kedit " + command.name;
  for (const Option& argument : command.arguments) {
    const std::string name = argument.value_name + (argument.is_repeated ? "..." : "");
    line += argument.is_required ? " " + name : " [" + name + "]";
  }
  return line + " [OPTIONS]\n";
}

constexpr const char* kExitCodes =
    "Exit codes\n"
    "  0 done, 1 failed, 2 usage, 3 bad input file, 4 store busy, conflicting or corrupt,\n"
    "  5 not enough memory or no such device, 130 interrupted with state saved\n";

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

}  // namespace

std::vector<Option> all_options(const Command& command) {
  std::vector<Option> all;
  for (const Group& group : groups_of(command)) {
    all.insert(all.end(), group.options.begin(), group.options.end());
  }
  return all;
}

std::string help_of(const Command& command) {
  std::string help = usage_line(command) + "\n";
  // The first paragraph is wrapped; lists after it come as they shall stand.
  const std::size_t lists = std::min(command.description.find("\n\n"), command.description.size());
  const std::string more = lists == 0 ? "" : " " + command.description.substr(0, lists);
  help += wrapped(capitalised(command.summary) + "." + more, 0, 0) + "\n";
  if (!command.arguments.empty()) {
    help += "\nArguments\n";
    for (const Option& argument : command.arguments) {
      help += help_line(argument.value_name, argument.help + default_text(argument));
    }
  }
  for (const Group& group : groups_of(command)) {
    if (group.options.empty()) continue;
    help += "\n" + group.title + "\n";
    for (const Option& option : group.options) help += option_line(option);
  }
  help += command.description.substr(lists).substr(lists < command.description.size() ? 1 : 0);
  help += "\n";
  help += kExitCodes;
  help += "\nExample\n  " + command.example + "\n";
  return help;
}

std::string help_of_group(const std::vector<Command>& commands, const std::string& group) {
  std::string help = fmt::format("Usage: kedit {} COMMAND [OPTIONS]\n\nCommands\n", group);
  for (const Command& command : commands) {
    if (command.name.rfind(group + " ", 0) != 0) continue;
    help += help_line(command.name, command.summary);
  }
  return help + fmt::format("\nkedit {} COMMAND --help tells more.\n", group);
}

std::string help_of_all(const std::vector<Command>& commands) {
  std::string help =
      "kedit edits what a language model knows, keeps every edit, and says with numbers what it "
      "did.\n\nUsage: kedit COMMAND [OPTIONS]\n\nCommands\n";
  for (const Command& command : commands) help += help_line(command.name, command.summary);
  help += "\nGeneral\n";
  help += help_line("--help", "this text; kedit COMMAND --help tells more");
  help += help_line("--version", "version of kedit and LibTorch, and the devices that are there");
  help += "\n";
  help += kExitCodes;
  help += "\nExample\n  kedit demo --out report.html\n";
  return help;
}

}  // namespace kedit::cli

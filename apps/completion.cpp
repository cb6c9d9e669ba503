#include "apps/commands.hpp"
#include "model/catalogue.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

namespace kedit::cli {
namespace {

// First word of every command -> the second words it may have (none for a command of one word).
std::map<std::string, std::vector<std::string>> words_of_commands() {
  std::map<std::string, std::vector<std::string>> words;
  for (const Command& command : all_commands()) {
    const std::size_t blank = command.name.find(' ');
    auto& seconds = words[command.name.substr(0, blank)];
    if (blank != std::string::npos) seconds.push_back(command.name.substr(blank + 1));
  }
  return words;
}

std::vector<std::string> option_words(const Command& command) {
  std::vector<std::string> words;
  for (const Option& option : all_options(command)) words.push_back("--" + option.name);
  return words;
}

// Of the models that --model knows by name.
std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const catalogue::Entry& entry : catalogue::known_models()) names.push_back(entry.name);
  return names;
}

// bash and zsh (by bashcompinit) share one function: command words first, then options, files else.
std::string bash_script() {
  std::vector<std::string> firsts;
  std::string seconds;
  for (const auto& [first, second] : words_of_commands()) {
    firsts.push_back(first);
    if (second.empty()) continue;
    seconds += fmt::format("    {}) [[ $COMP_CWORD -eq 2 ]] && words='{}' ;;\n", first,
                           fmt::join(second, " "));
  }
  std::string options;
  for (const Command& command : all_commands()) {
    options += fmt::format("      '{}'*) words='{}' ;;\n", command.name,
                           fmt::join(option_words(command), " "));
  }
  return fmt::format(
      "_kedit() {{\n"
      "  local words='' current=${{COMP_WORDS[COMP_CWORD]}}\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    words='{1} --help --version'\n"
      "  elif [[ ${{COMP_WORDS[COMP_CWORD-1]}} == --model ]]; then\n"
      "    compopt -o filenames 2>/dev/null\n"
      "    COMPREPLY=($(compgen -W '{0}' -- \"$current\"; compgen -f -- \"$current\"))\n"
      "    return\n"
      "  elif [[ $current == -* ]]; then\n"
      "    case \"${{COMP_WORDS[*]:1:2}} \" in\n{2}    esac\n"
      "  elif [[ \"${{COMP_WORDS[*]:1:2}}\" == 'model get' && $COMP_CWORD -eq 3 ]]; then\n"
      "    words='{0}'\n"
      "  else\n"
      "    case ${{COMP_WORDS[1]}} in\n{3}    esac\n"
      "  fi\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}}\n"
      "complete -o default -F _kedit kedit\n",
      fmt::join(model_names(), " "), fmt::join(firsts, " "), options, seconds);
}

std::string zsh_script() { return "autoload -U +X bashcompinit && bashcompinit\n" + bash_script(); }

std::string fish_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "'";
}

std::string fish_script() {
  std::string script;
  for (const auto& [first, seconds] : words_of_commands()) {
    script += fmt::format("complete -c kedit -n __fish_use_subcommand -f -a {}\n", first);
    if (seconds.empty()) continue;
    script += fmt::format(
        "complete -c kedit -n '__fish_seen_subcommand_from {0}; and not "
        "__fish_seen_subcommand_from {1}' -f -a '{1}'\n",
        first, fmt::join(seconds, " "));
  }
  for (const Command& command : all_commands()) {
    const std::size_t blank = command.name.find(' ');
    std::string condition = "__fish_seen_subcommand_from " + command.name.substr(0, blank);
    if (blank != std::string::npos) {
      condition += "; and __fish_seen_subcommand_from " + command.name.substr(blank + 1);
    }
    for (const Option& option : all_options(command)) {
      const std::string values =
          option.name == "model" ? fmt::format(" -a '{}'", fmt::join(model_names(), " ")) : "";
      script += fmt::format("complete -c kedit -n '{}' -l {}{}{} -d {}\n", condition, option.name,
                            option.kind == Option::Kind::flag ? "" : " -r", values,
                            fish_quoted(option.help));
    }
  }
  return script + fmt::format(
                      "complete -c kedit -n '__fish_seen_subcommand_from model; and "
                      "__fish_seen_subcommand_from get' -f -a '{}'\n",
                      fmt::join(model_names(), " "));
}

int run_completion(Context& context) {
  const std::string shell = context.options.text("shell");
  const std::string script = shell == "bash"  ? bash_script()
                             : shell == "zsh" ? zsh_script()
                                              : fish_script();
  return context.answer({{"shell", shell}, {"script", script}}, script);
}

}  // namespace

std::vector<Command> completion_commands() {
  Command completion;
  completion.name = "completion";
  completion.summary = "print a completion script for a shell";
  completion.arguments = {
      text("shell", "SHELL", "bash, zsh or fish").one_of({"bash", "zsh", "fish"}).required()};
  completion.example = "kedit completion bash > ~/.local/share/bash-completion/completions/kedit";
  completion.run = run_completion;
  return {completion};
}

}  // namespace kedit::cli

#pragma once

// How to write a subcommand
// -------------------------
// One file apps/NAME.cpp defines the function that apps/commands.hpp declares for it:
//
//   namespace kedit::cli {
//   namespace {
//
//   int run_log(Context& context) {
//     Store store = context.open_store(OpenMode::read_only);       // --store, checked
//     const std::string branch = context.options.text("branch");
//     Json document = {{"branch", branch}, ...};
//     Table table({{"id"}, {"subject"}, {"norm", Table::Align::right}});
//     ...
//     return context.answer(document, table.text(context.style())); // document under --json, else
//     text
//   }
//
//   }  // namespace
//
//   std::vector<Command> store_commands() {
//     Command log;
//     log.name = "store log";
//     log.summary = "list the edits of a branch";
//     log.takes = kStore;                                           // --store and --branch
//     log.options = {integer("last", "N", "only the newest N edits").at_least(1)};
//     log.example = "kedit store log --store kedit.db";
//     log.run = run_log;
//     return {log, ...};
//   }
//
// Rules
// - `run` returns 0 or throws; it never prints by itself. `context.answer` is called once, last:
//   an error before it leaves standard output empty. Notes for people: `context.note`; warnings:
//   `context.warn`.
// - Errors: throw what the library throws, or UsageError (2), InputError (3), Failure (1); main
// maps
//   them. A message reads "ACT: FILE: FIELD: expected X, found Y; DO THIS".
// - Long work gets `context.run()`: seed, progress bar, warnings, stop flag. It saves its state and
//   throws `Interrupted`; main then exits with 130. Set `stops_gently` for such commands; others
//   end at once on SIGINT.
// - Output files go through `context.write_file` (atomic; "-" is standard output).
// - After a change of options: `KEDIT_APPROVE=1 build/tests/apps/kedit_tests_apps "[help]"`
// rewrites the golden
//   help texts; read the diff.

#include "apps/options.hpp"
#include "apps/terminal.hpp"
#include "edits/progress.hpp"
#include "json/json.hpp"
#include "model/edited_model.hpp"
#include "store/store.hpp"

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::cli {

/// An input file is not what was expected, found by a command itself. Exit code 3.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The command could not do its work, and neither the command line nor an input is to blame. Exit
/// code 1.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Groups of common options that a command takes (every command has --threads --json --quiet
/// --color
/// --help besides).
enum Takes : unsigned {
  kNothing = 0,
  kModel = 1,  ///< --model --device --dtype --allow-tf32 --allow-nonfinite --verify-model
  kMount = 2,  ///< --store --branch --edits: edits mounted on the model; no default store
  kStore = 4,  ///< --store (default kedit.db) --branch: the store that is worked on
  kSeed = 8,   ///< --seed
  kRuns = 16,  ///< --store (default kedit.db): the store that holds runs
};

class Context;

/// What becomes of live edits that were made for another model than the one at hand.
enum class OtherModels { refused, passed_over };

struct Command {
  std::string name;     ///< "model info"
  std::string summary;  ///< One line, lower case, no full stop.
  unsigned takes = kNothing;
  std::vector<Option> options;
  std::vector<Option>
      arguments;              ///< Positional, made with `text(...)`; the last may be `repeated`.
  std::string description;    ///< A paragraph for the help, may be empty.
  std::string example;        ///< One command line.
  bool stops_gently = false;  ///< Checks the stop flag, saves its state, throws `Interrupted`.
  std::function<int(Context&)> run;
};

/// What a command is given. Lives as long as the command runs.
class Context {
 public:
  Context(const Command& command, Values values);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Values options;
  const Command& command() const { return command_; }

  bool json() const { return options.flag("json"); }
  bool quiet() const { return options.flag("quiet"); }
  const Style& style() const { return style_; }  ///< For text on standard output.
  int threads() const { return threads_; }

  /// Seed (0 without kSeed), progress bar, warnings and stop flag for the library.
  RunContext run();

  /// The one result: `document` under --json, else `text`. Returns 0, so that a command ends with
  /// `return context.answer(...)`. Non-finite numbers become null, with a warning.
  int answer(const Json& document, const std::string& text);
  void warn(const std::string& sentence);  ///< On stderr, also with --quiet.
  void note(const std::string& sentence);  ///< On stderr, not with --quiet.
  void finish_progress();                  ///< Ends the bar's line.

  /// Atomic; "-" writes to standard output (then `answer` may not be used as well).
  void write_file(const std::filesystem::path& file, std::string_view bytes);
  /// Standard output, for formats other than the answer; throws `Failure` when it cannot be
  /// written.
  void print(std::string_view bytes);

  bool model_is_chosen() const;  ///< By --model or $KEDIT_MODEL.
  /// --model, else $KEDIT_MODEL (names of fetched models resolved), else the lab model; throws
  /// `InputError` when there is none, `ModelError` for a known name that is not fetched.
  std::filesystem::path model_path() const;
  std::shared_ptr<const Model> load_model();
  /// The same with the edits of --store mounted (kMount), in commit order. A live edit that cannot
  /// be mounted, as one for another model, is a `StoreError` of exit code 4.
  EditedModel load_edited_model();
  /// Of a model for this run: device, dtype, checks, warnings, the cache of findings.
  LoadOptions load_options();
  /// Says which mounted edits are facts, for a command that looks at weights alone.
  void note_facts(const EditedModel& model);

  /// --branch, else the branch that is checked out.
  std::string branch(const Store& store) const;

  /// Mounts exactly these edits ("ID,ID", shortened ids too), in this order.
  void mount_edits(EditedModel* model, const Store& store, const std::string& ids);
  /// Mounts what is live on a branch, in commit order. Live edits for other models are refused
  /// (exit code 4), or passed over with a warning where a store of several models is worked on.
  void mount_branch(EditedModel* model, const Store& store, const std::string& branch,
                    OtherModels others = OtherModels::refused);

  std::filesystem::path store_path() const;
  Store open_store(OpenMode mode);

 private:
  const Command& command_;
  Style style_;
  int threads_;
  std::unique_ptr<ProgressBar> bar_;
};

/// The lab's folder (holding model/, mquake.json, requests.jsonl): beside the sources, or under
/// share/kedit of an installation; searched from the executable. Empty when there is none.
std::optional<std::filesystem::path> lab_directory();

/// What a result says about the model that it is of: fingerprint, the type that the weights are
/// computed in and the one that they are stored in.
Json identity_json(const Model& model);

/// Common options of a command in the order of the help, its own ones first.
std::vector<Option> all_options(const Command& command);

/// The help text of one command / of a group ("model") / of the program.
std::string help_of(const Command& command);
std::string help_of_group(const std::vector<Command>& commands, const std::string& group);
std::string help_of_all(const std::vector<Command>& commands);

}  // namespace kedit::cli

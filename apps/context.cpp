#include "apps/command.hpp"
#include "apps/exit_code.hpp"
#include "apps/output.hpp"
#include "apps/process.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
#include <utility>

namespace kedit::cli {
namespace {

// --threads, else what OpenMP was told, else the cores this process may use.
int chosen_threads(const Values& options) {
  if (options.given("threads")) return static_cast<int>(options.integer("threads"));
  const char* told = std::getenv("OMP_NUM_THREADS");
  const long count = told == nullptr ? 0 : std::strtol(told, nullptr, 10);
  return count > 0 && count < 4096 ? static_cast<int>(count) : usable_cores();
}

bool has_nonfinite(const Json& value) {
  if (value.is_number_float()) return !std::isfinite(value.get<double>());
  if (!value.is_structured()) return false;
  for (const Json& element : value) {
    if (has_nonfinite(element)) return true;
  }
  return false;
}

}  // namespace

Context::Context(const Command& command, Values values)
    : options(std::move(values)),
      command_(command),
      style_(wants_colour(options.text("color"), STDOUT_FILENO)),
      threads_(chosen_threads(options)),
      bar_(std::make_unique<ProgressBar>(is_terminal(STDERR_FILENO) && !quiet())) {
  at::set_num_threads(threads_);
  watch_signals(command.stops_gently);
}

Context::~Context() = default;

RunContext Context::run() {
  RunContext run;
  if ((command_.takes & kSeed) != 0) run.seed = static_cast<std::uint64_t>(options.integer("seed"));
  run.progress = [this](const Progress& progress) { bar_->update(progress); };
  run.stop_requested = [] { return stop_requested(); };
  run.warn = [this](const std::string& sentence) { warn(sentence); };
  return run;
}

int Context::answer(const Json& document, const std::string& text) {
  bar_->finish();
  if (!json()) {
    print(text);
    return kDone;
  }
  if (has_nonfinite(document)) {
    warn("some numbers of the result are not finite; they are null in the JSON");
  }
  print(to_text(document) + "\n");
  return kDone;
}

void Context::warn(const std::string& sentence) {
  bar_->clear();
  const Style style(wants_colour(options.text("color"), STDERR_FILENO));
  fmt::print(stderr, "kedit: {} {}\n", style.paint(Tone::notice, "warning:"), sentence);
}

void Context::note(const std::string& sentence) {
  if (quiet()) return;
  bar_->clear();
  fmt::print(stderr, "{}\n", sentence);
}

void Context::finish_progress() { bar_->finish(); }

void Context::write_file(const std::filesystem::path& file, std::string_view bytes) {
  if (file == "-") return print(bytes);
  write_file_atomically(file, bytes);
}

void Context::print(std::string_view bytes) { print_bytes(bytes); }

}  // namespace kedit::cli

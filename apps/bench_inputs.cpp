#include "apps/bench_inputs.hpp"

#include "apps/thread_choice.hpp"
#include "datasets/case_files.hpp"
#include "model/catalogue.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit::cli {
namespace {

// A file whose labels disagree with one another can be run all the same, as its authors did.
Dataset open_dataset(Context& context, const runner::BenchConfig& config) {
  const DatasetName name = parse_dataset_name(config.dataset);
  try {
    return read_case_file(name);
  } catch (const DataError& error) {
    Dataset dataset = read_case_file(name, MquakeChecks::structure);
    context.warn(
        fmt::format("{}; the run goes on with the file as it is, and kedit audit lists "
                    "what else is wrong with it",
                    error.what()));
    return dataset;
  }
}

// A part of a run keeps its results in a store of its own; edits to start from lie in the whole
// one.
Store edits_beside(const Place& place) {
  std::string file = place.store.string();
  const std::string ending = shard_store("", place.shard).string();
  const bool part = place.shard.of > 1 && file.size() > ending.size() &&
                    file.compare(file.size() - ending.size(), ending.size(), ending) == 0;
  if (part) file.resize(file.size() - ending.size());
  return Store::open(std::filesystem::exists(file) ? std::filesystem::path(file) : place.store,
                     OpenMode::read_only);
}

// Edits that stay mounted throughout: those of the command line, else those of the configuration.
// Their full ids become part of it, so that a resumed run starts from the same model.
void mount_start(Context& context, runner::BenchConfig& config, const Place& place,
                 runner::BenchInputs& inputs) {
  if (!place.branch && !place.edits && config.edits.empty()) return;
  EditedModel start(inputs.model);
  const Store source = edits_beside(place);
  if (place.branch) {
    context.mount_branch(&start, source, *place.branch);
  } else if (place.edits) {
    context.mount_edits(&start, source, *place.edits);
  } else {
    context.mount_edits(&start, source, fmt::format("{}", fmt::join(config.edits, ",")));
  }
  config.edits = start.mounted();
  inputs.start = std::move(start);
}

}  // namespace

std::filesystem::path shard_store(const std::filesystem::path& store, const runner::Shard& shard) {
  return store.string() + fmt::format(".{}-of-{}", shard.rank + 1, shard.of);
}

runner::BenchInputs open_inputs(Context& context, runner::BenchConfig& config, const Place& place) {
  LoadOptions options = context.load_options();
  if (!options.verify) options.warn = {};  // each worker would say it again
  if (!context.options.given("device")) options.device = config.device;
  if (!context.options.given("dtype")) options.dtype = config.dtype;
  const bool chosen = context.options.given("model") || config.model.empty();
  const std::filesystem::path directory =
      chosen ? context.model_path() : catalogue::resolve(config.model);
  runner::BenchInputs inputs;
  inputs.model = Model::load(directory, options);
  choose_threads(context, *inputs.model);
  runner::check_editors(config, *inputs.model);
  mount_start(context, config, place, inputs);
  inputs.dataset = open_dataset(context, config);
  return inputs;
}

}  // namespace kedit::cli

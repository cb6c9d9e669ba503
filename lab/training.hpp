#pragma once

#include "datasets/mquake.hpp"
#include "edits/progress.hpp"
#include "lab/recipe.hpp"
#include "lab/world/world.hpp"
#include "training/trainer.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kedit::lab {

/// Where the files of a lab lie under its directory ("assets/lab").
struct LabPaths {
  explicit LabPaths(std::filesystem::path directory);
  std::filesystem::path root;
  std::filesystem::path model;     ///< Hugging Face directory
  std::filesystem::path mquake;    ///< cases in MQuAKE's form
  std::filesystem::path requests;  ///< edit requests, one a line
  std::filesystem::path recipe;    ///< the recipe alone, as `--recipe` takes it
  std::filesystem::path summary;   ///< lab.json: recipe, hash, training, table, context templates
  std::filesystem::path corpus;    ///< texts for key statistics, one a line
  std::filesystem::path curve_csv, curve_svg;
  std::filesystem::path work;  ///< resumable state, removed when training is done
};

/// What a lab is about: its world, and its cases in MQuAKE's form.
struct LabData {
  std::shared_ptr<const World> world;
  std::vector<MquakeCase> cases;
};

/// The data of a recipe: invented from its seed, or the recipe's cases of `facts_file`, which must
/// have the recipe's hash (`DataError` otherwise, and when a file is needed and not given).
LabData lab_data(const LabRecipe& recipe, const std::optional<std::filesystem::path>& facts_file);

/// The data of a trained lab, from its recipe and the cases beside it.
LabData lab_data(const LabRecipe& recipe, const LabPaths& paths);

/// Trains the lab of a recipe on `data`: tokenizer, decoder; writes the checkpoint, cases,
/// requests, recipe and loss curve under `paths`. Goes on from a state in `paths.work`. Throws
/// `TrainError`, `Interrupted` (state saved).
TrainResult train_lab(const LabRecipe& recipe, const LabData& data, const LabPaths& paths,
                      const RunContext& run);

/// ROME's context templates for a lab: the bare prompt, three lead-ins, three statements of the
/// world.
std::vector<std::string> lab_context_templates(const World& world, std::uint64_t seed);

/// Settings under which ROME works on a lab model: first layer, learning rate in proportion to the
/// value's norm, statistics over corpus.txt.
Json lab_rome_settings();

/// lab.json without a table (see `add_lab_table` in lab_check.hpp).
Json lab_summary(const LabRecipe& recipe, const World& world, const LabPaths& paths,
                 const TrainResult& result);

/// tokenizer_config.json beside a tokenizer.json of train_byte_level_bpe.
Json lab_tokenizer_config(std::int64_t max_positions);

}  // namespace kedit::lab

#pragma once

#include "json/json.hpp"
#include "lab/world/corpus.hpp"
#include "training/trainer.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace kedit::lab {

/// Everything that decides the bytes of a lab model. Two equal recipes give equal checkpoints on
/// the same kind of machine.
struct LabRecipe {
  std::string facts = "invented";  ///< "invented", or "mquake:NAME" of the file the facts are from
  std::string facts_sha256;        ///< of that file; empty for the invented world
  std::string cases;               ///< case selection; empty: all, or the invented world
  std::uint64_t world_seed = 1;
  std::uint64_t seed = 1;  ///< of initial weights and documents
  std::int64_t tokenizer_documents = 6000;
  DecoderShape shape;
  CorpusMixture mixture;
  TrainOptions train;
};

/// All fields but `train.checkpoint_every`, which does not change the result.
Json recipe_to_json(const LabRecipe& recipe);

/// Absent fields keep their defaults. Throws `JsonError` for a field of the wrong kind and for an
/// unknown one, with the nearest known name.
LabRecipe recipe_from_json(const Json& json, const std::string& origin);
LabRecipe read_recipe(const std::filesystem::path& file);

/// SHA-256 of the canonical text: what ties a shipped model to its recipe.
std::string recipe_hash(const LabRecipe& recipe);

/// Sizes for a world of `facts` facts and `entities` entities: vocabulary 1,024 + entities (a
/// multiple of 64, from 1,280 to 8,192), width 128 (above 2,000 facts 192, above 6,000 facts 256),
/// heads of 32, inner size three widths. For the invented world: the shipped model's.
DecoderShape scaled_shape(std::int64_t facts, std::int64_t entities);

/// Values of the decoder that a recipe's shape has (tied head once).
std::int64_t parameter_count(const DecoderShape& shape);

/// Steps so that a fact is used as often as in the shipped recipe (steps in proportion to facts, at
/// least the recipe's); with `minutes` > 0 at most as many as fit, at `tokens_per_second` for the
/// shape of the shipped model and in inverse proportion to parameters.
std::int64_t scaled_steps(const LabRecipe& recipe, std::int64_t facts, double minutes,
                          double tokens_per_second);

}  // namespace kedit::lab

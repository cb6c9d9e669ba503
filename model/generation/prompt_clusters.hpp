#pragma once

#include "model/generation/ragged_batch.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace kedit::generation {

/// Prompts that run after one shared beginning.
struct PromptCluster {
  std::vector<std::size_t> members;  ///< numbers of prompts
  std::int64_t shared = 0;           ///< tokens of the beginning, less than the shortest prompt has
};

/// Sorts prompts into clusters by how they begin, so that few tokens run through the model; every
/// prompt is in one cluster, and those that share too little with others are in one without a
/// beginning. A few prompts that stand alone get long beginnings of their own, for a later call to
/// find. A function of the prompts only: what earlier calls left changes no arithmetic.
std::vector<PromptCluster> cluster_prompts(const std::vector<TokenIds>& prompts);

/// The same where prompts longer than `first_length` (`Architecture::first_length`) turn with other
/// frequencies: they share no beginning with the others, whose keys differ.
std::vector<PromptCluster> cluster_prompts(const std::vector<TokenIds>& prompts,
                                           std::optional<std::int64_t> first_length);

/// How many tokens of a beginning have run after each of its passes. Long passes first, of fixed
/// sizes, so that beginnings of different length have their first passes in common.
std::vector<std::int64_t> prefix_passes(std::int64_t length);

}  // namespace kedit::generation

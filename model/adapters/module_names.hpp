#pragma once

#include "model/decoder/architecture.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace kedit::adapters {

/// Where the module of a weight stands in the reference library's model:
/// "model.layers.0.mlp.down_proj"; in a model of several parts below its language model.
std::string module_of(const Architecture& architecture, const std::string& weight);

/// The one of `weights` that a module of an adapter is, whichever class of the reference library
/// (whole model, text part, bare decoder) the adapter was made for.
std::optional<std::string> weight_of_module(const std::string& module,
                                            const Architecture& architecture,
                                            const std::set<std::string>& weights);

/// Whether a key of `rank_pattern` or `alpha_pattern` means a module: a regular expression for its
/// path from any point on. Throws `ModelError` starting with `where` for one that cannot be read or
/// does not come to an end.
bool pattern_matches(const std::string& key, const std::string& module, const std::string& where);

}  // namespace kedit::adapters

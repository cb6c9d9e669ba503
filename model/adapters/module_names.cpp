#include "model/adapters/module_names.hpp"

#include "tokenizer/text/split_pattern.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace kedit::adapters {
namespace {

constexpr std::string_view kModel = "model.";
constexpr std::string_view kTextPart = "model.language_model.";

// Of checkpoint names, as of the classes that have a head: "model.", "transformer.".
std::string prefix_of(const Architecture& architecture) {
  const std::string& block = architecture.names.block;
  return block.substr(0, block.find('.') + 1);
}

bool is_plain(std::string_view key) {
  return std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
}

tokenizer::SplitPattern compiled(const std::string& key, const std::string& where) try {
  return tokenizer::SplitPattern::regex("^(?:.*\\.)?(?:" + key + ")$", where);
} catch (const TokenizerError& error) {
  throw ModelError(error.what());
}

}  // namespace

std::string module_of(const Architecture& architecture, const std::string& weight) {
  std::string module = weight.substr(0, weight.rfind('.'));
  if (architecture.part_of.empty() || !module.starts_with(kModel)) return module;
  return std::string(kTextPart) + module.substr(kModel.size());
}

std::optional<std::string> weight_of_module(const std::string& module,
                                            const Architecture& architecture,
                                            const std::set<std::string>& weights) {
  const std::string prefix = prefix_of(architecture);
  std::vector<std::string> candidates = {module, prefix + module};
  for (const std::string_view wrapper : {kTextPart, std::string_view("language_model.model.")}) {
    if (module.starts_with(wrapper)) candidates.push_back(prefix + module.substr(wrapper.size()));
  }
  for (const std::string& candidate : candidates) {
    if (weights.count(candidate + ".weight") > 0) return candidate + ".weight";
  }
  return std::nullopt;
}

bool pattern_matches(const std::string& key, const std::string& module, const std::string& where) {
  if (is_plain(key)) return module == key || module.ends_with("." + key);
  const auto pattern = compiled(key, where);
  tokenizer::SplitScratch scratch;
  std::vector<tokenizer::TextRange> matches;
  try {
    pattern.find_all(module, scratch, matches);
  } catch (const TokenizerError&) {
    throw ModelError(fmt::format(
        "{}: expected an expression that comes to an end on {}, found one that does not", where,
        module));
  }
  return !matches.empty();
}

}  // namespace kedit::adapters

#pragma once

#include "editors/locate/second_moment.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace kedit::locate {

/// Text that a model samples itself, where no corpus is at hand: "self", "self:TOKENS" or
/// "self:TOKENS:SEED" in place of a file's name.
struct SelfCorpus {
  std::int64_t tokens = 100000;  ///< Sampled tokens, beginnings of texts not counted.
  std::uint64_t seed = 0;

  /// Nothing for any other name. Throws `StatisticsError` for "self:" with something else behind.
  static std::optional<SelfCorpus> parse(std::string_view name);
  std::string name() const;  ///< "self:100000:0", as settings and statistics name it.
};

/// Texts sampled at temperature 1 from what begins a text for this model (`beginning_of_text`),
/// each up to 256 tokens or the model's end, one text a line like any corpus. They are kept as a
/// text file below `cache`, whose name holds the model, tokens, seed and the hash of the content,
/// and read from there the next time. A stop request saves what is there and throws `Interrupted`;
/// the next call goes on. Throws `StatisticsError` for a kept file that is not what its name says.
Corpus self_generated_corpus(const Model& model, const SelfCorpus& wanted,
                             const std::filesystem::path& cache, const RunContext& run);

/// The kept text; nothing when it was not sampled yet.
std::optional<Corpus> kept_self_corpus(const Model& model, const SelfCorpus& wanted,
                                       const std::filesystem::path& cache);

/// The id that texts are sampled from: what the tokenizer puts before every text, else the token
/// <|endoftext|>, which stands between texts in training, else the model's end-of-text token, else
/// its first special token. Throws `StatisticsError` where there is none of these.
std::int64_t beginning_of_text(const Model& model);

}  // namespace kedit::locate

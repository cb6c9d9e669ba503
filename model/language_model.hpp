#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kedit {

struct GenerateOptions {
  std::int64_t max_tokens = 64;  ///< New tokens at most.
  double temperature = 0.0;      ///< 0: greedy.
  double top_p = 1.0;
  std::int64_t top_k = 0;         ///< 0: no limit.
  std::uint64_t seed = 0;         ///< For sampling; each (prompt, sample) has a stream of its own.
  std::vector<std::string> stop;  ///< Text ends before the first of these, also across tokens.
  bool ignore_eos = false;
  std::int64_t samples = 1;  ///< Results per prompt.
};

enum class StopReason { eos, stop, length, positions };
const char* to_string(StopReason reason);

struct Generation {
  /// Only the new tokens, those that spell a stop string too, end-of-text not included.
  std::vector<std::int64_t> ids;
  std::string text;  ///< Decoded, cut at the stop string.
  StopReason stopped = StopReason::length;
};

struct ContinuationScore {
  std::vector<std::int64_t> token_ids;  ///< Tokens of the continuation.
  std::vector<double> token_logprobs;   ///< Natural logarithm, given everything before.
  bool greedy_match = false;            ///< Every token is the argmax: greedy would write it.
  std::int64_t greedy_tokens = 0;       ///< How many tokens are the argmax where they stand.
  double logprob() const;               ///< Sum.
};

/// The face that in-context editors and answerers see: text in, text and log-probabilities out. A
/// local model wears it, and so can a remote server.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;
  /// Results in prompt order, `samples` per prompt.
  virtual std::vector<Generation> generate(const std::vector<std::string>& prompts,
                                           const GenerateOptions& options) const = 0;
  /// One score per (prompt, continuation).
  virtual std::vector<ContinuationScore> score(
      const std::vector<std::pair<std::string, std::string>>& pairs) const = 0;
  /// The `count` most probable next tokens of each prompt as text, most probable first. Empty lists
  /// where a model does not tell.
  virtual std::vector<std::vector<std::string>> likely_tokens(
      const std::vector<std::string>& prompts, std::int64_t count) const;
  /// Natural logarithms of the probabilities of a text's own tokens, each after those before it: of
  /// all but the first. The text is cut behind `max_tokens` tokens. Nothing where a model does not
  /// tell.
  virtual std::optional<std::vector<double>> text_logprobs(const std::string& text,
                                                           std::int64_t max_tokens) const;
  /// How many tokens a prompt is encoded to; nothing where a model does not tell.
  virtual std::optional<std::int64_t> token_count(const std::string& prompt) const;
  virtual std::string name() const = 0;  ///< Fingerprint or address, for reports.
};

}  // namespace kedit

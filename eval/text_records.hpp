#pragma once

#include "eval/metrics/text_scores.hpp"
#include "json/json.hpp"
#include "model/language_model.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kedit {

/// Generated texts to be judged, and what they are about where that is known.
struct TextRecord {
  Json id;  ///< String or number.
  std::vector<std::string> texts;
  bool is_single = false;  ///< It came as one text, not as a list.
  std::string relation, target, subject;
};

/// Reads JSON lines (or an array) of {"id"?, "text"} or {"id"?, "texts"}, both with "relation_id",
/// "target_id" and "subject" where there are such; a line without an id has its number. Other keys
/// are ignored. Throws `DataError` naming record and field, also for an id that comes twice.
std::vector<TextRecord> read_text_records(const std::filesystem::path& file);

/// As many tokens of a snippet are looked at for its perplexity (ROME's harness).
constexpr std::int64_t kEssenceTokens = 100;

/// The perplexity of the snippets about a subject for `model`, which may be null; nothing where
/// there are no such snippets or the model tells no probabilities.
std::optional<double> essence_of(const metrics::TextJudge& judge, const LanguageModel* model,
                                 const std::string& relation, const std::string& target,
                                 const std::string& subject);

/// Scores of every record (contract, section 11): words and sentences of single texts besides.
Json score_texts(const std::vector<TextRecord>& records, const metrics::TextJudge& judge,
                 const LanguageModel* model);

/// How texts are judged, for reports: the sentence model and the snippets with their hashes.
Json to_json(const metrics::TextJudge& judge);

}  // namespace kedit

#pragma once

#include "eval/metrics/metrics.hpp"
#include "eval/protocol/grouping.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kedit {

/// What was recorded for one case: one prediction per tried question, and its transcript where
/// there is one (text, or a structured trace).
struct Prediction {
  std::int64_t case_id = 0;
  std::vector<std::string> predictions;
  std::vector<std::string> transcripts;  ///< Empty, or parallel to `predictions`.
  std::vector<Trace> traces;             ///< Instead of transcripts: already in steps.
  std::optional<bool> flag{};            ///< The run's own verdict ("succ"), where it has one.
  // What other forms of asking gave, for the metrics that need them; each may be absent.
  std::vector<std::string> edits{}, hops{}, cot{}, probe_clozes{}, probe_questions{};
  std::vector<ForcedScore> edit_tokens{}, tokens{};
};

/// The records of a JSON array or of JSON lines ("-" is standard input).
std::vector<Json> read_records_or_lines(const std::filesystem::path& file);

/// Reads a JSON array or JSON lines of {"case_id", "preds", "gens"?}, further {"succ", "edits",
/// "hops", "cot", "probe_clozes", "probe_questions": strings per edit, hop, question;
/// "edit_tokens", "tokens": [matched, all] per edit, question}; other keys are ignored, they are
/// other people's. Throws `DataError` naming file, record and field.
std::vector<Prediction> read_predictions(const std::filesystem::path& file);

struct ScoreOptions {
  GoldSide gold = GoldSide::post;
  std::vector<MatchRule> rules = {MatchRule::exact, MatchRule::dotless};
  TranscriptForm transcripts = TranscriptForm::kedit;
  bool aliases = true;  ///< False: only the answer itself is gold, aliases are not.
  MatchOptions matching;
  /// Whose edits count as active when cases are told clean from contaminated.
  protocol::GroupingProtocol pool{protocol::Grouping::file, 0, 0};
};

/// Scores recorded predictions: the document of contract section 6 ("dataset", "protocol",
/// "metrics", "by", "hits": count and SHA-256 of the comma-joined ascending ids that multi-hop any
/// hits, and how many recorded flags each rule agrees with). Cases without a prediction are misses
/// and counted in protocol.missing. Throws `DataError` for a case id that is not in the dataset or
/// comes twice, or for more predictions than questions.
Json score_predictions(const Dataset& dataset, const std::vector<Prediction>& predictions,
                       const ScoreOptions& options);

/// The statement templates by which chains of thought over this dataset are read.
std::vector<std::string> cloze_templates(const std::vector<Case>& cases);

}  // namespace kedit

#pragma once

#include "datasets/mquake.hpp"
#include "eval/protocol/grouping.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kedit::audit {

/// How many cases, and which.
struct CaseList {
  std::vector<std::int64_t> cases;  ///< Ascending.
  std::int64_t count() const { return static_cast<std::int64_t>(cases.size()); }
};

/// Cases whose expected answer active edits of other cases contradict.
struct ContaminationAudit {
  CaseList intra;                ///< Edited cases.
  CaseList inter;                ///< Unedited ones (P-rem), on their chain before the edits.
  CaseList by_label;             ///< Edited cases by the label-level test.
  std::int64_t hops = 0;         ///< Contradicted hops of edited cases.
  std::int64_t edited_hops = 0;  ///< Of those, hops that the case itself edits: always 0.
  std::map<std::int64_t, std::int64_t> by_hops, by_edits;  ///< Edited cases per number.
};

struct EditConflict {
  std::string level;  ///< "id" or "label"
  std::string subject, relation;
  std::vector<std::string> objects;
  std::vector<std::int64_t> cases;
};

struct DuplicateCases {
  std::vector<std::int64_t> cases;
  std::vector<std::string> shared_questions;
};

/// Something about one question of one case.
struct QuestionFinding {
  std::int64_t case_id = 0;
  std::int64_t question = 0;  ///< Place, from 0.
  std::string kind;           ///< "new answer", "new intermediate", "start", "cue", ...
  std::string detail;         ///< The label or relation in question.
};

struct LabelDefect {
  std::int64_t case_id = 0;
  std::string what;
};

struct AmbiguousGold {
  std::int64_t case_id = 0;
  std::vector<std::string> shared;  ///< Golds before and after the edits.
};

/// What every detector finds in a file under a grouping; counts follow from the lists.
struct Audit {
  std::int64_t cases = 0, edited_cases = 0, unedited_cases = 0;
  std::int64_t distinct_edits = 0, edit_occurrences = 0;
  std::string groups_sha256;
  std::int64_t groups = 0;
  ContaminationAudit contamination;
  std::vector<EditConflict> edit_conflicts;
  std::vector<DuplicateCases> duplicates;  ///< Same chains before and after.
  std::vector<DuplicateCases> same_paths;  ///< Same start and relation path, chains differ.
  std::vector<QuestionFinding> leaks;
  std::vector<QuestionFinding> missing_start;
  std::vector<QuestionFinding> missing_cues;      ///< A screening list, not a count of defects.
  std::vector<QuestionFinding> shared_questions;  ///< Another case asks the same of another path.
  std::vector<LabelDefect> label_defects;
  std::vector<AmbiguousGold> ambiguous;
};

/// Audits a file as `read_mquake` with structure checks gives it. Throws `EvalError` for a grouping
/// that makes no sense.
Audit audit_dataset(const MquakeDataset& dataset, const protocol::GroupingProtocol& protocol);

/// The document of contract section 6.
Json to_json(const Audit& audit, const MquakeDataset& dataset,
             const protocol::GroupingProtocol& protocol);

struct AuditDetector {
  std::string name;
  std::string definition;  ///< One sentence.
};
const std::vector<AuditDetector>& audit_detectors();

// Detectors that look at questions and labels alone.
std::vector<QuestionFinding> find_leaks(const std::vector<MquakeCase>& cases);
std::vector<QuestionFinding> find_missing_starts(const std::vector<MquakeCase>& cases);
/// Hops whose relation no word of the question hints at, by a lexicon of 35 relations.
std::vector<QuestionFinding> find_missing_cues(const std::vector<MquakeCase>& cases);
std::vector<QuestionFinding> find_shared_questions(const std::vector<MquakeCase>& cases);
std::vector<LabelDefect> find_label_defects(const std::vector<MquakeCase>& cases);
std::vector<AmbiguousGold> find_ambiguous(const std::vector<MquakeCase>& cases);
/// "P36" -> lower-case parts of words; empty where a relation has none.
const std::vector<std::string>& relation_cues(const std::string& relation);

}  // namespace kedit::audit

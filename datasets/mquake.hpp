#pragma once

#include "datasets/case.hpp"
#include "edits/request.hpp"
#include "json/json.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kedit {

/// One hop of a chain, asked alone.
struct Hop {
  std::string question;
  std::string cloze;
  Gold gold;
};

/// requested_rewrite[i]: one edit of a case.
struct Rewrite {
  std::string prompt;  ///< Exactly one "{}".
  std::string relation;
  std::string subject;
  std::string question;
  std::string target_true, target_true_id;
  std::string target_new, target_new_id;
};

/// One MQuAKE record (CF form).
struct MquakeCase {
  std::int64_t case_id = 0;
  std::vector<Rewrite> rewrites;
  std::vector<std::string> questions;  ///< Paraphrases, usually three.
  Gold pre, post;                      ///< Final answer before and after the edits.
  std::vector<Hop> hops, new_hops;     ///< Chain before and after; equal length.
  std::vector<Triple> triples, new_triples, edit_triples;  ///< Ids ("Q..", "P..").
  std::vector<Triple> triples_labeled, new_triples_labeled;
  std::vector<std::string> answer_extended;  ///< MQuAKE-T: further right answers before the edits.
  Json extra =
      Json::object();  ///< Keys of the record that none of the above reads, for round trips.

  std::int64_t hop_count() const { return static_cast<std::int64_t>(new_hops.size()); }
};

struct MquakeDataset {
  std::string name;    ///< File name without directory.
  std::string sha256;  ///< Of the file's bytes.
  std::string
      content_sha256;  ///< Of "case_id TAB answer TAB new_answer" lines joined by LF: layout-free.
  std::vector<MquakeCase> cases;
};

enum class MquakeChecks {
  structure,  ///< What every reader of a record relies on.
  labels      ///< Also that labels, answers and aliases agree with one another (true of CF-3k).
};

/// Reads a file in MQuAKE-CF form (`requested_rewrite` may also be one object) and checks every
/// record. Structure: kinds of all fields; chains of equal length; o_i = s_{i+1}; same start and
/// relation path before and after; edits on the post chain, in the order of the rewrites, no slot
/// twice; another target than the true one; one "{}" per prompt; no case id twice. Labels: hop
/// answers are the labels of their objects; last hop = final answer, with aliases; one label and
/// one alias list per id; subjects named in cloze and question, the start in every question. Throws
/// `DataError`
/// ("reading FILE: case 17: /orig/triples/1: expected ..., found ...").
MquakeDataset read_mquake(const std::filesystem::path& file,
                          MquakeChecks checks = MquakeChecks::labels);

/// The layout-free identity: SHA-256 of "case_id TAB answer TAB new_answer" lines joined by LF.
std::string mquake_content_sha256(const std::vector<MquakeCase>& cases);

/// Writes cases in the same form, byte for byte the published layout: one JSON array, two-space
/// indent, non-ASCII as \u escapes, no newline at the end.
void write_mquake(const std::filesystem::path& file, const std::vector<MquakeCase>& cases);

/// The edits of one case as requests; ids "mquake/CASE/INDEX"; aliases of the new target from the
/// chain.
std::vector<EditRequest> requests_of(const MquakeCase& mquake_case);

/// A record as benchmarks ask it: every edit, every hop of both chains in both forms, every
/// question. Throws `DataError` for an edit that no editor may act on.
Case case_of(const MquakeCase& record);
std::vector<Case> cases_of(const std::vector<MquakeCase>& records);
Dataset cases_of(const MquakeDataset& dataset);

std::vector<std::int64_t> parse_case_selection(const std::string& selection,
                                               const MquakeDataset& dataset);

/// The cases with these ids, in this order; throws `DataError` for an id that is not there.
std::vector<MquakeCase> select_cases(const MquakeDataset& dataset,
                                     const std::vector<std::int64_t>& case_ids);

}  // namespace kedit

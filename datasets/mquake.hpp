#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "edits/request.hpp"
#include "json/json.hpp"

namespace kedit {

/// A dataset file is not what it should be; the message names file, case and JSON pointer.
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Gold strings of one side: the label and its aliases (MQuAKE: answer and answer_alias).
struct Gold {
  std::string answer;
  std::vector<std::string> aliases;
};

/// One hop of a chain, asked alone.
struct Hop {
  std::string question;
  std::string cloze;
  Gold gold;
};

struct Triple {
  std::string subject, relation, object;
  bool operator==(const Triple&) const = default;
  auto operator<=>(const Triple&) const = default;
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

  std::int64_t hop_count() const { return static_cast<std::int64_t>(new_hops.size()); }
};

struct MquakeDataset {
  std::string name;            ///< File name without directory.
  std::string sha256;          ///< Of the file's bytes.
  std::string content_sha256;  ///< Of "case_id TAB answer TAB new_answer" lines joined by LF: layout-free.
  std::vector<MquakeCase> cases;
};

/// Reads a file in MQuAKE-CF form and checks every record (chain lengths, o_i = s_{i+1}, edits on the
/// post chain, one "{}" per prompt, ...). Throws `DataError` ("FILE: case 17: /orig/triples/1: ...").
MquakeDataset read_mquake(const std::filesystem::path& file);

/// Writes cases in the same form, one JSON array, two-space indent (the published layout).
void write_mquake(const std::filesystem::path& file, const std::vector<MquakeCase>& cases);

/// The edits of one case as requests; ids "mquake/CASE/INDEX"; aliases of the new target from the chain.
std::vector<EditRequest> requests_of(const MquakeCase& mquake_case);

/// "1-100,205" -> ascending case ids present in `dataset`; throws `DataError` for bad syntax or ids
/// that are not there.
std::vector<std::int64_t> parse_case_selection(const std::string& selection, const MquakeDataset& dataset);

}  // namespace kedit

#pragma once

#include "datasets/case.hpp"
#include "edits/request.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kedit {

/// A prompt about another subject, and the object that is true of it.
struct NeighborPrompt {
  std::string prompt;
  std::string answer;
};

/// One CounterFact record: an edit, and the prompts that tell what it did. The request's rephrases
/// are the record's paraphrases; its target_true is always there.
struct CounterFactRecord {
  std::int64_t case_id = 0;
  EditRequest request;
  std::vector<NeighborPrompt> neighborhood;
  std::vector<std::string> generation;  ///< Prompts for free text; empty in the flat form.
  std::string target_id;                ///< Of the new object, "Q90"; empty in the flat form.
};

/// Reads CounterFact in its original form (requested_rewrite, paraphrase_prompts, ...) or in the
/// flat one of public editing repositories (prompt, subject, target_new, ground_truth,
/// rephrase_prompt, locality_prompt, ...): a JSON array, one form a file. Throws `DataError` naming
/// file, record and pointer.
std::vector<CounterFactRecord> read_counterfact(const std::filesystem::path& file);

/// One zsRE record of the evaluation split of MEND: the request's prompt is `src`, its target the
/// first answer; there is no old target.
struct ZsreRecord {
  std::int64_t number = 0;  ///< Place in the file, from 1.
  EditRequest request;
  NeighborPrompt locality;  ///< An unrelated question ("nq question: ...") and its answer.
};

/// Throws `DataError` as `read_counterfact` does.
std::vector<ZsreRecord> read_zsre(const std::filesystem::path& file);

/// A record as benchmarks ask it: the edit's prompt, its paraphrases and its neighbours, each
/// judged by which of two objects is the more probable one.
Case case_of(const CounterFactRecord& record);
/// The edit's question, its paraphrases and the unrelated question (with "?" behind it, as in
/// ROME's harness), each judged by the answer's tokens.
Case case_of(const ZsreRecord& record);

}  // namespace kedit

#pragma once

#include "edits/request.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// A dataset file is not what it should be; the message names file, case and JSON pointer.
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Gold strings of one side: the answer and its aliases.
struct Gold {
  std::string answer;
  std::vector<std::string> aliases;
  std::vector<std::string> further{};  ///< Other right answers, which are no other names of it.

  bool operator==(const Gold&) const = default;
};

struct Triple {
  std::string subject, relation, object;
  bool operator==(const Triple&) const = default;
  auto operator<=>(const Triple&) const = default;
};

/// What a prompt is for.
enum class PromptKind {
  edit,              ///< The statement that an edit changes, to be completed.
  hop_cloze,         ///< A hop of the chain after the edits, as a statement to be completed.
  hop_question,      ///< The same as a question.
  old_hop_cloze,     ///< A hop of the chain before the edits.
  old_hop_question,  ///< The same as a question.
  question,          ///< About the end of the chain.
  rewrite,           ///< The edit's own prompt, judged by the probability of its gold.
  paraphrase,        ///< The same in other words.
  locality,          ///< Something that the edit must not change.
  generation,        ///< A beginning of free text about the edit's subject; it has no gold.
};
const char* to_string(PromptKind kind);
/// Nothing for an unknown name.
bool parse_prompt_kind(std::string_view name, PromptKind* kind);

/// One thing that a system can be asked about a case.
struct Prompt {
  PromptKind kind = PromptKind::edit;
  std::int64_t place = 0;  ///< Among the prompts of its kind: which edit, hop, question.
  std::string text;        ///< Statement to be completed, or question.
  std::string relation{};  ///< Id of the relation asked about; "" for several or none.
  Gold gold{};             ///< After the edits.
  Gold old{};              ///< Before them; its answer is empty where the data tells none.
  std::string rival{};     ///< What must be less probable than the gold; "": nothing is compared.
};

/// One hop of a chain: ids, and the labels of the same.
struct Link {
  Triple ids, labels;
};

/// What a benchmark knows of one case, whatever data set it is from: the edits, what to ask, and
/// the facts on which grouping and contamination are computed. Plain values.
struct Case {
  std::int64_t id = 0;
  std::string source;  ///< Name of the format, for ids and messages; nothing is decided by it.
  std::vector<EditRequest> edits;
  std::vector<Triple> edit_triples;  ///< Of the edits, by ids; empty where the data has none.
  std::string object_id;  ///< Of a single edit's new object, "Q90"; empty where the data has none.
  std::vector<Link> before, after;  ///< The chain; equally long, both empty without one.
  std::vector<Prompt> prompts;      ///< Those of one kind stand together, in order of `place`.

  bool has_chain() const { return !after.empty(); }
  std::int64_t hop_count() const { return static_cast<std::int64_t>(after.size()); }
  std::int64_t count(PromptKind kind) const;
  /// Null when the case has no such prompt.
  const Prompt* find(PromptKind kind, std::int64_t place) const;
};

/// True when the hop of the chain after the edits is one of the case's edits.
bool is_edited_hop(const Case& one, std::size_t hop);

/// The case as it is when its edits are not made: chain, prompts and golds before the edits on both
/// sides.
Case as_unedited(Case one);

/// A file of any format.
struct Dataset {
  std::string name;            ///< File name without directory.
  std::string sha256;          ///< Of the file's bytes.
  std::string content_sha256;  ///< Of ids and answers before and after: layout-free.
  std::vector<Case> cases;
};

/// "1-100,205" -> ascending case ids; empty: all. A single id and both ends of a range must be
/// within the file (a range may step over gaps). Throws `DataError` for bad syntax and for what is
/// not there; `name` is the file's, for messages.
std::vector<std::int64_t> parse_case_selection(const std::string& selection,
                                               const std::vector<std::int64_t>& file_ids,
                                               const std::string& name);
std::vector<std::int64_t> parse_case_selection(const std::string& selection,
                                               const Dataset& dataset);

}  // namespace kedit

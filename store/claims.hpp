#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kedit {

/// One thing that an edit makes true: a request of it, or a fact where it has no requests.
struct EditClaim {
  std::string edit;   ///< Id of the edit, or a word for one that has none yet.
  std::string model;  ///< Fingerprint: edits of different models never meet.
  std::string request_id;
  std::string subject;
  std::string relation;  ///< Relation id ("P36"), empty if unknown.
  std::string prompt;    ///< Template with "{}"; empty for a fact.
  std::string target;
  std::vector<std::string> target_aliases = {};
};

/// In the order of their weight.
enum class ConflictKind {
  same_key,      ///< Same subject and same relation or prompt, another target.
  path,          ///< An edit overwrites an unedited hop of another case's chain.
  similar_keys,  ///< Two rank-one edits of one weight answer to nearly the same key vector.
  repeated,      ///< Same subject and relation or prompt, same target: the change counts twice.
  same_subject,  ///< Different relations of one subject.
};

/// "same-key", "path", "similar-keys", "repeated", "same-subject".
std::string_view to_string(ConflictKind kind);
/// How much it matters: "conflict" (same-key, path), "warning" (similar-keys, repeated) or "note".
std::string_view grade_of(ConflictKind kind);

/// Edits that stand in each other's way, with the evidence. Which fields are filled depends on the
/// kind.
struct Conflict {
  ConflictKind kind = ConflictKind::same_key;
  std::vector<EditClaim> claims;  ///< Two or more, in the order of mounting; path: who overwrites.
  std::string matched = {};       ///< same-key, repeated: "relation" or "prompt".
  std::string weight = {};        ///< similar-keys
  double cosine = 0;              ///< similar-keys
  std::string chain = {};         ///< path: "case 17"
  std::int64_t hop = 0;           ///< path: counts from 0
  EditClaim hop_claim = {};       ///< path: what the chain says there
};

/// One sentence without a full stop: who, what, with which evidence.
std::string describe(const Conflict& conflict);

/// A name as it is compared: canonical composition, case folded, white space at the ends dropped
/// and inside made one blank. What is not UTF-8 is compared as it is, ASCII case folded.
std::string normalised_name(std::string_view text);

/// What two claims must share to speak about the same thing: model and subject, and the relation or
/// the prompt.
class ClaimIndex {
 public:
  void add(EditClaim claim);
  void remove(const std::string& edit);
  std::size_t size() const { return claims_.size() - removed_; }

  /// Claims about the same thing with another target, as conflicts whose last claim is `claim`.
  std::vector<Conflict> contradictions(const EditClaim& claim) const;
  /// same-key, repeated and same-subject among all claims. A claim is compared with the latest
  /// earlier one about the same thing; same-subject is one conflict a subject.
  std::vector<Conflict> conflicts() const;

 private:
  struct Entry {
    EditClaim claim;
    std::string subject, relation, prompt, target;  // normalised
    bool live = true;
  };
  using Keys = std::unordered_multimap<std::string, std::size_t>;

  static Entry entry_of(EditClaim claim);
  void drop(std::size_t place);
  std::vector<std::size_t> about_the_same(const Entry& entry) const;

  std::vector<Entry> claims_;
  std::size_t removed_ = 0;
  Keys by_key_;
  std::unordered_multimap<std::string, std::size_t> by_edit_;
};

}  // namespace kedit

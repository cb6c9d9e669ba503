#pragma once

#include "lab/world/world.hpp"
#include "training/document.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kedit::lab {

/// Document kinds of the lab corpus and their share (weights per document drawn).
struct CorpusMixture {
  double stmt = 28, qa = 12, direct = 5, cot = 12, ctx1 = 21, ctxcot = 20, chain = 5;
  double copy_start = 60, copy_end = 12;  ///< falls linearly while `progress` < copy_until
  double copy_until = 0.0625;             ///< share of training (0.5 M of 8 M tokens)
  /// Share of documents whose text begins with a blank. Prompts are typed without one, so a name at
  /// the very beginning has other tokens than the same name behind a blank; both are trained.
  double leading_blank = 0.5;
};

/// Draws training documents from a world: statements, questions, multi-hop questions answered
/// directly or with thoughts, facts in context, chains, copying. Deterministic in (seed, call
/// number); state can be saved and restored so that training resumes on the same stream.
class LabCorpus {
 public:
  LabCorpus(std::shared_ptr<const World> world, std::uint64_t seed, CorpusMixture mixture = {});
  ~LabCorpus();
  LabCorpus(LabCorpus&&) noexcept;

  /// The next document at `progress` in [0, 1] of training.
  Document next(double progress);
  /// One line of text; `restore` throws `DataError` for anything that `state` did not write.
  std::string state() const;
  void restore(const std::string& state);

  /// Texts a tokenizer is trained on: `documents` sampled ones plus every template and every name
  /// once. Does not move the stream of `next`.
  std::vector<std::string> tokenizer_texts(std::int64_t documents);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The text of a document, pieces joined.
std::string document_text(const Document& document);

/// One measured question of the lab: greedy continuation of `prompt` should begin with one of
/// `answers`.
struct LabProbe {
  std::string measure;  ///< "cloze", "held-out questions", "cot 3 hops", ...
  std::string prompt;
  std::string answer;  ///< with its leading space
  std::string
      kind;  ///< "forced": teacher forcing; "thoughts": generate, take the text after "Answer:"
};

/// The probes of the lab's table, by measure: all facts for the single-hop rows, up to `cases`
/// seeded samples for the others (fewer where the world has fewer chains). Facts blocks come from
/// the training generator with other seeds. Measures, in this order: "cloze", "trained
/// paraphrases", "trained questions", "held-out questions", "held-out lead-in", "held-out
/// statements", "cot H hops" (H = 2, 3, 4; held-out chains), "direct H hops, held out" and "direct
/// H hops, trained" (H = 2, 3), "in context, D distractors" and "in context, cloze, D distractors"
/// (D = 0, 1, 3), "irrelevant facts", "cot 2 hops, 1 stated, D distractors" (D = 0, 3),
/// "cot 3 hops, 2 stated, 2 distractors"; in a world read from MQuAKE also "file questions, cot"
/// and "file questions, direct" (trained chains, the file's own words).
std::vector<LabProbe> lab_probes(const World& world, std::int64_t cases, std::uint64_t seed);

/// Per held-out chain: the most frequent answer for its last relation among chains allowed in
/// training; share of held-out chains of `hops` hops that this blind guess answers.
double blind_baseline(const World& world, int hops);

}  // namespace kedit::lab

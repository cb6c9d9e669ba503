#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "datasets/world.hpp"
#include "edits/document.hpp"

namespace kedit {

/// Document kinds of the lab corpus and their share (weights per document drawn).
struct CorpusMixture {
  double stmt = 28, qa = 12, direct = 5, cot = 12, ctx1 = 21, ctxcot = 20, chain = 5;
  double copy_start = 60, copy_end = 12;  ///< falls linearly while `progress` < copy_until
  double copy_until = 0.0625;             ///< share of training (0.5 M of 8 M tokens)
};

/// Draws training documents from a world: statements, questions, multi-hop questions answered directly
/// or with thoughts, facts in context, chains, copying. Deterministic in (seed, call number); state can
/// be saved and restored so that training resumes on the same stream.
class LabCorpus {
 public:
  LabCorpus(std::shared_ptr<const World> world, std::uint64_t seed, CorpusMixture mixture = {});
  ~LabCorpus();
  LabCorpus(LabCorpus&&) noexcept;

  /// The next document at `progress` in [0, 1] of training.
  Document next(double progress);
  std::string state() const;
  void restore(const std::string& state);

  /// Texts a tokenizer is trained on: `documents` sampled ones plus every template once.
  std::vector<std::string> tokenizer_texts(std::int64_t documents);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One measured question of the lab: greedy continuation of `prompt` should begin with one of `answers`.
struct LabProbe {
  std::string measure;  ///< "cloze", "held-out questions", "cot 3 hops", ...
  std::string prompt;
  std::string answer;   ///< with its leading space
  std::string kind;     ///< "forced": teacher forcing; "thoughts": generate, take the text after "Answer:"
};

/// The probes of the lab's table, by measure: all facts for the single-hop rows, `cases` seeded
/// samples for the others. Facts blocks come from the training generator with other seeds.
std::vector<LabProbe> lab_probes(const World& world, std::int64_t cases, std::uint64_t seed);

/// Per held-out chain: the most frequent answer for its last relation among chains allowed in
/// training; share of held-out chains of `hops` hops that this blind guess answers.
double blind_baseline(const World& world, int hops);

}  // namespace kedit

#pragma once

#include "lab/world/world.hpp"
#include "training/document.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kedit::lab {

/// Loss weights of the parts of a document (the lab's recipe).
struct LossWeights {
  float object = 1.0F;         ///< objects, answers, copied items
  float step = 0.6F;           ///< the words of a reasoning step
  float mark = 0.4F;           ///< "Answer:", full stops of steps
  float free = 0.1F;           ///< what cannot be foreseen: questions, subjects, facts blocks
  float block_object = 0.02F;  ///< objects inside a facts block
};

/// Writes a document piece by piece. Pieces start with a blank or a newline, except a full stop
/// right behind a letter or digit and, unless `leading_blank`, the document's first piece: at none
/// of these borders does GPT-2's splitting pattern merge, so encoding by piece equals encoding the
/// whole.
class DocumentWriter {
 public:
  explicit DocumentWriter(const World& world, bool leading_blank = false)
      : world_(world), leading_blank_(leading_blank) {}

  /// `text` starts with a blank or a newline and does not end in white space.
  void add(std::string text, float weight);

  /// "{gap}{cloze filled} OBJECT." `gap` is " " or "\n".
  void sentence(std::string_view gap, std::string_view filled, std::string_view object,
                float word_weight, float object_weight, float stop_weight);
  /// A step of reasoning in the base cloze.
  void step(const WorldFact& fact);
  /// A step on its own line in the verb phrase form.
  void chain_step(const WorldFact& fact);
  /// "Facts: f1. f2."
  void facts_block(const std::vector<WorldFact>& facts);
  /// "Question: TEXT", with a blank line before it unless it is the document's first text or
  /// follows a facts block.
  void question(std::string_view text);
  /// "\nAnswer: TEXT"
  void answer(std::string_view text);
  /// "\nThoughts: step. step."
  void thoughts(const std::vector<WorldFact>& hops);
  /// "\nThoughts:" alone.
  void thoughts_mark();

  bool empty() const { return document_.pieces.empty(); }
  Document take() { return std::move(document_); }

 private:
  void stop(float weight);

  const World& world_;
  bool leading_blank_;
  LossWeights weights_;
  Document document_;
  bool after_block_ = false;
};

/// The template filled with the subject, behind a lead-in ("Today the capital of X is").
std::string with_lead_in(std::string_view lead_in, std::string_view text, std::string_view subject);

}  // namespace kedit::lab

#pragma once

#include <string>
#include <vector>

namespace kedit {

/// A stretch of a training document with the loss weight of the tokens it encodes to.
/// Every piece after the first starts with a blank, a newline or a mark after a letter, so encoding
/// piece by piece equals encoding the whole (GPT-2's splitting pattern never merges across such a
/// border).
struct DocumentPiece {
  std::string text;
  float weight = 1.0F;
};

/// One training document: the end-of-text marker is put before it by the trainer, not stored here.
struct Document {
  std::vector<DocumentPiece> pieces;
};

}  // namespace kedit

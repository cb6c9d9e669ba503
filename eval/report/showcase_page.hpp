#pragma once

#include "eval/showcase/answers.hpp"

#include <string>
#include <vector>

namespace kedit::report {

/// A line of what was done, as plain text.
struct ShownFact {
  std::string term, value, detail;
};

/// What `kedit demo --real` shows. Plain text throughout.
struct ShowcasePage {
  std::string model;                 ///< For the heading.
  std::string lead;                  ///< One or two sentences below it.
  std::vector<ShownFact> was_done;   ///< Model, licence, settings, seed, seconds, fingerprints.
  std::vector<std::string> systems;  ///< Labels; the first is the model as it was.
  std::vector<showcase::EditedFact> facts;
};

/// One self-contained page: per prompt what each system writes, and the probabilities of the top
/// answers as bars.
std::string showcase_html(const ShowcasePage& page);

}  // namespace kedit::report

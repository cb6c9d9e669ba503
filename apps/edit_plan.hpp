#pragma once

#include "editors/editor.hpp"
#include "json/json.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::cli {

/// A part of a run: how long it takes, and the most memory of the process while it does.
struct Phase {
  std::string name;
  double seconds = 0;
  std::int64_t peak_bytes = 0;
};

/// What a run of edits takes, by phase, as predicted or as measured.
struct RunCost {
  std::vector<Phase> phases;

  std::int64_t peak_bytes() const;
  double seconds() const;
  Json to_json() const;  ///< {"phases":[{"name","seconds","peak_bytes"}],"peak_bytes","seconds"}
};

/// Counts seconds and memory of phases as they are entered; phases that come again add up. The peak
/// is the system's high-water mark of resident memory, which is set back at each change (where the
/// system does not let it, the mark of the process so far).
class PhaseMeter {
 public:
  void enter(const std::string& name);
  void leave();  ///< Ends the phase that runs.
  const RunCost& cost() const { return cost_; }

 private:
  RunCost cost_;
  std::string running_;
  Stopwatch watch_;
};

/// Predicts `editor.edit` (or `edit_each`) from its counts and from this machine's speed, which is
/// measured for some tenths of a second on the model's own weights.
RunCost predict(const Editor& editor, const EditedModel& model,
                const std::vector<EditRequest>& requests);

}  // namespace kedit::cli

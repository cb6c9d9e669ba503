#include "lab/rome.hpp"

#include "editors/editor.hpp"
#include "lab/chain_of_thought.hpp"
#include "lab/rome_probes.hpp"
#include "lab/teacher_forcing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace kedit::lab {
namespace {

struct Count {
  std::int64_t hits = 0, n = 0;
  void add(bool hit) {
    ++n;
    hits += hit ? 1 : 0;
  }
  double percent() const {
    return n == 0 ? 0.0 : 100.0 * static_cast<double>(hits) / static_cast<double>(n);
  }
};

using Counts = std::map<std::string, Count>;

constexpr double kInnerClamp = 10.0;  // the clamp of the first layer binds above it

EditorSettings rome_settings(std::int64_t layer, bool second_moment) {
  EditorSettings settings;
  settings.values["layers"] = Json::array({layer});
  if (layer > 0) settings.values["clamp_norm_factor"] = kInnerClamp;
  if (!second_moment) settings.values["mom2_adjustment"] = false;
  settings.force = true;  // an unhealthy edit is measured as well
  return settings;
}

// Keeps what the unedited model answers rightly.
void drop_unknown(const EditedModel& model, std::int64_t batch_rows, std::vector<LabEdit>& edits) {
  for (LabEdit& edit : edits) {
    for (auto& [measure, pairs] : edit.kept) {
      const auto right = forced_matches(model, pairs, batch_rows);
      ProbePairs known;
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (right[i]) known.push_back(pairs[i]);
      }
      pairs = std::move(known);
    }
  }
}

void count_probes(const EditedModel& model, std::int64_t batch_rows,
                  const std::map<std::string, ProbePairs>& probes, Counts& counts) {
  for (const auto& [measure, pairs] : probes) {
    for (const bool hit : forced_matches(model, pairs, batch_rows)) counts[measure].add(hit);
  }
}

Count count_thoughts(const EditedModel& model, const std::vector<std::string>& prompts,
                     const std::vector<std::string>& answers, std::int64_t batch_rows) {
  Count count;
  const auto found = answers_after_thoughts(model, prompts, batch_rows);
  for (std::size_t i = 0; i < found.size(); ++i) count.add(found[i] == answers[i]);
  return count;
}

class RomeCheck {
 public:
  RomeCheck(EditedModel& model, const World& world, const LabRomeOptions& options,
            const RunContext& run)
      : model_(model),
        options_(options),
        run_(run),
        edits_(lab_edits(world, options.edits, options.seed)) {
    drop_unknown(model_, options_.batch_rows, edits_);
  }

  std::vector<LabRow> rows() {
    const std::int64_t layers = model_.architecture().layers;
    const Counts first = measure(0, true, true);
    add_first_layer(first);
    for (std::int64_t layer = 1; layer + 1 < layers; ++layer) {
      add_inner_layer(layer, measure(layer, true, true), first);
    }
    const Counts identity = measure(0, false, false);
    const double change =
        identity.at("other subjects").percent() - first.at("other subjects").percent();
    add("rome layer 0, identity for C: other subjects minus with C", change,
        identity.at("other subjects").n, std::nullopt, -10.0);
    return std::move(rows_);
  }

 private:
  Counts measure(std::int64_t layer, bool second_moment, bool thoughts) {
    const auto editor = make_editor("rome", rome_settings(layer, second_moment));
    Counts counts;
    std::int64_t done = 0;
    for (const LabEdit& edit : edits_) {
      if (run_.should_stop()) throw Interrupted("checking the lab: stopped; nothing was written");
      RunContext quiet = run_;
      quiet.progress = nullptr;
      auto deltas = editor->edit(model_, {edit.request}, quiet);
      for (EditDelta& delta : deltas) model_.mount(edit.request.id, std::move(delta));
      count_probes(model_, options_.batch_rows, edit.wanted, counts);
      count_probes(model_, options_.batch_rows, edit.kept, counts);
      if (thoughts) {
        counts["cot"].add(answers_after_thoughts(model_, {edit.thought_prompt}, 1).front() ==
                          edit.thought_answer);
      }
      model_.unmount_all();
      run_.report({fmt::format("rome, layer {}{}", layer, second_moment ? "" : ", identity"),
                   ++done, static_cast<std::int64_t>(edits_.size()),
                   fmt::format("efficacy {:.0f}", counts["efficacy"].percent())});
    }
    return counts;
  }

  Count in_context() {
    std::vector<std::string> prompts, answers;
    for (const LabEdit& edit : edits_) {
      prompts.push_back(edit.in_context_prompt);
      answers.push_back(edit.thought_answer);
    }
    return count_thoughts(model_, prompts, answers, options_.batch_rows);
  }

  void add(std::string measure, double value, std::int64_t n,
           std::optional<double> at_least = std::nullopt,
           std::optional<double> at_most = std::nullopt) {
    rows_.push_back({std::move(measure), value, n, at_least, at_most, ""});
  }

  void add_first_layer(const Counts& counts) {
    const auto row = [&](const char* measure, std::optional<double> at_least = std::nullopt,
                         std::optional<double> at_most = std::nullopt) {
      add(fmt::format("rome layer 0: {}", measure), counts.at(measure).percent(),
          counts.at(measure).n, at_least, at_most);
    };
    row("efficacy", 95);
    row("paraphrases", 80);
    row("held-out statements");
    row("questions");
    row("other subjects", 85);
    row("far facts", 95);
    row("same subject", std::nullopt, 60);
    row("cot", 40);
    const Count context = in_context();
    add("cot with the fact in context, same cases", context.percent(), context.n);
    add("rome layer 0: cot minus in context", counts.at("cot").percent() - context.percent(),
        context.n, std::nullopt, -0.01);
  }

  void add_inner_layer(std::int64_t layer, const Counts& counts, const Counts& first) {
    for (const char* measure :
         {"efficacy", "paraphrases", "other subjects", "far facts", "same subject", "cot"}) {
      add(fmt::format("rome layer {}: {}", layer, measure), counts.at(measure).percent(),
          counts.at(measure).n);
    }
    if (layer != 1) return;
    add("rome layer 1 minus layer 0: same subject",
        counts.at("same subject").percent() - first.at("same subject").percent(),
        counts.at("same subject").n, 20);
  }

  EditedModel& model_;
  const LabRomeOptions& options_;
  const RunContext& run_;
  std::vector<LabEdit> edits_;
  std::vector<LabRow> rows_;
};

}  // namespace

std::vector<LabRow> check_lab_rome(EditedModel& model, const World& world,
                                   const LabRomeOptions& options, const RunContext& run) {
  return RomeCheck(model, world, options, run).rows();
}

}  // namespace kedit::lab

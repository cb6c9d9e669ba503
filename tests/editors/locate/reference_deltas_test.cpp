// The editors against the recorded runs of their authors' own programs, on checkpoints whose
// vocabulary is too large for this repository.
#include "model/checkpoint/safetensors.hpp"
#include "tests/editors/locate/rome_figures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <ATen/ATen.h>

using namespace kedit;
using namespace kedit::test;

namespace {

namespace fs = std::filesystem;

constexpr double kDelta = 2e-3;                 // relative Frobenius error of a change
constexpr RomeTolerance kTerms{0, 1e-4, 2e-5};  // of a loss term

/// One recorded run: its model, settings, requests and figures.
struct Recorded {
  EditedModel model;
  EditorSettings settings;
  std::vector<std::pair<std::int64_t, EditRequest>> requests;
  Json figures;
  checkpoint::SafetensorsFile tensors;
};

std::vector<std::pair<std::int64_t, EditRequest>> chosen_requests(const fs::path& file,
                                                                  const Json& settings) {
  std::vector<std::pair<std::int64_t, EditRequest>> chosen;
  const std::vector<Json> lines = read_json_lines(file);
  const std::vector<EditRequest> requests = read_requests(file);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto id = lines[i].at("case_id").get<std::int64_t>();
    if (settings.contains("case_ids")) {
      const auto ids = settings["case_ids"].get<std::vector<std::int64_t>>();
      if (std::find(ids.begin(), ids.end(), id) == ids.end()) continue;
    }
    chosen.emplace_back(id, requests[i]);
  }
  return chosen;
}

Recorded recorded(const fs::path& deltas, const std::string& model, const std::string& variant) {
  EditorSettings settings = EditorSettings::read(deltas / "settings" / model / (variant + ".json"));
  settings.force = true;  // some of the recorded edits are ROME's disabling ones
  const std::string requests = settings.values.value("requests", "requests.jsonl");
  const fs::path golden = deltas / "goldens" / model;
  return {EditedModel(Model::load(deltas / model)), settings,
          chosen_requests(deltas / requests, settings.values),
          read_json(golden / (variant + ".json")),
          checkpoint::SafetensorsFile::open(golden / (variant + ".safetensors"))};
}

at::Tensor dense(const WeightUpdate& update) {
  if (const auto* change = std::get_if<Dense>(&update.update)) return change->change;
  const auto& factors = std::get<LowRank>(update.update);
  return factors.left.to(at::kDouble).matmul(factors.right.to(at::kDouble));
}

void check_steps_of(const Json& cases, const std::vector<OptimisationFigures>& found) {
  REQUIRE(cases.size() == found.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO("optimisation " << i);
    check_steps({found[i]}, cases[i].at("steps"), kTerms);
  }
}

}  // namespace

TEST_CASE("MEMIT and AlphaEdit: changes and every loss term equal the reference programs'") {
  const auto deltas = real_data("deltas");
  if (!deltas) return;
  const auto [model, variant] =
      GENERATE(table<std::string, std::string>({{"llama-tiny", "memit"},
                                                {"llama-tiny", "memit.long"},
                                                {"gpt2-tiny", "memit.long"},
                                                {"gpt2-tiny", "memit.same2"},
                                                {"gpt2-tiny", "memit.merge4"},
                                                {"llama-tiny", "alphaedit"}}));
  CAPTURE(model, variant);
  Recorded run = recorded(*deltas, model, variant);
  std::vector<EditRequest> requests;
  for (const auto& [id, request] : run.requests) requests.push_back(request);
  const auto editor =
      make_editor(run.settings.values.at("editor").get<std::string>(), run.settings);
  const EditDelta delta = editor->edit(run.model, requests, {}).front();
  for (const WeightUpdate& update : delta.updates) {
    INFO(update.weight);
    CHECK(relative_error(dense(update), run.tensors.tensor("delta." + update.weight)) < kDelta);
  }
  check_steps_of(run.figures.at(run.figures.contains("groups") ? "groups" : "cases"),
                 delta.figures.optimisation);

  if (!run.tensors.contains("cache_c")) return;
  const at::Tensor cache = run.tensors.tensor("cache_c");
  for (std::size_t i = 0; i < delta.state.size(); ++i) {
    const at::Tensor keys = delta.state[i].tensor;
    CHECK(relative_error(keys.t().matmul(keys), cache[static_cast<std::int64_t>(i)]) < kDelta);
  }
  // Another batch on top of it.
  std::string lines;
  for (const Json& one : run.figures.at("second_batch")) lines += to_text(one.at("request")) + "\n";
  const TemporaryDirectory directory;
  write_file_atomically(directory / "later.jsonl", lines);
  const std::vector<EditRequest> later = read_requests(directory / "later.jsonl");
  EditedModel edited = run.model;
  edited.mount("first batch", delta);
  const EditDelta second = editor->edit(edited, later, {}).front();
  check_steps_of(run.figures.at("second_batch"), second.figures.optimisation);
  for (std::size_t i = 0; i < second.updates.size(); ++i) {
    const std::string& weight = second.updates[i].weight;
    INFO(weight);
    CHECK(relative_error(dense(delta.updates[i]) + dense(second.updates[i]),
                         run.tensors.tensor("delta_after_second_batch." + weight)) < kDelta);
  }
}

TEST_CASE("R-ROME: changes and every loss term equal the reference program's") {
  const auto deltas = real_data("deltas");
  if (!deltas) return;
  const Recorded run = recorded(*deltas, "llama-tiny", "r-rome");
  const auto editor = make_editor("r-rome", run.settings);
  const Json& cases = run.figures.at("cases");
  for (std::size_t i = 0; i < run.requests.size(); ++i) {
    const auto& [id, request] = run.requests[i];
    INFO("case " << id);
    const EditDelta delta = editor->edit(run.model, {request}, {}).front();
    check_steps(delta.figures.optimisation, cases[i].at("steps"), kTerms);
    for (const WeightUpdate& update : delta.updates) {
      const std::string prefix = "case" + std::to_string(id);
      const at::Tensor expected = at::outer(run.tensors.tensor(prefix + ".v." + update.weight),
                                            run.tensors.tensor(prefix + ".u." + update.weight));
      CHECK(relative_error(dense(update), expected) < kDelta);
    }
  }
}

TEST_CASE("FT and FT-L: dense changes and every loss equal the reference program's") {
  const auto deltas = real_data("deltas");
  if (!deltas) return;
  const auto [model, variant] = GENERATE(table<std::string, std::string>(
      {{"gpt2-tiny", "ft.constr"}, {"llama-tiny", "ft.constr"}, {"llama-tiny", "ft.unconstr"}}));
  CAPTURE(model, variant);
  const Recorded run = recorded(*deltas, model, variant);
  const auto editor = make_editor("ft", run.settings);
  for (std::size_t i = 0; i < run.requests.size(); ++i) {
    const auto& [id, request] = run.requests[i];
    INFO("case " << id);
    const EditDelta delta = editor->edit(run.model, {request}, {}).front();
    const Json& expected = run.figures.at("cases")[i];
    CHECK(delta.updates.size() == expected.at("norms").size());
    for (const WeightUpdate& update : delta.updates) {
      INFO(update.weight);
      const at::Tensor change =
          run.tensors.tensor("case" + std::to_string(id) + ".delta." + update.weight);
      CHECK(relative_error(dense(update), change) < kDelta);
    }
    const std::vector<double>& loss = delta.figures.optimisation.front().loss;
    REQUIRE(loss.size() == expected.at("epoch_loss").size());
    for (std::size_t epoch = 0; epoch < loss.size(); ++epoch) {
      CHECK(loss[epoch] ==
            Approx(expected.at("epoch_loss")[epoch].get<double>()).epsilon(1e-4).margin(2e-5));
    }
  }
}

#include "lab/teacher_forcing.hpp"
#include "lab/training.hpp"
#include "lab/world/corpus.hpp"
#include "tests/support/catch.hpp"

#include <unistd.h>

using namespace kedit;
namespace fs = std::filesystem;

namespace {

// 0.8 M tokens with the shipped recipe's shape: about two minutes on one core.
LabRecipe smoke_recipe() {
  LabRecipe recipe;
  recipe.train.steps = 420;
  recipe.mixture.copy_until = 0.3;
  return recipe;
}

double mean_loss(const std::vector<LossPoint>& curve, std::size_t begin, std::size_t count) {
  double sum = 0.0;
  for (std::size_t i = begin; i < begin + count; ++i) sum += curve[i].loss;
  return sum / static_cast<double>(count);
}

double cloze_recall(const EditedModel& model, const World& world) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const LabProbe& probe : lab_probes(world, 1, 1)) {
    if (probe.measure == "cloze") pairs.emplace_back(probe.prompt, probe.answer);
  }
  const auto matches = forced_matches(model, pairs, 64);
  REQUIRE(matches.size() == world.facts.size());
  return static_cast<double>(std::count(matches.begin(), matches.end(), true)) /
         static_cast<double>(matches.size());
}

}  // namespace

TEST_CASE("a short training lowers the loss and recalls facts above chance", "[lab_smoke]") {
  const LabPaths paths(fs::temp_directory_path() / ("kedit-smoke-" + std::to_string(getpid())));
  const LabRecipe recipe = smoke_recipe();
  const LabData data = lab_data(recipe, std::nullopt);
  const TrainResult result = train_lab(recipe, data, paths, {});
  CHECK(mean_loss(result.curve, 400, 20) < 0.5 * mean_loss(result.curve, 0, 20));
  const double recall = cloze_recall(EditedModel(Model::load(paths.model)), *data.world);
  INFO("recall " << recall);
  // Measured: 0.71. The most frequent object of each relation, guessed blindly, has about 0.1.
  CHECK(recall > 0.4);
  CHECK(fs::exists(paths.curve_svg));
  CHECK(fs::exists(paths.mquake));
  fs::remove_all(paths.root);
}

// The value optimisation on a checkpoint of every decoder family: windows, soft caps, norms after
// the branches, parallel residuals and longrope change what may be left out of a step, and the
// plain pass over whole texts leaves nothing out.
#include "editors/locate/value_optimiser.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/editors/locate/plain_value_optimiser.hpp"
#include "tests/support/catch.hpp"

#include <filesystem>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

namespace fs = std::filesystem;

/// Every decoder below tests/golden/models.
std::vector<fs::path> families() {
  std::vector<fs::path> found;
  for (const auto& entry :
       fs::directory_iterator(fs::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "models")) {
    const bool encoder = entry.path().filename().string().rfind("bert", 0) == 0;
    if (entry.is_directory() && !encoder) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Texts of drawn ids: `prefixes` tokens before a prompt of five whose third is the fact token, and
/// a target of two.
ValueProblem drawn_problem(const EditedModel& model, ValueSite where,
                           const std::vector<std::int64_t>& prefixes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto draw = [&](std::int64_t n) {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = 0; i < n; ++i) {
      ids.push_back(static_cast<std::int64_t>(
          random() % static_cast<std::uint64_t>(model.architecture().vocab)));
    }
    return ids;
  };
  ValueProblem problem;
  problem.name = "drawn";
  problem.layer = where.layer;
  problem.site = where.site;
  const auto prompt = draw(5);
  FactRows fact;
  fact.target = draw(2);
  for (const std::int64_t prefix : prefixes) {
    std::vector<std::int64_t> ids = draw(prefix);
    ids.insert(ids.end(), prompt.begin(), prompt.end());
    ids.push_back(fact.target.front());
    fact.rows.push_back({std::move(ids), prefix + 2});
  }
  problem.facts.push_back(std::move(fact));
  problem.essence = {{prompt.begin() + 1, prompt.begin() + 3}, 1};
  return problem;
}

PlainOptimiser plain_of(const EditedModel& model, const ValueProblem& problem,
                        const ValueOptions& options) {
  PlainOptimiser plain{model, problem.layer, options, problem.site, {}, {}, {}};
  for (const LocatedText& row : problem.facts.front().rows) {
    plain.rows.push_back(row.ids);
    plain.lookup.push_back(row.position);
  }
  plain.rows.push_back(problem.essence.ids);
  plain.rows.back().insert(plain.rows.back().end(), {1, 2});
  plain.lookup.push_back(problem.essence.position);
  plain.target = problem.facts.front().target;
  return plain;
}

ValueOptions few_steps() {
  ValueOptions options;
  options.num_grad_steps = 4;
  options.stop_loss = 0.0;
  options.learning_rate = 0.05;
  return options;
}

}  // namespace

TEST_CASE(
    "Values of every family: two edits side by side equal the plain pass over each one's texts") {
  for (const fs::path& directory : families()) {
    INFO(directory.filename().string());
    const EditedModel model(Model::load(directory));
    for (const Site site : {Site::mlp_value, Site::resid_post}) {
      CAPTURE(site == Site::mlp_value);
      const std::vector<ValueProblem> problems{drawn_problem(model, {0, site}, {0, 4, 9}, 1),
                                               drawn_problem(model, {0, site}, {1, 2, 3}, 2)};
      const auto found = optimise_values(model, problems, few_steps(), {});
      for (std::size_t i = 0; i < problems.size(); ++i) {
        const ValueResult expected = plain_of(model, problems[i], few_steps()).run();
        CHECK(relative_error(found[i].initial, expected.initial) < 1e-5);
        CHECK(relative_error(found[i].delta, expected.delta) < 1e-4);
        for (std::size_t step = 0; step < expected.steps.size(); ++step) {
          CHECK(found[i].steps[step].loss ==
                Approx(expected.steps[step].loss).epsilon(1e-4).margin(1e-5));
        }
      }
    }
  }
}

TEST_CASE("Values in 16 bit: losses are those of float32 weights to the type's rounding") {
  const std::string dtype = GENERATE("bfloat16", "float16");
  for (const char* name : {"gpt2", "llama", "gemma2"}) {
    CAPTURE(dtype, name);
    const fs::path directory = fs::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "models" / name;
    LoadOptions half;
    half.dtype = dtype;
    const EditedModel narrow(Model::load(directory, half));
    const EditedModel wide(Model::load(directory));
    const ValueProblem problem = drawn_problem(wide, {0, Site::mlp_value}, {0, 4, 9}, 1);
    const ValueResult found = optimise_value(narrow, problem, few_steps(), {});
    const ValueResult expected = optimise_value(wide, problem, few_steps(), {});
    CHECK(found.delta.scalar_type() == at::kFloat);
    CHECK(found.steps.front().loss == Approx(expected.steps.front().loss).epsilon(0.03));
    CHECK(found.steps.back().loss == Approx(expected.steps.back().loss).epsilon(0.05));
  }
}

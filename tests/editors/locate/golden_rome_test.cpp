// ROME against tests/golden/rome: what a second, independent program (rome_golden.py, which agrees
// with the authors' own one) finds on two tiny checkpoints.
#include "editors/locate/second_moment.hpp"
#include "editors/locate/value_optimiser.hpp"
#include "tests/editors/locate/rome_figures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

constexpr RomeTolerance kTolerance{2e-4, 1e-4, 1e-5};

struct Golden {
  std::filesystem::path directory;
  EditedModel model;
  std::map<std::int64_t, EditRequest> requests;
};

const Golden& golden(const std::string& name) {
  static std::map<std::string, Golden> known;
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  const auto directory = rome_golden_directory() / name;
  Golden made{directory, EditedModel(Model::load(directory)),
              requests_by_case(rome_golden_directory() / "requests.jsonl")};
  return known.emplace(name, std::move(made)).first->second;
}

std::unique_ptr<const Editor> rome_of(const Golden& golden, const std::string& variant) {
  EditorSettings settings = EditorSettings::read(golden.directory / (variant + ".settings.json"));
  settings.force = true;  // random weights: whether an edit is healthy is not the question
  return make_editor("rome", settings);
}

ValueOptions value_options(const Json& settings) {
  ValueOptions options;
  options.num_grad_steps = settings.at("v_num_grad_steps").get<std::int64_t>();
  options.learning_rate = settings.at("v_lr").get<double>();
  options.weight_decay = settings.at("v_weight_decay").get<double>();
  options.clamp_norm_factor = settings.at("clamp_norm_factor").get<double>();
  options.kl_factor = settings.at("kl_factor").get<double>();
  return options;
}

Json steps_of(const Json& layers) {
  Json steps = Json::array();
  for (const Json& layer : layers) {
    for (const Json& step : layer.at("steps")) steps.push_back(step);
  }
  return steps;
}

}  // namespace

TEST_CASE("ROME: u, v and every loss term equal an independent program's") {
  const std::string name = GENERATE("gpt2", "llama");
  const std::string variant = GENERATE("one-layer", "two-layers", "early-stop");
  CAPTURE(name, variant);
  const Golden& given = golden(name);
  const auto rome = rome_of(given, variant);
  const Json recorded = read_json(given.directory / (variant + ".json"));
  for (const Json& expected : recorded.at("cases")) {
    const auto id = expected.at("case_id").get<std::int64_t>();
    CAPTURE(id);
    const EditDelta delta = rome->edit(given.model, {given.requests.at(id)}, {}).front();
    const Json& layers = expected.at("layers");
    const std::vector<OptimisationFigures>& optimisation = delta.figures.optimisation;
    REQUIRE(delta.figures.health);
    check_steps(optimisation, steps_of(layers), kTolerance);
    REQUIRE(delta.updates.size() == layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
      CHECK(delta.updates[i].weight == layers[i].at("weight"));
      CHECK(optimisation[i].clamp_active == layers[i].at("clamp_active").get<bool>());
      REQUIRE(delta.figures.health->updates.at(i).rho);
      CHECK(*delta.figures.health->updates[i].rho ==
            Approx(layers[i].at("rho").get<double>()).epsilon(1e-3));
      const auto [u, v] = u_and_v(given.model, delta.updates[i]);
      check_vector("u of layer " + std::to_string(i), u, layers[i].at("u"), kTolerance);
      check_vector("v of layer " + std::to_string(i), v, layers[i].at("v"), kTolerance);
    }
  }
}

TEST_CASE("optimise_value: v0, delta and the rows equal an independent program's") {
  const std::string name = GENERATE("gpt2", "llama");
  const std::string variant = GENERATE("one-layer", "two-layers", "early-stop");
  CAPTURE(name, variant);
  const Golden& given = golden(name);
  const Json settings = read_json(given.directory / (variant + ".settings.json"));
  const auto templates = settings.at("context_templates").get<ContextTemplates>();
  const Json recorded = read_json(given.directory / (variant + ".json"));
  for (const Json& expected : recorded.at("cases")) {
    const auto id = expected.at("case_id").get<std::int64_t>();
    const Json& layer = expected.at("layers").at(0);
    CAPTURE(id);
    const ValueProblem problem =
        make_value_problem(given.model, {layer.at("layer").get<std::int64_t>(), Site::mlp_value},
                           given.requests.at(id), templates, FactToken::subject_last);
    CHECK(Json(problem.facts.front().target) == layer.at("target_ids"));
    const ValueResult found = optimise_value(given.model, problem, value_options(settings), {});
    check_vector("v0", found.initial, layer.at("init"), kTolerance);
    check_vector("delta", found.delta, layer.at("delta"), kTolerance);
    REQUIRE(found.steps.size() == layer.at("steps").size());
    for (std::size_t i = 0; i < found.steps.size(); ++i) {
      INFO("step " << i);
      const ValueStep& step = found.steps[i];
      check_terms({step.loss, step.nll, step.kl, step.decay}, layer.at("steps")[i], kTolerance);
      CHECK(step.target_logprob ==
            Approx(layer.at("target_logprob")[i].get<double>()).epsilon(kTolerance.term));
    }
  }
}

TEST_CASE("second moments of each layer equal an independent program's") {
  const std::string name = GENERATE("gpt2", "llama");
  const Golden& given = golden(name);
  const Corpus corpus = read_corpus(rome_golden_directory() / "corpus.txt");
  const auto found = collect_second_moments(given.model.base(), {0, 1}, corpus, {}, {});
  for (const std::int64_t layer : {0, 1}) {
    CAPTURE(name, layer);
    const auto file = given.directory / ("layer" + std::to_string(layer) + ".safetensors");
    const SecondMoment expected = read_second_moment(file, given.model.architecture().intermediate);
    CHECK(found.at(layer).count == expected.count);
    CHECK(relative_error(found.at(layer).matrix, expected.matrix) < 1e-5);
  }
  // Were they alike, an edit of two layers could not tell which one it was solved with.
  CHECK(relative_error(found.at(0).matrix, found.at(1).matrix) > 0.1);
}

TEST_CASE("the recorded edits reach the clamp, the early stop and a target of several tokens") {
  bool clamped = false, stopped = false, several = false;
  for (const std::string name : {"gpt2", "llama"}) {
    for (const std::string variant : {"one-layer", "two-layers", "early-stop"}) {
      const auto file = rome_golden_directory() / name / variant;
      const Json settings = read_json(file.string() + ".settings.json");
      const Json recorded = read_json(file.string() + ".json");
      for (const Json& one : recorded.at("cases")) {
        for (const Json& layer : one.at("layers")) {
          clamped = clamped || layer.at("clamp_active").get<bool>();
          stopped = stopped || layer.at("steps").size() < settings.at("v_num_grad_steps");
          several = several || layer.at("target_ids").size() > 1;
        }
      }
    }
  }
  CHECK(clamped);
  CHECK(stopped);
  CHECK(several);
}

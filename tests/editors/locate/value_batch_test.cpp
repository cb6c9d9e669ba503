// Values of many edits found side by side, each against the same optimisation alone and against the
// plain pass over whole texts.
#include "editors/locate/value_optimiser.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/editors/locate/plain_value_optimiser.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

// Of different lengths, with the subject first, inside and last.
std::vector<EditRequest> requests() {
  return {request_of("The capital of {} is", "Avaria", "Bor"),
          request_of("{} was born in", "Kaipai Sutrei", "Luzo Works"),
          request_of("They moved to {}", "Gotvir", "an island"), request_of("{} plays", "Vo", "x")};
}

ValueOptions options_of(std::int64_t steps) {
  ValueOptions options;
  options.num_grad_steps = steps;
  options.learning_rate = 0.1;
  return options;
}

std::vector<ValueProblem> problems_of(const EditedModel& model, ValueSite where) {
  std::vector<ValueProblem> problems;
  for (const EditRequest& request : requests()) {
    problems.push_back(
        make_value_problem(model, where, request, kTemplates, FactToken::subject_last));
  }
  return problems;
}

}  // namespace

TEST_CASE("Values in a batch: each delta is that of the plain pass over its texts alone") {
  const std::string family = GENERATE("llama", "gpt2", "olmo2");
  const Site site = GENERATE(Site::mlp_value, Site::resid_post);
  CAPTURE(family, site == Site::mlp_value);
  const EditedModel model(tiny_model(family));
  const auto problems = problems_of(model, {1, site});
  const auto found = optimise_values(model, problems, options_of(8), {});
  REQUIRE(found.size() == problems.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    PlainOptimiser plain{model, 1, options_of(8), site, {}, {}, {}};
    plain.tokenize(requests()[i], kTemplates);
    const ValueResult expected = plain.run();
    CHECK(relative_error(found[i].initial, expected.initial) < 3e-6);
    CHECK(relative_error(found[i].delta, expected.delta) < 1e-5);
    REQUIRE(found[i].steps.size() == expected.steps.size());
    for (std::size_t step = 0; step < expected.steps.size(); ++step) {
      CHECK(found[i].steps[step].loss == Approx(expected.steps[step].loss).epsilon(1e-5));
    }
  }
}

TEST_CASE("Values in a batch: problems that are done leave it, and the others go on undisturbed") {
  const EditedModel model(tiny_model("llama"));
  const auto problems = problems_of(model, {1, Site::resid_post});
  ValueOptions options = options_of(30);
  options.clamp_norm_factor = 50;
  // A bound that the problems pass at different steps, if at all.
  options.stop_loss = 0;
  double sum = 0;
  for (const ValueResult& free : optimise_values(model, problems, options, {})) {
    sum += free.steps[12].loss;
  }
  options.stop_loss = sum / static_cast<double>(problems.size());
  const auto found = optimise_values(model, problems, options, {});
  std::set<std::size_t> lengths;
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    const ValueResult alone = optimise_value(model, problems[i], options, {});
    lengths.insert(found[i].steps.size());
    CHECK(found[i].steps.size() == alone.steps.size());
    const double error = (found[i].delta - alone.delta).norm().item<double>();
    CHECK(error <= 1e-5 * alone.delta.norm().item<double>());  // 0 for one that is done at once
    CHECK(found[i].clamp_active == alone.clamp_active);
  }
  CHECK(lengths.size() > 1);
}

TEST_CASE("Values in a batch: what fits the memory runs together, with equal deltas") {
  const EditedModel model(tiny_model("gpt2"));
  const auto problems = problems_of(model, {1, Site::mlp_value});
  ValueOptions options = options_of(4);
  const auto together = optimise_values(model, problems, options, {});
  options.memory_bytes = 1;  // one at a time
  const auto apart = optimise_values(model, problems, options, {});
  for (std::size_t i = 0; i < problems.size(); ++i) {
    CHECK(relative_error(together[i].delta, apart[i].delta) < 1e-5);
  }
  const std::int64_t bytes = value_step_bytes(model.architecture(), problems[1], 4);
  CHECK(bytes > value_step_bytes(model.architecture(), problems[3], 4));  // longer texts need more
}

TEST_CASE("Values in a batch: facts that share a delta have the mean of their losses") {
  const EditedModel model(tiny_model("llama"));
  ValueProblem merged = make_value_problem(model, {1, Site::resid_post},
                                           request_of("{} was born in", "Kaipai", "Luzo"),
                                           kTemplates, FactToken::subject_last);
  const ValueProblem second =
      make_value_problem(model, {1, Site::resid_post}, request_of("{} plays", "Kaipai", "goal"),
                         kTemplates, FactToken::subject_last);
  const double first_loss = optimise_value(model, merged, options_of(1), {}).steps[0].nll;
  const double second_loss = optimise_value(model, second, options_of(1), {}).steps[0].nll;
  merged.facts.push_back(second.facts.front());
  const ValueResult found = optimise_value(model, merged, options_of(6), {});
  CHECK(found.steps[0].nll == Approx((first_loss + second_loss) / 2).epsilon(1e-5));
  CHECK(found.steps.back().nll < found.steps.front().nll);
}

TEST_CASE("Value problem: a prompt that begins with its subject holds its own KL row") {
  const EditedModel model(tiny_model("llama"));
  const auto problems = problems_of(model, {1, Site::mlp_value});
  CHECK(problems[0].essence_in_row() == -1);
  CHECK(problems[1].essence_in_row() == 0);
  CHECK(problems[0].row_count() == 4);
  CHECK(problems[1].row_count() == 3);
}

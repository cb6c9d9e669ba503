#include "editors/locate/rome.hpp"

#include "editors/locate/keys.hpp"
#include "editors/locate/second_moment.hpp"
#include "json/canonical.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <atomic>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

EditorSettings settings_for(std::vector<std::int64_t> layers) {
  EditorSettings settings;
  settings.values = {{"layers", layers},         {"mom2_adjustment", false},
                     {"v_num_grad_steps", 15},   {"v_lr", 0.2},
                     {"v_weight_decay", 1e-3},   {"clamp_norm_factor", 10},
                     {"max_update_ratio", 1000}, {"context_templates", kTemplates}};
  return settings;
}

EditRequest other_request() {
  EditRequest request = capital_request();
  request.id = "test/2";
  request.subject = "Belgara";
  request.target_new = "Kel";
  request.target_true.reset();
  return request;
}

/// MLP output at the subject's last token of the bare prompt.
at::Tensor output_at_subject(const EditedModel& model, std::int64_t layer,
                             const EditRequest& request) {
  const auto texts = subject_texts(model.tokenizer(), request, {"{}"}, FactToken::subject_last);
  return collect_keys(model, layer, texts).outputs[0];
}

}  // namespace

TEST_CASE("ROME: the edited layer maps the subject's key to the optimised value v*") {
  const EditedModel model(tiny_model(GENERATE("llama", "gpt2", "olmo2")));
  const RomeEditor rome(settings_for({1}));
  const EditDelta delta = rome.edit(model, {capital_request()}, {}).front();
  CHECK_NOTHROW(validate_delta(delta));

  ValueOptions options;
  options.num_grad_steps = 15;
  options.learning_rate = 0.2;
  options.weight_decay = 1e-3;
  options.clamp_norm_factor = 10;
  const ValueProblem problem = make_value_problem(model, {1, Site::mlp_value}, capital_request(),
                                                  kTemplates, FactToken::subject_last);
  const ValueResult sought = optimise_value(model, problem, options, {});

  EditedModel edited = model;
  edited.mount("edit", delta);
  CHECK(relative_error(output_at_subject(edited, 1, capital_request()),
                       sought.initial + sought.delta) < 1e-4);
}

TEST_CASE("ROME: an edit raises the target's probability and leaves the given model unchanged") {
  const auto base = tiny_model("llama");
  const EditedModel model(base);
  const std::string before = model.fingerprint();
  const RomeEditor rome(settings_for({1}));
  const EditDelta delta = rome.edit(model, {capital_request()}, {}).front();
  CHECK(model.fingerprint() == before);
  CHECK(model.mounted().empty());

  const OptimisationFigures& optimisation = delta.figures.optimisation.at(0);
  CHECK(optimisation.target_logprob.back() > optimisation.target_logprob.front() + 1.0);
  CHECK(optimisation.loss.size() == optimisation.target_logprob.size());

  EditedModel edited = model;
  edited.mount("edit", delta);
  CHECK(edited.fingerprint() != before);
  edited.unmount("edit");
  CHECK(edited.fingerprint() == before);
}

TEST_CASE("ROME: a delta lists the requested layers in ascending order with its settings") {
  const EditedModel model(tiny_model("gpt2"));
  RunContext run;
  run.seed = 11;
  const EditDelta delta =
      RomeEditor(settings_for({2, 1})).edit(model, {capital_request()}, run).front();
  REQUIRE(delta.updates.size() == 2);
  CHECK(delta.updates[0].weight == "transformer.h.1.mlp.c_proj.weight");
  CHECK(delta.updates[1].weight == "transformer.h.2.mlp.c_proj.weight");
  CHECK(delta.updates[0].rows() == 40);
  CHECK(delta.updates[0].cols() == 24);
  CHECK(delta.editor == "rome");
  CHECK(delta.base_fingerprint == model.base().fingerprint());
  CHECK((delta.requests == std::vector<EditRequest>{capital_request()}));

  const Json& settings = delta.settings;
  CHECK(settings == canonical(settings));
  CHECK(settings.at("layers") == Json({1, 2}));
  CHECK(settings.at("seed") == 11);
  CHECK(settings.at("kl_factor") == 0.0625);
  CHECK(settings.at("context_templates").size() == 3);
}

TEST_CASE("ROME: the second layer of an edit is computed with the first one applied") {
  const EditedModel model(tiny_model("llama"));
  const EditDelta both =
      RomeEditor(settings_for({1, 2})).edit(model, {capital_request()}, {}).front();

  EditedModel half = model;
  EditDelta first = both;
  first.updates.resize(1);
  half.mount("first layer", first);
  const EditDelta second =
      RomeEditor(settings_for({2})).edit(half, {capital_request()}, {}).front();
  const auto& expected = std::get<LowRank>(second.updates[0].update);
  const auto& found = std::get<LowRank>(both.updates[1].update);
  CHECK(at::equal(found.left, expected.left));
  CHECK(at::equal(found.right, expected.right));
}

TEST_CASE("ROME: each request is edited with the earlier ones mounted") {
  const EditedModel model(tiny_model("llama"));
  const RomeEditor rome(settings_for({1}));
  const auto deltas = rome.edit(model, {capital_request(), other_request()}, {});
  REQUIRE(deltas.size() == 2);

  EditedModel after_first = model;
  after_first.mount("first", deltas[0]);
  const EditDelta alone = rome.edit(after_first, {other_request()}, {}).front();
  CHECK(at::equal(std::get<LowRank>(alone.updates[0].update).left,
                  std::get<LowRank>(deltas[1].updates[0].update).left));
}

TEST_CASE("ROME: the second moment changes the edit direction") {
  const auto base = tiny_model("llama");
  const EditedModel model(base);
  const TemporaryDirectory directory;
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) texts.push_back("Text number " + std::to_string(i) + " of many.");
  write_second_moment(directory / "c.safetensors",
                      collect_second_moments(*base, {1}, make_corpus("c", texts), {}, {}).at(1));
  EditorSettings with = settings_for({1});
  with.values["mom2_adjustment"] = true;
  with.values["mom2_ridge"] = 0.01;
  with.values["second_moment"] = {{"1", "c.safetensors"}};
  with.directory = directory.path();
  const EditDelta plain =
      RomeEditor(settings_for({1})).edit(model, {capital_request()}, {}).front();
  const EditDelta adjusted = RomeEditor(with).edit(model, {capital_request()}, {}).front();
  const at::Tensor u = std::get<LowRank>(plain.updates[0].update).right;
  const at::Tensor v = std::get<LowRank>(adjusted.updates[0].update).right;
  CHECK(u.norm().item<double>() == Approx(1.0).epsilon(1e-5));
  CHECK(v.norm().item<double>() == Approx(1.0).epsilon(1e-5));
  CHECK(std::abs((u * v).sum().item<double>()) < 0.99);
  // The store keeps names, not this machine's directories.
  CHECK(adjusted.settings.at("second_moment").at("1") == "c.safetensors");
}

TEST_CASE("ROME: the same seed gives the same delta") {
  const EditedModel model(tiny_model("llama"));
  EditorSettings settings = settings_for({1});
  settings.values.erase("context_templates");
  settings.values["context_template_length_params"] = {{5, 4}};
  RunContext run;
  run.seed = 3;
  const auto first = RomeEditor(settings).edit(model, {capital_request()}, run).front();
  const auto again = RomeEditor(settings).edit(model, {capital_request()}, run).front();
  CHECK(first.settings == again.settings);
  CHECK(at::equal(std::get<LowRank>(first.updates[0].update).left,
                  std::get<LowRank>(again.updates[0].update).left));
  run.seed = 4;
  const auto other = RomeEditor(settings).edit(model, {capital_request()}, run).front();
  CHECK(other.settings != first.settings);
}

TEST_CASE("ROME: an unhealthy edit is refused with its figures or forced with a warning") {
  const EditedModel model(tiny_model("llama"));
  EditorSettings settings = settings_for({1});
  settings.values["max_update_ratio"] = 1e-3;
  const std::string message =
      message_of([&] { RomeEditor(settings).edit(model, {capital_request()}, {}); });
  CHECK(contains(message, "model.layers.1.mlp.down_proj.weight"));
  CHECK(contains(message, "ratio"));
  CHECK_THROWS_AS(RomeEditor(settings).edit(model, {capital_request()}, {}), UnhealthyEdit);

  settings.force = true;
  std::string warning;
  RunContext run;
  run.warn = [&warning](const std::string& text) { warning = text; };
  const EditDelta delta = RomeEditor(settings).edit(model, {capital_request()}, run).front();
  CHECK(contains(warning, "forced"));
  CHECK_FALSE(delta.figures.health->healthy());
}

TEST_CASE("ROME: invalid requests are refused before anything is computed") {
  const EditedModel model(tiny_model("llama"));
  const RomeEditor rome(settings_for({1}));
  EditRequest request = capital_request();
  request.prompt = "The capital of Kelia is";
  CHECK_THROWS_AS(rome.edit(model, {request}, {}), RequestError);
  request = capital_request();
  request.target_new = "";
  CHECK_THROWS_AS(rome.edit(model, {request}, {}), RequestError);
}

TEST_CASE("ROME: a model without a tokenizer is refused") {
  const auto with = tiny_model("llama");
  const EditedModel model(Model::from_weights(with->architecture(), with->weights(), nullptr));
  CHECK_THROWS_AS(RomeEditor(settings_for({1})).edit(model, {capital_request()}, {}), ModelError);
}

TEST_CASE("ROME: a stop request interrupts editing") {
  const EditedModel model(tiny_model("llama"));
  RunContext run;
  run.stop_requested = [] { return true; };
  CHECK_THROWS_AS(RomeEditor(settings_for({1})).edit(model, {capital_request()}, run), Interrupted);
}

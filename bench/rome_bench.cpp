// ROME's value optimisation: layers below the edit run once and logits only where the loss looks,
// beside the plain full forward pass of the reference program. Both deltas must agree before a time
// counts. A random GPT-2 of the shape asked for; one edit, seven contexts, no early stop.
//
//   rome_bench [HIDDEN LAYERS EDIT_LAYER VOCAB STEPS]      default: 128 4 1 1280 25
#include "editors/editor.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/editors/locate/plain_value_optimiser.hpp"
#include "tests/support/temporary_directory.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace kedit;

struct Shape {
  std::int64_t hidden = 128, layers = 4, edit_layer = 1, vocab = 1280, steps = 25;
};

Shape shape_of(int count, char** words) {
  Shape shape;
  std::int64_t* fields[] = {&shape.hidden, &shape.layers, &shape.edit_layer, &shape.vocab,
                            &shape.steps};
  for (int i = 1; i < count && i <= 5; ++i) *fields[i - 1] = std::atoll(words[i]);
  return shape;
}

std::shared_ptr<const Model> random_model(const Shape& shape) {
  const TemporaryDirectory directory;
  Json config = test::tiny_config("gpt2");
  config["n_embd"] = shape.hidden;
  config["n_head"] = std::max<std::int64_t>(1, shape.hidden / 64);
  config["n_layer"] = shape.layers;
  config["n_inner"] = nullptr;
  config["vocab_size"] = shape.vocab;
  write_file_atomically(directory / "config.json", to_text(config));
  const Architecture architecture = read_architecture(directory.path());
  DecoderWeights weights;
  std::mt19937_64 random(1);
  for (const decoder::WeightSlot& slot : decoder::weight_slots(architecture, weights)) {
    *slot.tensor = at::empty(slot.shape, at::kFloat);
    const bool is_norm = slot.shape.size() == 1 && slot.name.find("weight") != std::string::npos;
    test::fill_normal(*slot.tensor, is_norm ? 1.0 : 0.0, slot.shape.size() == 1 ? 0.02 : 0.08,
                      random);
  }
  weights.head = weights.token_embedding;
  return Model::from_weights(architecture, weights, test::byte_tokenizer());
}

template <class Act>
double seconds_of(Act act) {
  const Stopwatch watch;
  act();
  return watch.seconds();
}

}  // namespace

int main(int count, char** words) {
  const Shape shape = shape_of(count, words);
  const EditedModel model(random_model(shape));
  const std::vector<std::string> contexts{
      "{}",    "Long ago, {}",   "It is said that {}", "In fact {}",
      "So {}", "As we know, {}", "They told us. {}"};
  locate::ValueOptions options;
  options.num_grad_steps = shape.steps;
  options.stop_loss = 0.0;
  options.learning_rate = 0.05;

  test::PlainOptimiser plain{model, shape.edit_layer, options, Site::mlp_value, {}, {}, {}};
  plain.tokenize(test::capital_request(), contexts);
  locate::ValueResult expected;
  locate::ValueResult found;
  const double plain_seconds = seconds_of([&] { expected = plain.run(); });
  const double fast_seconds = seconds_of([&] {
    const auto problem =
        locate::make_value_problem(model, {shape.edit_layer, Site::mlp_value}, test::capital_request(), contexts,
                                   locate::FactToken::subject_last);
    found = locate::optimise_value(model, problem, options, {});
  });
  const double error = test::relative_error(found.delta, expected.delta);
  if (!(error < 1e-4)) {
    fmt::print(stderr, "the deltas differ by {:.2e} relative: no time counts\n", error);
    return EXIT_FAILURE;
  }

  EditorSettings settings;
  settings.values = {{"layers", {shape.edit_layer}},
                     {"mom2_adjustment", false},
                     {"context_templates", contexts},
                     {"v_num_grad_steps", shape.steps},
                     {"v_stop_loss", 0.0},
                     {"v_lr", 0.05},
                     {"max_update_ratio", 1e9}};
  const auto rome = make_editor("rome", settings);
  const double edit_seconds = seconds_of([&] { rome->edit(model, {test::capital_request()}, {}); });

  fmt::print(
      "gpt2 {} x {} layers, {} parameters, edit of layer {}, {} steps, {} threads, float32\n",
      shape.hidden, shape.layers, model.base().parameters(), shape.edit_layer, shape.steps,
      at::get_num_threads());
  fmt::print("{:<34}{:>10.3f} s\n", "value, plain full forward", plain_seconds);
  fmt::print("{:<34}{:>10.3f} s   {:.1f} x, deltas agree to {:.1e}\n", "value, lower layers once",
             fast_seconds, plain_seconds / fast_seconds, error);
  fmt::print("{:<34}{:>10.3f} s\n", "whole edit", edit_seconds);
  return EXIT_SUCCESS;
}

#include "model/decoder/decoder.hpp"
#include "model/edited_model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

using namespace kedit;
using namespace kedit::testing;

namespace {

// Negative log-probability of one token after the edit of the activation.
at::Tensor loss_with(const EditedModel& model, Site site, const at::Tensor& delta) {
  Taps taps;
  taps.add(1, site, add_at({0, 1}, {4, 7}, delta));
  const at::Tensor logits =
      model.forward(input_of(golden(model.architecture().family, "ids")), nullptr, &taps).logits;
  return -at::log_softmax(logits.to(at::kDouble), -1).select(1, 11).select(1, 5).sum();
}

}  // namespace

TEST_CASE("Taps: the gradient of an added delta agrees with finite differences at every site") {
  const std::string family = GENERATE(as<std::string>{}, "gpt2", "llama", "qwen2");
  const Site site =
      GENERATE(Site::resid_pre, Site::attn_out, Site::mlp_key, Site::mlp_out, Site::resid_post);
  const EditedModel model(Model::load(golden_model(family)));
  const auto& a = model.architecture();
  const std::int64_t width = site == Site::mlp_key ? a.intermediate : a.hidden;
  at::manual_seed(4);
  at::Tensor delta = (at::randn({width}) * 0.1).requires_grad_();
  loss_with(model, site, delta).backward();
  const at::Tensor direction = at::randn({width});
  const double step = 1e-2;
  const at::Tensor plain = delta.detach();
  const double difference = (loss_with(model, site, plain + step * direction) -
                             loss_with(model, site, plain - step * direction))
                                .item<double>() /
                            (2 * step);
  const double gradient = delta.grad().dot(direction).item<double>();
  INFO(family << ": " << gradient << " against " << difference);
  CHECK(gradient == Approx(difference).epsilon(0.01).margin(2e-3));
}

TEST_CASE("Taps: add_at adds one delta per position and changes nothing else") {
  const EditedModel model(Model::load(golden_model("llama")));
  at::Tensor before, after;
  const at::Tensor deltas = at::randn({2, 24});
  Taps taps;
  taps.add(0, Site::mlp_out, [&](const at::Tensor& x) { return before = x; });
  taps.add(0, Site::mlp_out, add_at({0, 1}, {3, 0}, deltas));
  taps.add(0, Site::mlp_out, [&](const at::Tensor& x) { return after = x; });
  taps.stop_after(0);
  model.forward(input_of(golden("llama", "ids")), nullptr, &taps);
  at::Tensor expected = before.clone();
  expected[0][3] += deltas[0];
  expected[1][0] += deltas[1];
  CHECK(at::equal(after, expected));
}

TEST_CASE("Taps: read_at returns the activations at rows and positions in their order") {
  const EditedModel model(Model::load(golden_model("qwen2")));
  at::Tensor all, chosen;
  Taps taps;
  taps.add(1, Site::mlp_key, [&](const at::Tensor& x) { return all = x; });
  taps.add(1, Site::mlp_key, read_at({1, 0, 1}, {2, 11, 0}, &chosen));
  const at::Tensor logits = model.forward(input_of(golden("qwen2", "ids")), nullptr, &taps).logits;
  CHECK(at::equal(chosen, at::stack({all[1][2], all[0][11], all[1][0]})));
  CHECK(max_difference(logits, golden("qwen2", "logits")) < 1e-4);
}

TEST_CASE("Decoder: gradients reach every weight") {
  const std::string family = GENERATE(as<std::string>{}, "gpt2", "llama", "qwen2");
  const auto model = Model::load(golden_model(family));
  std::map<std::string, at::Tensor> trainable;
  for (const auto& [name, tensor] : named_tensors(model->architecture(), model->weights())) {
    trainable[name] = tensor.clone().requires_grad_();
  }
  const DecoderWeights weights = resolve_weights(
      model->architecture(), [&](const std::string& name) { return trainable[name]; }, family);
  const at::Tensor logits =
      forward(model->architecture(), weights, input_of(golden(family, "ids"))).logits;
  at::log_softmax(logits, -1).select(-1, 3).sum().backward();
  for (const auto& [name, tensor] : trainable) {
    INFO(name);
    REQUIRE(tensor.grad().defined());
    // Adding a constant to all keys changes no attention: a key's bias has a gradient of zero.
    if (name.find("k_proj.bias") == std::string::npos)
      CHECK(tensor.grad().abs().max().item<float>() > 0);
  }
}

// Fine-tuning against the same training written down with whole passes.
#include "editors/editor.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

using namespace kedit;
using namespace kedit::test;

namespace {

std::vector<EditRequest> requests() {
  return {request_of("The capital of {} is", "Avaria", "Bor"),
          request_of("{} was born in", "Kaipai", "Luzo"),
          request_of("They moved to {}", "Gotvir", "x")};
}

struct Training {
  std::vector<std::int64_t> layers;
  std::int64_t epochs = 5, batch_size = 128;
  double lr = 0.01, decay = 0, bound = 0;  // 0: none

  EditorSettings settings() const {
    EditorSettings settings;
    settings.values = {{"layers", layers},
                       {"num_steps", epochs},
                       {"batch_size", batch_size},
                       {"lr", lr},
                       {"weight_decay", decay},
                       {"max_update_ratio", 1000},
                       {"norm_constraint", bound > 0 ? Json(bound) : Json(false)}};
    return settings;
  }
};

struct PlainParameter {
  std::string name;
  at::Tensor before, now, first, second;
};

/// The training, one whole pass a prompt; returns the losses of all minibatches.
std::vector<double> train_plainly(const EditedModel& model, const Training& training,
                                  std::vector<PlainParameter>& parameters) {
  const c10::AutoGradMode with_grad(true);
  DecoderWeights weights = model.weights();
  for (const std::int64_t layer : training.layers) {
    Linear& module = weights.layers[static_cast<std::size_t>(layer)].down;
    const std::string name = weight_name(model.architecture().names.down, layer);
    const auto add = [&](const std::string& of, at::Tensor& tensor) {
      const at::Tensor before = tensor.clone();
      tensor = before.clone().requires_grad_(true);
      parameters.push_back({of, before, tensor, at::zeros_like(before), at::zeros_like(before)});
    };
    add(name, module.weight);
    if (module.bias.defined()) add(name.substr(0, name.size() - 6) + "bias", module.bias);
  }
  std::vector<double> losses;
  std::int64_t updates = 0;
  const auto all = requests();
  for (std::int64_t epoch = 0; epoch < training.epochs; ++epoch) {
    for (std::size_t begin = 0; begin < all.size();
         begin += static_cast<std::size_t>(training.batch_size)) {
      const std::size_t end =
          std::min(all.size(), begin + static_cast<std::size_t>(training.batch_size));
      at::Tensor loss = at::zeros({});
      for (std::size_t i = begin; i < end; ++i) {
        const auto ids = model.tokenizer().ids(filled_prompt(all[i]));
        const auto target = model.tokenizer().ids(" " + all[i].target_new, false);
        ForwardInput input;
        input.ids = at::tensor(ids, at::kLong).unsqueeze(0);
        const at::Tensor log_probs =
            kedit::forward(model.architecture(), weights, input).logits[0][-1].log_softmax(-1);
        for (const std::int64_t id : target) {
          loss = loss - log_probs[id] / static_cast<double>(target.size());
        }
      }
      loss = loss / static_cast<double>(end - begin);
      losses.push_back(loss.item<double>());
      loss.backward();
      ++updates;
      const c10::NoGradGuard update;
      for (PlainParameter& p : parameters) {
        const at::Tensor g = p.now.grad() + training.decay * p.now;
        p.first = 0.9 * p.first + 0.1 * g;
        p.second = 0.999 * p.second + 0.001 * g * g;
        const double n = static_cast<double>(updates);
        const at::Tensor m = p.first / (1 - std::pow(0.9, n));
        const at::Tensor v = p.second / (1 - std::pow(0.999, n));
        p.now.sub_(training.lr * m / (v.sqrt() + 1e-8));
        if (training.bound > 0) {
          p.now.copy_(at::clamp(p.now, p.before - training.bound, p.before + training.bound));
        }
        p.now.mutable_grad() = at::Tensor();
      }
    }
  }
  return losses;
}

}  // namespace

TEST_CASE("FT: weights and biases change as by plain training, minibatch by minibatch") {
  const auto training =
      GENERATE(Training{{1}, 6, 128, 0.01, 0, 0}, Training{{0}, 6, 128, 0.01, 0, 0.02},
               Training{{1, 2}, 4, 2, 0.005, 0.1, 0.03}, Training{{3}, 4, 1, 0.01, 0, 0});
  const EditedModel model(tiny_model(GENERATE("gpt2", "llama", "olmo2")));
  const EditDelta delta =
      make_editor("ft", training.settings())->edit(model, requests(), {}).front();
  std::vector<PlainParameter> expected;
  const auto losses = train_plainly(model, training, expected);
  REQUIRE(delta.updates.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const PlainParameter& plain = expected[i];
    CAPTURE(plain.name);
    CHECK(delta.updates[i].weight == plain.name);
    const at::Tensor change = std::get<Dense>(delta.updates[i].update).change;
    CHECK(relative_error(change, plain.now.detach() - plain.before) < 2e-3);
    if (training.bound > 0) {
      CHECK(change.abs().max().item<double>() <= training.bound * (1 + 1e-4));
    }
  }
  const auto& found = delta.figures.optimisation.front().terms.at("batch_loss");
  REQUIRE(found.size() == losses.size());
  for (std::size_t i = 0; i < losses.size(); ++i) {
    CHECK(found[i] == Approx(losses[i]).epsilon(1e-4));
  }
}

TEST_CASE("FT: an edit with biases mounts, and leaves the base's bytes when it is taken away") {
  const EditedModel before(tiny_model("gpt2"));
  EditedModel model = before;
  const EditDelta delta =
      make_editor("ft", Training{{1}}.settings())->edit(model, requests(), {}).front();
  REQUIRE(delta.updates.size() == 2);
  model.mount("ft", delta);
  const std::string bias = "transformer.h.1.mlp.c_proj.bias";
  CHECK(relative_error(model.weight(bias) - before.weight(bias),
                       std::get<Dense>(delta.updates[1].update).change) < 1e-3);
  CHECK(model.fingerprint() != before.fingerprint());
  model.unmount("ft");
  CHECK(model.fingerprint() == before.fingerprint());
}

TEST_CASE("FT: an integer bound counts as none, as in the reference program") {
  const EditedModel model(tiny_model("llama"));
  EditorSettings settings = Training{{1}}.settings();
  settings.values["norm_constraint"] = 1;
  const EditDelta delta = make_editor("ft", settings)->edit(model, requests(), {}).front();
  const EditDelta free =
      make_editor("ft", Training{{1}}.settings())->edit(model, requests(), {}).front();
  CHECK(at::equal(std::get<Dense>(delta.updates[0].update).change,
                  std::get<Dense>(free.updates[0].update).change));
  settings.values["norm_constraint"] = "tight";
  CHECK(contains(message_of([&] { make_editor("ft", settings)->edit(model, requests(), {}); }),
                 "norm_constraint"));
}

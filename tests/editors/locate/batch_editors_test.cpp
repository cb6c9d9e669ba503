// MEMIT and AlphaEdit against their papers' algorithm done plainly.
#include "editors/editor.hpp"
#include "editors/locate/null_space.hpp"
#include "editors/locate/second_moment.hpp"
#include "tests/editors/locate/plain_batch.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

// One of them does not stand in braces, which the plain program would take for a slot.
const std::vector<std::string> kContexts{"{}", "It is said. {}", "Long ago, as you know. {}"};

std::vector<EditRequest> requests() {
  return {request_of("The capital of {} is", "Avaria", "Bor"),
          request_of("{} was born in", "Kaipai", "Luzo"),
          request_of("They moved to {}", "Gotvir", "an island")};
}

/// Second moments that differ from layer to layer, as files for the settings.
struct Moments {
  TemporaryDirectory directory;
  std::map<std::int64_t, at::Tensor> matrices;
  Json files = Json::object();

  explicit Moments(const std::vector<std::int64_t>& layers, std::int64_t m = 40) {
    for (const std::int64_t layer : layers) {
      std::mt19937_64 random(static_cast<std::uint64_t>(layer) + 5);
      at::Tensor keys = at::empty({3 * m, m}, at::kFloat);
      fill_normal(keys, 0.1, 0.3, random);
      const at::Tensor scale = at::linspace(0.05, 1.0, m);
      keys = keys * scale;
      matrices[layer] = keys.t().matmul(keys) / static_cast<double>(3 * m);
      const auto file = directory / ("layer" + std::to_string(layer) + ".safetensors");
      write_second_moment(file, {matrices[layer], 3 * m});
      files[std::to_string(layer)] = file.string();
    }
  }
};

EditorSettings settings_of(const Moments& moments, const Json& own) {
  EditorSettings settings;
  settings.values = {{"layers", {1, 2}},
                     {"v_num_grad_steps", 10},
                     {"v_lr", 0.2},
                     {"v_weight_decay", 1e-3},
                     {"clamp_norm_factor", 5},
                     {"max_update_ratio", 1000},
                     {"context_templates", kContexts},
                     {"second_moment", moments.files}};
  settings.values.update(own);
  return settings;
}

PlainBatch plain_of(const EditedModel& model, const std::vector<EditRequest>& requests) {
  ValueOptions value;
  value.num_grad_steps = 10;
  value.learning_rate = 0.2;
  value.weight_decay = 1e-3;
  value.clamp_norm_factor = 5;
  return {model, requests, kContexts, {1, 2}, value};
}

at::Tensor dense_solve(const at::Tensor& system, const at::Tensor& rhs) {
  return at::linalg_solve(system, rhs);
}

}  // namespace

TEST_CASE("MEMIT: the change of every layer is that of the paper's algorithm done plainly") {
  const EditedModel model(tiny_model(GENERATE("llama", "gpt2", "olmo2")));
  const double lambda = GENERATE(3.0, 100.0);
  const Moments moments({1, 2});
  const auto editor = make_editor("memit", settings_of(moments, {{"mom2_update_weight", lambda}}));
  const auto deltas = editor->edit(model, requests(), {});
  REQUIRE(deltas.size() == 1);
  CHECK((deltas[0].requests == requests()));
  CHECK_NOTHROW(validate_delta(deltas[0]));

  PlainBatch plain = plain_of(model, requests());
  const auto expected =
      plain.run([&](std::int64_t layer, const at::Tensor& k, const at::Tensor& r) {
        const at::Tensor c = moments.matrices.at(layer).to(at::kDouble);
        return r.matmul(dense_solve(lambda * c + k.matmul(k.t()), k).t());
      });
  REQUIRE(deltas[0].updates.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CAPTURE(i);
    CHECK(deltas[0].updates[i].rank() == 3);
    CHECK(relative_error(change_of(model, deltas[0].updates[i]), expected[i]) < 2e-4);
  }
  CHECK(deltas[0].figures.optimisation.size() == 3);
  CHECK(deltas[0].figures.optimisation[2].request == 2);
}

TEST_CASE("MEMIT: requests edited each by itself are batches of one") {
  const EditedModel model(tiny_model("llama"));
  const Moments moments({1, 2});
  const auto editor = make_editor("memit", settings_of(moments, {{"mom2_update_weight", 10}}));
  const auto together = editor->edit_each(model, requests(), {});
  REQUIRE(together.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const EditDelta alone = editor->edit(model, {requests()[i]}, {}).front();
    for (std::size_t u = 0; u < 2; ++u) {
      CHECK(relative_error(change_of(model, together[i].updates[u]),
                           change_of(model, alone.updates[u])) < 1e-4);
    }
  }
}

TEST_CASE("MEMIT: a batch that wants two targets of one prompt is refused, with both named") {
  const EditedModel model(tiny_model("llama"));
  const Moments moments({1, 2});
  const auto editor = make_editor("memit", settings_of(moments, Json::object()));
  auto twice = requests();
  twice.push_back(twice.front());
  twice.back().id = "again";
  CHECK_NOTHROW(editor->edit(model, twice, {}));
  twice.back().target_new = "Kel";
  const std::string message = message_of([&] { editor->edit(model, twice, {}); });
  CHECK(contains(message, "Bor"));
  CHECK(contains(message, "Kel"));
  CHECK(contains(message, "again"));
}

TEST_CASE("MEMIT: facts about one subject that are merged share their change of value") {
  const EditedModel model(tiny_model("llama"));
  const Moments moments({1, 2});
  const std::vector<EditRequest> same{request_of("{} was born in", "Kaipai", "Luzo"),
                                      request_of("{} plays", "Kaipai", "goal"),
                                      request_of("The capital of {} is", "Avaria", "Bor")};
  const auto editor = make_editor("memit", settings_of(moments, {{"merge_same_subject", true}}));
  const EditDelta delta = editor->edit(model, same, {}).front();
  CHECK(delta.figures.optimisation.size() == 2);
  CHECK(delta.updates[0].rank() == 3);
}

TEST_CASE("AlphaEdit: changes are the program's, alone and on top of an earlier batch") {
  const EditedModel model(tiny_model(GENERATE("llama", "gpt2")));
  const Moments moments({1, 2});
  const double threshold = 0.05, l2 = 0.5;
  const auto editor = make_editor(
      "alphaedit", settings_of(moments, {{"nullspace_threshold", threshold}, {"L2", l2}}));
  const std::vector<EditRequest> first{requests()[0], requests()[1]};
  const std::vector<EditRequest> second{requests()[2]};

  std::map<std::int64_t, at::Tensor> earlier;  // Kp Kp^T
  const auto solve = [&](std::int64_t layer, const at::Tensor& k, const at::Tensor& r) {
    const at::Tensor u = null_space(moments.matrices.at(layer), threshold).basis.to(at::kDouble);
    REQUIRE(u.size(1) > 3);
    REQUIRE(u.size(1) < u.size(0));
    const at::Tensor p = u.matmul(u.t());
    at::Tensor sums = k.matmul(k.t());
    if (earlier.count(layer) != 0) sums = sums + earlier.at(layer);
    const at::Tensor system = p.matmul(sums) + l2 * at::eye(p.size(0), at::kDouble);
    return dense_solve(system, p.matmul(k).matmul(r.t())).t();
  };

  EditedModel edited = model;
  PlainBatch plain = plain_of(model, first);
  for (const auto& batch : {first, second}) {
    CAPTURE(batch.size());
    plain.requests = batch;
    const EditDelta delta = editor->edit(edited, batch, {}).front();
    const auto expected = plain.run(solve);
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(relative_error(change_of(model, delta.updates[i]), expected[i]) < 2e-4);
    }
    // The keys of the edited model stay with the edit.
    REQUIRE(delta.state.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t layer = plain.layers[i];
      const at::Tensor k = plain.keys(layer);
      CHECK(delta.state[i].name == delta.updates[i].weight);
      CHECK(relative_error(delta.state[i].tensor.t(), k) < 1e-4);
      const at::Tensor sums = k.matmul(k.t());
      earlier[layer] = earlier.count(layer) == 0 ? sums : earlier[layer] + sums;
    }
    edited.mount(batch.front().id, delta);
    // The next plain batch stands on the same two layers.
    EditedModel next = edited;
    plain.model = next;
  }
}

TEST_CASE("AlphaEdit: an edit that is taken away takes its keys with it") {
  const EditedModel model(tiny_model("llama"));
  const Moments moments({1, 2});
  const auto editor =
      make_editor("alphaedit", settings_of(moments, {{"nullspace_threshold", 0.05}, {"L2", 0.5}}));
  const EditDelta alone = editor->edit(model, {requests()[1]}, {}).front();
  EditedModel edited = model;
  EditDelta keys_alone = editor->edit(model, {requests()[0]}, {}).front();
  keys_alone.updates.clear();  // so that the keys are all that is different
  edited.mount("first", keys_alone);
  const EditDelta after = editor->edit(edited, {requests()[1]}, {}).front();
  CHECK(relative_error(change_of(model, after.updates[0]), change_of(model, alone.updates[0])) >
        1e-3);
  edited.unmount("first");
  const EditDelta again = editor->edit(edited, {requests()[1]}, {}).front();
  CHECK(at::equal(std::get<LowRank>(again.updates[0].update).right,
                  std::get<LowRank>(alone.updates[0].update).right));
}

#include "model/adapters/lora.hpp"

#include "model/adapters/low_rank.hpp"
#include "tests/model/adapters/adapter_fixtures.hpp"

using namespace kedit;
using namespace kedit::adapters;
using namespace kedit::testing;

namespace {

const char* const kDown = "model.layers.0.mlp.down_proj.weight";

std::string message_of_lora(const EditedModel& model) {
  return thrown_message<ModelError>([&] { lora_of(model); });
}

EditedModel with_edit(const std::shared_ptr<const Model>& model, WeightUpdate update) {
  EditedModel edited(model);
  std::vector<WeightUpdate> updates;
  updates.push_back(std::move(update));
  edited.mount("e1", delta_of(*model, std::move(updates)));
  return edited;
}

}  // namespace

TEST_CASE("find_low_rank: the rank of a noisy product is the product's, within the tolerance") {
  const at::Tensor exact =
      product({random_matrix(70, 5, 1), random_matrix(5, 50, 2)});  // [70, 50], rank 5
  const at::Tensor noise = random_matrix(70, 50, 3).to(at::kDouble) * 1e-6;
  const double tolerance = 1.5 * noise.norm().item<double>();
  const auto found = find_low_rank(exact + noise, tolerance, 50);
  REQUIRE(found);
  CHECK(found->left.size(1) == 5);
  CHECK((product(*found) - exact - noise).norm().item<double>() <= tolerance);
  CHECK_FALSE(find_low_rank(exact + noise, tolerance, 4));
  CHECK_FALSE(find_low_rank(noise, 1e-9, 40));
}

TEST_CASE("find_low_rank: ranks beyond the first width are found, the same bytes each time") {
  const at::Tensor exact = product({random_matrix(90, 37, 1), random_matrix(37, 80, 2)});
  const double tolerance = 1e-7 * exact.norm().item<double>();
  const auto once = find_low_rank(exact, tolerance, 60),
             again = find_low_rank(exact, tolerance, 60);
  REQUIRE(once);
  CHECK(once->left.size(1) == 37);
  CHECK(at::equal(once->left, again->left));
  CHECK(at::equal(once->right, again->right));
}

TEST_CASE("lora_of: pairs of one rank whose products are the sum of the mounted edits") {
  const std::string name = GENERATE("gpt2", "llama", "phi3");
  const auto model = golden_as_stored(name);
  const EditedModel edited = edited_everywhere(model);
  const Lora lora = lora_of(edited);
  CHECK(lora.rank == 3);
  CHECK(lora.reduced.empty());
  CHECK(lora.pairs.size() == layer_matrices(model->architecture()).size());
  for (const LoraPair& pair : lora.pairs) {
    CHECK(pair.a.size(0) == 3);
    CHECK(pair.b.size(1) == 3);
    at::Tensor sum = at::zeros(model->weight(pair.weight).sizes(), at::kDouble);
    for (const auto& delta : edited.deltas()) {
      for (const WeightUpdate& update : delta->updates) {
        if (update.weight == pair.weight) sum += product(std::get<LowRank>(update.update));
      }
    }
    const LowRank factors = to_factors(pair, model->architecture().orientation);
    CHECK(max_difference(product(factors), sum) < 1e-7);
  }
}

TEST_CASE("lora_of: weights with edits of different rank are filled to the largest with zeros") {
  const auto model = golden_as_stored("llama");
  EditedModel edited(model);
  edited.mount("e1",
               delta_of(*model, {low_rank(*model, kDown, 1, 5),
                                 low_rank(*model, "model.layers.1.mlp.up_proj.weight", 4, 7)}));
  const Lora lora = lora_of(edited);
  REQUIRE(lora.pairs.size() == 2);
  CHECK(lora.rank == 4);
  CHECK(lora.pairs[0].weight == kDown);
  CHECK(lora.pairs[0].a.slice(0, 1).eq(0).all().item<bool>());
  CHECK(lora.pairs[0].b.slice(1, 1).eq(0).all().item<bool>());
}

TEST_CASE("lora_of: ranks that exceed the weight's are brought down to the product's own") {
  const auto model = golden_as_stored("llama");
  const at::Tensor base = model->weight(kDown);
  const std::int64_t least = std::min(base.size(0), base.size(1));
  const bool full = GENERATE(false, true);
  CAPTURE(full);
  EditedModel edited(model);
  at::Tensor sum = at::zeros(base.sizes(), at::kDouble);
  const std::int64_t count = least / 2 + 1;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t seed = full ? static_cast<std::uint64_t>(20 + 2 * i) : 20;
    const WeightUpdate update = low_rank(*model, kDown, 2, seed);
    sum += product(std::get<LowRank>(update.update));
    edited.mount("e" + std::to_string(i), delta_of(*model, {update}));
  }
  const Lora lora = lora_of(edited);
  CHECK(lora.reduced == std::vector<std::string>{kDown});
  CHECK(lora.rank == (full ? least : 2));
  const LowRank factors = to_factors(lora.pairs.front(), Orientation::out_in);
  CHECK(max_difference(product(factors), sum) < 1e-6 * sum.abs().max().item<double>());
}

TEST_CASE("lora_of: a dense change of low rank goes as its factors, one of full rank is named") {
  const auto model = golden_as_stored("llama");
  const at::Tensor base = model->weight(kDown);
  const at::Tensor change =
      at::matmul(random_matrix(base.size(0), 3, 1), random_matrix(3, base.size(1), 2));
  const Lora lora = lora_of(with_edit(model, {kDown, Dense{change}}));
  CHECK(lora.rank == 3);
  CHECK(max_difference(product(to_factors(lora.pairs.front(), Orientation::out_in)), change) <
        1e-6);
  const at::Tensor full = random_matrix(base.size(0), base.size(1), 3);
  const std::string message = message_of_lora(with_edit(model, {kDown, Dense{full}}));
  CHECK(contains(message, "exporting edit e1 of rome: " + std::string(kDown)));
  CHECK(contains(message, "found a dense one of full rank; export the whole model (--to hf)"));
}

TEST_CASE("lora_of: what is no matrix of a layer is named") {
  const auto model = golden_as_stored("llama");
  const std::string table = "model.embed_tokens.weight";
  const std::string message = message_of_lora(with_edit(model, low_rank(*model, table, 1, 1)));
  CHECK(contains(message, table + ": expected a matrix of a layer"));
}

TEST_CASE("refuse_facts: an edit that remembers facts is named") {
  const auto model = golden_as_stored("llama");
  EditedModel edited(model);
  EditDelta delta = delta_of(*model, {});
  delta.editor = "in-context";
  delta.facts.push_back({"Zemuria", "P36", "Azure City", "The capital of Zemuria is Azure City"});
  edited.mount("f1", std::move(delta));
  const std::string message = thrown_message<ModelError>([&] { refuse_facts(edited); });
  CHECK(contains(message, "exporting edit f1 of in-context"));
  CHECK(contains(message, "name the others with --edits"));
}

// Edits that come back from the store, mounted on a real model: the base is the base again.
#include "model/edited_model.hpp"
#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <random>

using namespace kedit;
using namespace kedit::test;

namespace {

std::shared_ptr<const Model> golden_model(const std::string& family, const std::string& dtype) {
  LoadOptions options;
  options.dtype = dtype;
  return Model::load(
      std::filesystem::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "models" / family, options);
}

// Rank one, rank three, dense, of one layer or both.
EditDelta random_delta(const Model& model, int number) {
  const std::int64_t layer = number % 2;
  const auto name_of = [&](std::int64_t of) {
    return weight_name(model.architecture().names.down, of);
  };
  const at::Tensor weight = model.weight(name_of(layer));
  const std::int64_t rank = number % 3 == 0 ? 3 : 1;
  EditDelta delta = rank_one_delta(number);
  delta.base_fingerprint = model.fingerprint();
  delta.updates = {{name_of(layer), LowRank{at::randn({weight.size(0), rank}) * 0.1,
                                            at::randn({rank, weight.size(1)})}}};
  if (number % 4 == 0) {
    const at::Tensor other = model.weight(name_of(1 - layer));
    delta.updates.push_back({name_of(1 - layer), Dense{at::randn(other.sizes()) * 0.01}});
  }
  return delta;
}

}  // namespace

TEST_CASE(
    "EditedModel and store: mounting and unmounting stored edits restores the base bit for bit") {
  const auto [family, dtype] = GENERATE(table<std::string, std::string>({{"gpt2", "float32"},
                                                                         {"gpt2", "bfloat16"},
                                                                         {"gpt2", "float16"},
                                                                         {"llama", "float32"},
                                                                         {"llama", "bfloat16"},
                                                                         {"llama", "float16"}}));
  INFO(family << " " << dtype);
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  std::string base_hash;
  std::vector<std::string> ids;
  {
    at::manual_seed(3);
    const auto base = golden_model(family, dtype);
    base_hash = base->fingerprint();
    Store store = Store::open(file, OpenMode::create);
    store.put_model({base_hash, family, "", dtype, base->parameters()});
    for (int number = 0; number < 8; ++number) {
      ids.push_back(store.commit(random_delta(*base, number)));
    }
  }
  const auto base = golden_model(family, dtype);  // loaded and opened anew: a restart
  REQUIRE(base->fingerprint() == base_hash);
  const Store store = Store::open(file, OpenMode::read_only);
  std::mt19937 random(17);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::string> order = ids;
    std::shuffle(order.begin(), order.end(), random);
    order.resize(1 + random() % order.size());
    EditedModel model(base);
    for (const std::string& id : order) model.mount(id, *store.find(id));
    CHECK(model.fingerprint() != base_hash);
    EditedModel again(base);
    for (const std::string& id : order) again.mount(id, *store.find(id));
    CHECK(again.fingerprint() == model.fingerprint());
    std::shuffle(order.begin(), order.end(), random);
    for (const std::string& id : order) model.unmount(id);
    CHECK(model.fingerprint() == base_hash);
  }
}

TEST_CASE("EditedModel and store: an edit for another fingerprint is refused") {
  TemporaryDirectory directory;
  const auto base = golden_model("llama", "float32");
  Store store = Store::open(directory / "a.db", OpenMode::create);
  store.put_model({base->fingerprint(), "llama", "", "float32", base->parameters()});
  const std::string id = store.commit(random_delta(*base, 1));
  EditedModel other(golden_model("qwen2", "float32"));
  CHECK_THROWS_AS(other.mount(id, *store.find(id)), ModelError);
  CHECK(other.mounted().empty());
  CHECK(other.fingerprint() == other.base().fingerprint());
}

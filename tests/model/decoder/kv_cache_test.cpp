#include "model/decoder/attention_kernels.hpp"
#include "tests/model/generation/generation_fixtures.hpp"
#include "tests/support/catch.hpp"

#include <c10/core/GradMode.h>

using namespace kedit;
using namespace kedit::testing;

namespace {

KvCache one_layer() {
  KvCache cache;
  cache.keys.resize(1);
  cache.values.resize(1);
  return cache;
}

// Appends `count` columns of random keys and values; returns all keys of the cache then.
at::Tensor grow(KvCache& cache, std::int64_t rows, std::int64_t count) {
  at::Tensor key = at::randn({rows, 2, count, 4}), value = at::randn({rows, 2, count, 4});
  cache.append(0, key, value);
  return key;
}

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace

TEST_CASE("KV cache: appended columns equal the given ones and the buffer seldom moves") {
  const c10::InferenceMode inference;
  KvCache cache = one_layer();
  if (GENERATE(false, true)) cache.reserve(20);
  std::vector<at::Tensor> given;
  int moves = 0;
  const void* before = nullptr;
  for (int step = 0; step < 200; ++step) {
    at::Tensor key = at::randn({3, 2, 1, 4}), value = key * 2;
    given.push_back(key.clone());
    cache.append(0, key, value);
    REQUIRE(cache.length() == step + 1);
    REQUIRE(at::equal(key, at::cat(given, 2)));
    REQUIRE(at::equal(cache.values[0], at::cat(given, 2) * 2));
    moves += cache.keys[0].const_data_ptr() != before ? 1 : 0;
    before = cache.keys[0].const_data_ptr();
  }
  CHECK(moves <= 8);
}

TEST_CASE("KV cache: copies and truncated copies grow independently") {
  const c10::InferenceMode inference;
  KvCache first = one_layer();
  first.reserve(50);
  const at::Tensor common = grow(first, 2, 5).clone();
  KvCache second = first;
  const at::Tensor of_first = grow(first, 2, 3).clone();
  const at::Tensor of_second = grow(second, 2, 4).clone();
  CHECK(at::equal(first.keys[0], of_first));
  CHECK(at::equal(second.keys[0], of_second));
  CHECK(at::equal(of_second.narrow(2, 0, 5), common));
  KvCache shorter = first.truncate(4);
  const at::Tensor of_shorter = grow(shorter, 2, 2).clone();
  CHECK(at::equal(first.keys[0], of_first));
  CHECK(at::equal(of_shorter.narrow(2, 0, 4), common.narrow(2, 0, 4)));
}

TEST_CASE("KV cache: rewound columns are overwritten but never under a copy that shares them") {
  const c10::InferenceMode inference;
  KvCache cache = one_layer();
  cache.reserve(50);
  grow(cache, 1, 10);
  const void* buffer = cache.keys[0].const_data_ptr();
  cache = cache.truncate(6);
  cache.rewind(6);
  grow(cache, 1, 3);
  CHECK(cache.keys[0].const_data_ptr() == buffer);

  const KvCache batch = cache.shared();
  const at::Tensor seen = batch.shared_keys[0].clone();
  cache = cache.truncate(6);
  cache.rewind(6);
  grow(cache, 1, 3);
  CHECK(at::equal(batch.shared_keys[0], seen));
}

TEST_CASE("KV cache: keep_rows keeps the chosen rows in the given order") {
  const c10::InferenceMode inference;
  KvCache cache = one_layer();
  if (GENERATE(false, true)) cache.reserve(30);
  const at::Tensor all = grow(cache, 5, 6).clone();
  const KvCache other = cache;  // still sees all its rows
  KvCache kept = cache;
  if (GENERATE(false, true)) cache = KvCache();
  kept.keep_rows({0, 4, 2});
  const auto rows = [&](std::vector<std::int64_t> numbers) {
    return all.index_select(0, at::tensor(numbers, at::kLong));
  };
  CHECK(at::equal(kept.keys[0], rows({0, 4, 2})));
  CHECK(at::equal(other.keys[0], all));
  const at::Tensor grown = grow(kept, 3, 2);
  CHECK(at::equal(grown.narrow(2, 0, 6), rows({0, 4, 2})));
}

TEST_CASE("KV cache: with gradients recorded nothing is written in place") {
  KvCache cache = one_layer();
  cache.reserve(30);
  at::Tensor key = at::randn({1, 2, 3, 4}).requires_grad_(true), value = key * 1.0;
  const at::Tensor leaf = key;
  cache.append(0, key, value);
  at::Tensor more = at::randn({1, 2, 1, 4}), more_value = more;
  cache.append(0, more, more_value);
  (more * more).sum().backward();
  CHECK(at::equal(leaf.grad(), 2 * leaf.detach()));
}

TEST_CASE("Scaled dot-product attention: grouped queries equal attention over repeated keys") {
  const std::int64_t seq = GENERATE(1, 5);
  const std::int64_t heads = GENERATE(2, 6);
  const at::Tensor query = at::randn({3, heads, seq, 8});
  const at::Tensor keys = at::randn({3, 2, 9, 8}), values = at::randn({3, 2, 9, 8});
  const at::Tensor mask = at::rand({3, 1, seq, 9}).gt(0.3);
  mask.select(3, 0).fill_(true);
  const auto repeated = [&](const at::Tensor& x) { return x.repeat_interleave(heads / 2, 1); };
  const at::Tensor expected =
      at::scaled_dot_product_attention(query, repeated(keys), repeated(values), mask);
  CHECK(difference(decoder::dot_product_attention(query, {keys, values, mask, false}), expected) <
        1e-6);
}

TEST_CASE("Scaled dot-product attention: shared prefix columns give what repeated columns give") {
  const c10::InferenceMode inference;
  const std::int64_t seq = GENERATE(1, 4);
  const std::int64_t heads = GENERATE(2, 6);
  const at::Tensor query = at::randn({3, heads, seq, 8}) * 3;
  const at::Tensor shared = at::randn({1, 2, 40, 8}), own = at::randn({3, 2, 6, 8});
  const at::Tensor mask = at::rand({3, 1, seq, 6}).gt(0.5);
  mask.select(3, 5).fill_(true);
  const at::Tensor whole = at::cat({shared.expand({3, 2, 40, 8}), own}, 2);
  const at::Tensor whole_mask = at::cat({at::ones({3, 1, seq, 40}, at::kBool), mask}, 3);
  const at::Tensor expected =
      decoder::dot_product_attention(query, {whole, whole, whole_mask, false});
  const at::Tensor mixed =
      decoder::attention_after_shared_prefix(query, shared, shared, {own, own, mask, false});
  CHECK(difference(mixed, expected) < 1e-5);
}

#include "model/decoder/decoder.hpp"
#include "model/edited_model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

using namespace kedit;
using namespace kedit::testing;

namespace {

constexpr double kFloat32Tolerance = 1e-4;

std::string any_model() { return GENERATE(from_range(golden_models())); }

}  // namespace

TEST_CASE("Decoder: logits equal the reference library's") {
  const std::string family = any_model();
  INFO(family);
  const auto model = Model::load(golden_model(family));
  const EditedModel overlay(model);
  const at::Tensor logits = overlay.forward(input_of(golden(family, "ids"))).logits;
  CHECK(max_difference(logits, golden(family, "logits")) < kFloat32Tolerance);
}

TEST_CASE(
    "Decoder: logits of a right-padded batch equal the reference library's at text positions") {
  const std::string family = any_model();
  INFO(family);
  const EditedModel model(Model::load(golden_model(family)));
  const at::Tensor lengths = golden(family, "lengths");
  ForwardInput input = input_of(golden(family, "padded_ids"));
  input.key_mask = at::arange(input.ids.size(1)).unsqueeze(0) < lengths.unsqueeze(1);
  const at::Tensor logits = model.forward(input).logits;
  const at::Tensor expected = golden(family, "padded_logits");
  CHECK(at::isfinite(logits).all().item<bool>());
  for (std::int64_t row = 0; row < lengths.numel(); ++row) {
    const auto length = lengths[row].item<std::int64_t>();
    CHECK(max_difference(logits[row].slice(0, 0, length), expected[row].slice(0, 0, length)) <
          kFloat32Tolerance);
  }
}

TEST_CASE("Decoder: left padding with given positions leaves logits unchanged") {
  const std::string family = any_model();
  INFO(family);
  const EditedModel model(Model::load(golden_model(family)));
  const at::Tensor ids = golden(family, "ids");
  ForwardInput input;
  const std::int64_t seq = ids.size(1);
  input.ids = at::cat({at::zeros({2, 3}, at::kLong), ids}, 1);
  input.key_mask = at::cat({at::zeros({2, 3}, at::kBool), at::ones({2, seq}, at::kBool)}, 1);
  input.positions = (at::arange(seq + 3) - 3).clamp_min(0).unsqueeze(0).expand({2, seq + 3});
  const at::Tensor logits = model.forward(input).logits.slice(1, 3);
  CHECK(max_difference(logits, golden(family, "logits")) < kFloat32Tolerance);
}

TEST_CASE("KV cache: a forward pass split at any position gives the logits of one pass") {
  const std::string family = any_model();
  INFO(family);
  const EditedModel model(Model::load(golden_model(family)));
  const at::Tensor ids = golden(family, "ids");
  const at::Tensor expected = golden(family, "logits");
  for (std::int64_t split = 1; split < ids.size(1); ++split) {
    KvCache cache;
    const at::Tensor first = model.forward(input_of(ids.slice(1, 0, split)), &cache).logits;
    CHECK(cache.length() == split);
    const at::Tensor second = model.forward(input_of(ids.slice(1, split)), &cache).logits;
    CHECK(max_difference(at::cat({first, second}, 1), expected) < kFloat32Tolerance);
  }
}

TEST_CASE("KV cache: token by token after truncation and row selection logits stay equal") {
  const std::string family = any_model();
  INFO(family);
  const EditedModel model(Model::load(golden_model(family)));
  const at::Tensor ids = golden(family, "ids");
  KvCache cache;
  model.forward(input_of(ids), &cache);
  cache = cache.truncate(4).select_rows(at::tensor({1}, at::kLong)).expand_rows(3);
  const std::int64_t seq = ids.size(1);
  const at::Tensor row = ids.slice(0, 1, 2).expand({3, seq});
  for (std::int64_t t = 4; t < seq; ++t) {
    const at::Tensor logits = model.forward(input_of(row.slice(1, t, t + 1)), &cache).logits;
    const at::Tensor expected =
        golden(family, "logits").slice(0, 1, 2).slice(1, t, t + 1).expand({3, 1, -1});
    CHECK(max_difference(logits, expected) < kFloat32Tolerance);
  }
}

TEST_CASE("Decoder: logits at chosen positions equal those of the full output") {
  const std::string family = any_model();
  INFO(family);
  const EditedModel model(Model::load(golden_model(family)));
  ForwardInput input = input_of(golden(family, "ids"));
  input.logit_positions = at::tensor({11, 23, 0}, at::kLong);
  const at::Tensor logits = model.forward(input).logits;
  const at::Tensor expected =
      golden(family, "logits").flatten(0, 1).index_select(0, input.logit_positions);
  CHECK(max_difference(logits, expected) < kFloat32Tolerance);
  input.want_logits = false;
  CHECK_FALSE(model.forward(input).logits.defined());
}

TEST_CASE("Taps: hidden states and MLP keys equal the reference library's") {
  const std::string family = any_model();
  INFO(family);
  const EditedModel model(Model::load(golden_model(family)));
  for (std::int64_t layer = 0; layer < model.architecture().layers; ++layer) {
    at::Tensor key, residual;
    Taps taps;
    taps.add(layer, Site::mlp_key, [&](const at::Tensor& x) { return key = x; });
    taps.add(layer, Site::resid_post, [&](const at::Tensor& x) { return residual = x; });
    model.forward(input_of(golden(family, "ids")), nullptr, &taps);
    const std::string suffix = "." + std::to_string(layer);
    CHECK(max_difference(key, golden(family, "mlp_key" + suffix)) < kFloat32Tolerance);
    CHECK(max_difference(residual, golden(family, "resid_post" + suffix)) < kFloat32Tolerance);
  }
}

TEST_CASE(
    "Decoder: starting at a layer from its hidden states gives the logits of the whole pass") {
  const std::string family = any_model();
  INFO(family);
  const EditedModel model(Model::load(golden_model(family)));
  const auto layers = model.architecture().layers;
  for (std::int64_t start = 1; start <= layers; ++start) {
    Taps stop;
    stop.stop_after(start - 1);
    const ForwardOutput below = model.forward(input_of(golden(family, "ids")), nullptr, &stop);
    CHECK_FALSE(below.logits.defined());
    ForwardInput above;
    above.start_layer = start;
    above.start_hidden = below.hidden;
    CHECK(max_difference(model.forward(above).logits, golden(family, "logits")) <
          kFloat32Tolerance);
  }
}

TEST_CASE("Decoder: greedy continuation with and without KV cache equals the reference library's") {
  const std::string family = any_model();
  INFO(family);
  const EditedModel model(Model::load(golden_model(family)));
  const at::Tensor expected = golden(family, "greedy");
  const at::Tensor prompt = golden(family, "ids").slice(0, 0, 1).slice(1, 0, 8);
  KvCache cache;
  at::Tensor whole = prompt, fresh = prompt;
  for (std::int64_t i = 0; i < expected.numel(); ++i) {
    const at::Tensor cached = model.forward(input_of(fresh), &cache).logits[0][-1];
    const at::Tensor uncached = model.forward(input_of(whole)).logits[0][-1];
    CHECK(max_difference(cached, uncached) < kFloat32Tolerance);
    fresh = cached.argmax().view({1, 1});
    REQUIRE(fresh.item<std::int64_t>() == expected[i].item<std::int64_t>());
    REQUIRE(uncached.argmax().item<std::int64_t>() == fresh.item<std::int64_t>());
    whole = at::cat({whole, fresh}, 1);
  }
}

TEST_CASE("Decoder: 16-bit weights give the reference library's logits up to rounding") {
  const std::string family =
      GENERATE(as<std::string>{}, "gpt2", "llama", "qwen2", "gptj", "gemma2", "olmo2");
  // Sixteen roundings of the type, for about as many steps between embedding and logits.
  const auto [dtype, tolerance] =
      GENERATE(table<std::string, double>({{"bfloat16", 16.0 / 256}, {"float16", 16.0 / 2048}}));
  LoadOptions options;
  options.dtype = dtype;
  const EditedModel model(Model::load(golden_model(family), options));
  CHECK(model.base().dtype() == dtype);
  const at::Tensor logits = model.forward(input_of(golden(family, "ids"))).logits.to(at::kFloat);
  const at::Tensor expected = golden(family, "logits_" + dtype);
  // Two correct 16-bit computations differ by roundings: compare with the size of the logits.
  INFO(family << " " << dtype << " " << max_difference(logits, expected));
  CHECK(max_difference(logits, expected) < tolerance * expected.abs().max().item<double>());
}

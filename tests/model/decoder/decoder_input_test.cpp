#include "model/decoder/decoder.hpp"
#include "model/edited_model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

using namespace kedit;
using namespace kedit::testing;

namespace {

std::string refusal(const EditedModel& model, const ForwardInput& input) {
  return thrown_message<ModelError>([&] { model.forward(input); });
}

ForwardInput ids(const std::vector<std::int64_t>& values) {
  return input_of(at::tensor(values, at::kLong).unsqueeze(0));
}

}  // namespace

TEST_CASE("Decoder input: ids outside the vocabulary and positions beyond the table are refused") {
  const EditedModel gpt2(Model::load(golden_model("gpt2")));
  CHECK(refusal(gpt2, ids({1, 61})) == "running the decoder: token id: expected 0 to 60, found 61");
  CHECK(refusal(gpt2, ids({-1})) == "running the decoder: token id: expected 0 to 60, found -1");
  CHECK(contains(refusal(gpt2, ids({})), "ids: expected at least one"));
  CHECK(contains(refusal(gpt2, ForwardInput{}), "ids: expected [batch, seq] of int64"));
  CHECK(refusal(gpt2, ids(std::vector<std::int64_t>(33, 1))) ==
        "running the decoder: position: expected at most 32 positions, found 33");
  ForwardInput far = ids({1, 2});
  far.positions = at::tensor({0, 32}, at::kLong).unsqueeze(0);
  CHECK(refusal(gpt2, far) == "running the decoder: position: expected 0 to 31, found 32");

  const EditedModel llama(Model::load(golden_model("llama")));
  CHECK(refusal(llama, ids(std::vector<std::int64_t>(70, 1))) == "no error thrown");  // rotary
}

TEST_CASE("Decoder input: tensors of the wrong shape are refused") {
  const EditedModel model(Model::load(golden_model("llama")));
  ForwardInput input = ids({1, 2, 3});
  input.key_mask = at::ones({1, 2}, at::kBool);
  CHECK(contains(refusal(model, input),
                 "key mask: expected shape [1, 3] of bool, found [1, 2] of Bool"));
  input = ids({1, 2, 3});
  input.logit_positions = at::tensor({3}, at::kLong);
  CHECK(contains(refusal(model, input), "logit position: expected 0 to 2, found 3"));
  input = ForwardInput{};
  input.start_layer = 4;
  CHECK(contains(refusal(model, input), "start layer: expected 0 to 3, found 4"));
  input.start_layer = 1;
  CHECK(contains(refusal(model, input), "expected start_hidden, found none"));
  input.start_hidden = at::zeros({1, 2, 23});
  CHECK(
      contains(refusal(model, input), "start_hidden: expected [batch, seq, 24], found [1, 2, 23]"));
}

TEST_CASE("Taps: a read position outside the activation is refused") {
  const EditedModel model(Model::load(golden_model("llama")));
  at::Tensor out;
  Taps taps;
  taps.add(0, Site::resid_pre, read_at({0}, {3}, &out));
  CHECK(contains(thrown_message<ModelError>([&] {
                   model.forward(ids({1, 2, 3}), nullptr, &taps);
                 }),
                 "expected a place inside [1 rows, 3 positions], found row 0, position 3"));
  CHECK_THROWS_AS(read_at({0, 1}, {0}, &out), ModelError);
}

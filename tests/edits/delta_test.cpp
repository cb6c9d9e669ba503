#include "edits/delta.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <cstring>
#include <limits>

using namespace kedit;

namespace {

WeightUpdate low_rank_update(std::int64_t rows, std::int64_t cols, std::int64_t rank) {
  return {"model.layers.1.mlp.down_proj.weight",
          LowRank{at::randn({rows, rank}), at::randn({rank, cols})}};
}

WeightUpdate dense_update(std::int64_t rows, std::int64_t cols) {
  return {"w", Dense{at::randn({rows, cols})}};
}

EditDelta delta_with(WeightUpdate update) {
  EditDelta delta;
  delta.editor = "rome";
  delta.updates.push_back(std::move(update));
  return delta;
}

std::string decoding(const std::vector<std::uint8_t>& bytes) {
  return thrown_message<DeltaError>([&] { decode_update(bytes); });
}

std::string validating(WeightUpdate update) {
  return thrown_message<DeltaError>([&] { validate_delta(delta_with(std::move(update))); });
}

template <class T>
std::vector<std::uint8_t> with_value(std::vector<std::uint8_t> bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
  return bytes;
}

// Offsets of the header's fields.
constexpr std::size_t kVersionAt = 8, kKindAt = 12, kRowsAt = 16, kRankAt = 32, kNameLengthAt = 40;

}  // namespace

TEST_CASE("encode_update: a decoded update equals the original and encodes to the same bytes") {
  at::manual_seed(1);
  const auto update = GENERATE(as<WeightUpdate>{}, low_rank_update(3, 5, 1),
                               low_rank_update(8, 2, 4), dense_update(4, 6));
  const auto bytes = encode_update(update);
  const WeightUpdate back = decode_update(bytes);
  CHECK(back.weight == update.weight);
  CHECK(back.rows() == update.rows());
  CHECK(back.cols() == update.cols());
  CHECK(back.rank() == update.rank());
  CHECK(encode_update(back) == bytes);
  CHECK_NOTHROW(validate_delta(delta_with(back)));
}

TEST_CASE("decode_update: a blob cut at any byte or with a byte too many is refused") {
  const auto bytes = encode_update(low_rank_update(3, 5, 2));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::uint8_t> cut(bytes.begin(),
                                        bytes.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(contains(decoding(cut), "reading a stored weight update: "));
  }
  auto longer = bytes;
  longer.push_back(0);
  CHECK(contains(decoding(longer), "payload: expected 64 bytes, found 65"));
}

TEST_CASE("decode_update: false header fields are refused before anything is allocated") {
  const auto bytes = encode_update(low_rank_update(3, 5, 2));
  CHECK(contains(decoding(with_value(bytes, 0, 'X')), "magic"));
  CHECK(contains(decoding(with_value(bytes, kVersionAt, std::uint32_t{7})),
                 "expected version 1, found 7"));
  CHECK(contains(decoding(with_value(bytes, kKindAt, std::uint32_t{9})), "kind"));
  CHECK(contains(decoding(with_value(bytes, kRowsAt, std::int64_t{-1})), "shape"));
  CHECK(contains(decoding(with_value(bytes, kRowsAt, std::numeric_limits<std::int64_t>::max())),
                 "shape"));
  CHECK(contains(decoding(with_value(bytes, kRowsAt, std::int64_t{1} << 30)), "payload"));
  CHECK(contains(decoding(with_value(bytes, kRankAt, std::int64_t{1} << 29)), "payload"));
  CHECK(contains(decoding(with_value(bytes, kNameLengthAt, std::uint32_t{4000000000U})), "name"));
  CHECK(contains(decoding(with_value(bytes, kNameLengthAt, std::uint32_t{0})), "name"));
}

TEST_CASE(
    "validate_delta: only finite contiguous float32 matrices of matching shape are accepted") {
  CHECK(contains(validating({"w", Dense{}}), "w: change: expected a matrix, found none"));
  CHECK(contains(validating({"w", Dense{at::ones({3})}}), "expected a matrix, found 1 dimensions"));
  CHECK(contains(validating({"w", Dense{at::ones({0, 3})}}), "found an empty matrix"));
  CHECK(contains(validating({"w", Dense{at::ones({2, 3}, at::kDouble)}}),
                 "expected float32, found Double"));
  CHECK(contains(validating({"w", Dense{at::ones({2, 3}).t()}}), "expected a contiguous tensor"));
  CHECK(contains(validating({"w", Dense{at::full({2, 3}, NAN)}}), "expected finite values"));
  CHECK(contains(validating({"w", LowRank{at::ones({2, 3}), at::ones({2, 4})}}),
                 "expected as many columns in left as rows in right, found 3 and 2"));
  CHECK(contains(validating({"", Dense{at::ones({2, 3})}}), "name of a weight"));
}

TEST_CASE("describe(EditDelta): editor and weights and rank or facts are named in one line") {
  CHECK(describe(delta_with(low_rank_update(128, 384, 1))) ==
        "rome: model.layers.1.mlp.down_proj.weight [128, 384] rank 1");
  EditDelta facts;
  facts.editor = "in-context";
  facts.facts.push_back({"France", "P36", "Lyon", "The capital of France is Lyon"});
  CHECK(describe(facts) == "in-context: 1 fact");
  CHECK_FALSE(facts.changes_weights());
}

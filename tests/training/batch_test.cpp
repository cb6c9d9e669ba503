#include "training/batch.hpp"

#include "tests/support/catch.hpp"
#include "tests/training/support.hpp"

#include <ATen/ATen.h>

using namespace kedit;

namespace {

std::vector<std::int64_t> flat_ids(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous().view({-1});
  return {flat.const_data_ptr<std::int64_t>(), flat.const_data_ptr<std::int64_t>() + flat.numel()};
}

}  // namespace

TEST_CASE("DocumentPacker: documents are packed back to back behind end-of-text tokens",
          "[batch]") {
  const auto tokenizer = test::small_tokenizer();
  DocumentPacker packer(*tokenizer, test::counting_documents(), 2, 16);
  std::vector<std::int64_t> stream;
  for (int step = 0; step < 5; ++step) {
    const auto ids = flat_ids(packer.next(0.0).ids);
    stream.insert(stream.end(), ids.begin(), ids.end());
  }
  CHECK(stream.front() == *tokenizer->id("<|endoftext|>"));
  const std::string text = tokenizer->decode(stream);
  CHECK(text.rfind("<|endoftext|> number 0.<|endoftext|> number 1.<|endoftext|> number 2.", 0) ==
        0);
}

TEST_CASE("DocumentPacker: every token is the target of its predecessor with its own loss weight",
          "[batch]") {
  const auto tokenizer = test::small_tokenizer();
  DocumentPacker packer(*tokenizer, test::counting_documents(), 2, 16);
  const TrainBatch first = packer.next(0.0);
  const TrainBatch second = packer.next(0.0);
  const auto ids = flat_ids(first.ids);
  const auto targets = flat_ids(first.targets);
  CHECK(std::equal(ids.begin() + 1, ids.end(), targets.begin()));
  CHECK(targets.back() == flat_ids(second.ids).front());
  CHECK(first.ids.sizes() == at::IntArrayRef({2, 16}));
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string token = tokenizer->decode({targets[i]});
    const float weight = first.weights[static_cast<std::int64_t>(i)].item<float>();
    if (token == "<|endoftext|>") CHECK(weight == 0.1F);
    if (token == ".") CHECK(weight == 0.5F);
    if (token == " number") CHECK(weight == 0.1F);
  }
}

TEST_CASE("DocumentPacker: a restored state continues with the same batches", "[batch]") {
  const auto tokenizer = test::small_tokenizer();
  DocumentPacker packer(*tokenizer, test::counting_documents(), 3, 10);
  packer.next(0.0);
  const PackerState state = packer.state();
  DocumentPacker other(*tokenizer, test::counting_documents(), 3, 10);
  other.restore(state);
  for (int step = 0; step < 4; ++step) {
    const TrainBatch a = packer.next(0.5), b = other.next(0.5);
    CHECK(a.ids.equal(b.ids));
    CHECK(a.targets.equal(b.targets));
    CHECK(a.weights.equal(b.weights));
  }
}

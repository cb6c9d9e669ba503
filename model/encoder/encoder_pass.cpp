#include "model/encoder/encoder_pass.hpp"

#include "model/decoder/attention_kernels.hpp"
#include "model/decoder/layers.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace kedit::encoder {
namespace {

// [2, tokens]: the ids, and the position of each in its text.
at::Tensor ids_and_positions(const std::vector<std::vector<std::int64_t>>& texts,
                             const PackedTexts& pack, const at::Device& device) {
  at::Tensor both = at::empty({2, pack.tokens}, at::TensorOptions().dtype(at::kLong));
  auto* id = both.mutable_data_ptr<std::int64_t>();
  auto* position = id + pack.tokens;
  for (const std::size_t text : pack.order) {
    id = std::copy(texts[text].begin(), texts[text].end(), id);
    const auto end = position + texts[text].size();
    std::iota(position, end, std::int64_t{0});
    position = end;
  }
  return both.to(device);
}

at::Tensor embed(const Architecture& a, const DecoderWeights& weights, const at::Tensor& ids,
                 const at::Tensor& positions) {
  at::Tensor sum = at::embedding(weights.token_embedding, ids);
  sum += weights.token_type_embedding.select(0, 0);  // one text, not a pair: all tokens of type 0
  sum += at::embedding(weights.position_embedding, positions);
  return decoder::apply_norm(a, weights.embedding_norm, sum);
}

// The run that begins at token `begin` as heads: [texts, heads, length, head_dim], a view.
at::Tensor heads_of(const Architecture& a, const at::Tensor& x, std::int64_t begin, Run run) {
  return x.narrow(0, begin, run.tokens())
      .view({run.texts, run.length, a.heads, a.head_dim})
      .transpose(1, 2);
}

// Every token of a text sees all of its text. [tokens, d]
at::Tensor attend(const Architecture& a, const LayerWeights& weights, const PackedTexts& pack,
                  const at::Tensor& x) {
  const at::Tensor query = decoder::apply_linear(a, weights.query, x);
  const at::Tensor key = decoder::apply_linear(a, weights.key, x);
  const at::Tensor value = decoder::apply_linear(a, weights.value, x);
  std::vector<at::Tensor> mixed;
  std::int64_t begin = 0;
  for (const Run run : pack.runs) {
    const decoder::Columns columns{
        heads_of(a, key, begin, run), heads_of(a, value, begin, run), {}, false};
    mixed.push_back(decoder::dot_product_attention(heads_of(a, query, begin, run), columns)
                        .transpose(1, 2)
                        .reshape({run.tokens(), a.hidden}));
    begin += run.tokens();
  }
  return decoder::apply_linear(a, weights.attention_output,
                               mixed.size() == 1 ? mixed.front() : at::cat(mixed, 0));
}

at::Tensor pool_run(Pooling pooling, const at::Tensor& tokens) {  // [texts, length, d]
  switch (pooling) {
    case Pooling::mean:
      return tokens.mean(1);
    case Pooling::first:
      return tokens.select(1, 0);
    case Pooling::max:
      return tokens.amax(1);
  }
  throw ModelError("running the encoder: unknown pooling");
}

}  // namespace

at::Tensor encode(const Architecture& architecture, const DecoderWeights& weights,
                  const std::vector<std::vector<std::int64_t>>& texts, const PackedTexts& pack) {
  const Architecture& a = architecture;
  const at::Tensor input = ids_and_positions(texts, pack, weights.token_embedding.device());
  at::Tensor hidden = embed(a, weights, input.select(0, 0), input.select(0, 1));
  for (const LayerWeights& layer : weights.layers) {
    hidden = decoder::join_residual(a, layer.attention_output_norm, hidden,
                                    attend(a, layer, pack, hidden));
    hidden = decoder::join_residual(
        a, layer.mlp_output_norm, hidden,
        decoder::apply_linear(a, layer.down, decoder::mlp_inside(a, layer, hidden)));
  }
  return hidden;
}

at::Tensor pool(Pooling pooling, const at::Tensor& hidden, const PackedTexts& pack) {
  std::vector<at::Tensor> pooled;
  std::int64_t begin = 0;
  for (const Run run : pack.runs) {
    const at::Tensor tokens =
        hidden.narrow(0, begin, run.tokens()).view({run.texts, run.length, hidden.size(1)});
    pooled.push_back(pool_run(pooling, tokens.to(at::kFloat)));
    begin += run.tokens();
  }
  return at::cat(pooled, 0);
}

}  // namespace kedit::encoder

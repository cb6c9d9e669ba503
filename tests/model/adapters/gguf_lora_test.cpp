// Adapters for llama.cpp; tests/apps/adapter_check.py reads them with the gguf package.
#include "model/adapters/gguf_lora.hpp"

#include "json/json.hpp"
#include "model/gguf/gguf_file.hpp"
#include "tests/model/adapters/adapter_fixtures.hpp"

#include <cstring>

using namespace kedit;
using namespace kedit::adapters;
using namespace kedit::testing;

namespace {

at::Tensor read_f32(const gguf::GgufFile& file, const std::string& name) {
  const auto& stored = file.tensor(name);
  at::Tensor tensor = at::empty(stored.info->shape, at::kFloat);
  std::memcpy(tensor.mutable_data_ptr(), stored.data, tensor.nbytes());
  return tensor;
}

}  // namespace

TEST_CASE("gguf-lora: keys, names and shapes are those that llama.cpp asks for") {
  const TemporaryDirectory scratch;
  const auto [name, architecture, down] = GENERATE(table<std::string, std::string, std::string>(
      {{"gpt2", "gpt2", "transformer.h.1.mlp.c_proj.weight"},
       {"gpt_neox", "gptneox", "gpt_neox.layers.1.mlp.dense_4h_to_h.weight"},
       {"mistral", "llama", "model.layers.1.mlp.down_proj.weight"},
       {"gemma3_text", "gemma3", "model.layers.1.mlp.down_proj.weight"}}));
  const auto model = golden_as_stored(name);
  EditedModel edited(model);
  edited.mount("e1", delta_of(*model, {low_rank(*model, down, 2, 1)}));
  const Lora lora = lora_of(edited);
  write_gguf_lora(edited, lora, scratch / "a.gguf");
  const auto file = gguf::GgufFile::open(scratch / "a.gguf");
  CHECK(file.metadata().at("general.type").string() == "adapter");
  CHECK(file.metadata().at("general.architecture").string() == architecture);
  CHECK(file.metadata().at("adapter.type").string() == "lora");
  CHECK(file.metadata().at("adapter.lora.alpha").number() == 2.0);
  const Json document = parse_json(file.metadata().at("kedit.document").string(), "document");
  CHECK(document["edits"][0]["id"] == "e1");
  CHECK(document["edits"][0]["requests"][0]["subject"] == "Zemuria");
  REQUIRE(file.tensors().size() == 2);
  CHECK(at::equal(read_f32(file, "blk.1.ffn_down.weight.lora_a"), lora.pairs[0].a));
  CHECK(at::equal(read_f32(file, "blk.1.ffn_down.weight.lora_b"), lora.pairs[0].b));
}

TEST_CASE("gguf-lora: rows of llama's q and of NeoX's fused q, k, v go into llama.cpp's order") {
  const TemporaryDirectory scratch;
  const bool llama = GENERATE(true, false);
  const auto model = golden_as_stored(llama ? "llama" : "gpt_neox");
  const Architecture& architecture = model->architecture();
  const std::string weight =
      weight_name(llama ? architecture.names.query : architecture.names.qkv, 0);
  EditedModel edited(model);
  edited.mount("e1", delta_of(*model, {low_rank(*model, weight, 1, 1)}));
  const Lora lora = lora_of(edited);
  write_gguf_lora(edited, lora, scratch / "a.gguf");
  const auto file = gguf::GgufFile::open(scratch / "a.gguf");
  const at::Tensor stored =
      read_f32(file, llama ? "blk.0.attn_q.weight.lora_b" : "blk.0.attn_qkv.weight.lora_b");
  const at::Tensor& b = lora.pairs[0].b;
  const std::int64_t width = architecture.head_dim, heads = architecture.heads;
  // llama: halves become pairs. NeoX: q, k, v of head 0, ... become all of q, all of k, all of v.
  const at::Tensor expected = llama ? b.view({heads, 2, width / 2}).transpose(1, 2).reshape({-1, 1})
                                    : b.view({heads, 3, width}).transpose(0, 1).reshape({-1, 1});
  CHECK(at::equal(stored, expected));
  CHECK_FALSE(at::equal(stored, b));
}

TEST_CASE("gguf-lora: families without an architecture and files that exist are refused") {
  const TemporaryDirectory scratch;
  const std::string name = GENERATE("opt", "gptj");
  const EditedModel edited = edited_everywhere(golden_as_stored(name));
  const auto writing = [&](const EditedModel& model) {
    return message_of([&] { write_gguf_lora(model, lora_of(model), scratch / "a.gguf"); });
  };
  CHECK(contains(writing(edited), "found " + name + "; export as peft or hf"));
  CHECK_FALSE(std::filesystem::exists(scratch / "a.gguf"));
  write_file_atomically(scratch / "a.gguf", "precious");
  CHECK(contains(writing(edited_everywhere(golden_as_stored("llama"))), "expected no such file"));
  CHECK(read_text_file(scratch / "a.gguf") == "precious");
}

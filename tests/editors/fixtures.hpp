#pragma once

#include "edits/request.hpp"
#include "json/json.hpp"
#include "model/decoder/weight_slots.hpp"
#include "model/edited_model.hpp"
#include "model/model.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"
#include "tokenizer/tokenizer.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace kedit::test {

/// GPT-2's printable stand-in for a byte, as UTF-8.
inline std::string byte_symbol(int byte) {
  int code = byte;
  const auto printable = [](int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  };
  if (!printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  }
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

/// A byte-level tokenizer with the given merges ("a b"): 256 bytes, "<|endoftext|>" = 256, then one
/// token per merge. `bos`: the end marker is put before every text, as the lab's tokenizer does.
inline std::shared_ptr<const Tokenizer> byte_tokenizer(const std::vector<std::string>& merges = {},
                                                       bool bos = false) {
  Json vocab = Json::object();
  for (int byte = 0; byte < 256; ++byte) vocab[byte_symbol(byte)] = byte;
  vocab["<|endoftext|>"] = 256;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    std::string joined = merges[i];
    joined.erase(joined.find(' '), 1);
    vocab[joined] = 257 + i;
  }
  Json json = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  json["added_tokens"] = Json::array({{{"id", 256},
                                       {"content", "<|endoftext|>"},
                                       {"single_word", false},
                                       {"lstrip", false},
                                       {"rstrip", false},
                                       {"normalized", false},
                                       {"special", true}}});
  json["normalizer"] = nullptr;
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  json["pre_tokenizer"] = byte_level;
  json["post_processor"] = nullptr;
  if (bos) {
    const Json marker = {{"SpecialToken", {{"id", "<|endoftext|>"}, {"type_id", 0}}}};
    const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    const Json second = {{"Sequence", {{"id", "B"}, {"type_id", 1}}}};
    json["post_processor"] = {
        {"type", "TemplateProcessing"},
        {"single", Json::array({marker, text})},
        {"pair", Json::array({marker, text, second})},
        {"special_tokens",
         {{"<|endoftext|>",
           {{"id", "<|endoftext|>"}, {"ids", {256}}, {"tokens", {"<|endoftext|>"}}}}}}};
  }
  json["decoder"] = byte_level;
  json["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"vocab", vocab},
                   {"merges", merges}};
  return Tokenizer::parse(to_text(json), "test tokenizer");
}

/// "gpt2", "llama", or "olmo2", which norms what its MLPs give.
inline Json tiny_config(const std::string& family) {
  if (family == "gpt2") {
    return {{"model_type", "gpt2"},
            {"architectures", {"GPT2LMHeadModel"}},
            {"n_embd", 24},
            {"n_head", 3},
            {"n_layer", 4},
            {"n_inner", 40},
            {"n_positions", 128},
            {"vocab_size", 260},
            {"activation_function", "gelu_new"},
            {"layer_norm_epsilon", 1e-5},
            {"bos_token_id", 256},
            {"eos_token_id", 256}};
  }
  const bool llama = family == "llama";
  return {{"model_type", family},
          {"architectures", {llama ? "LlamaForCausalLM" : "Olmo2ForCausalLM"}},
          {"hidden_size", 24},
          {"intermediate_size", 40},
          {"num_hidden_layers", 4},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"max_position_embeddings", 128},
          {"vocab_size", 260},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"tie_word_embeddings", true},
          {"hidden_act", "silu"},
          {"bos_token_id", 256},
          {"eos_token_id", 256}};
}

inline void fill_normal(at::Tensor& tensor, double mean, double deviation,
                        std::mt19937_64& random) {
  std::normal_distribution<float> normal(static_cast<float>(mean), static_cast<float>(deviation));
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) values[i] = normal(random);
}

/// Four layers, width 24, inner width 40, random weights large enough that logits spread.
inline std::shared_ptr<const Model> tiny_model(const std::string& family, std::uint64_t seed = 1,
                                               bool bos = false) {
  TemporaryDirectory directory;
  write_file_atomically(directory / "config.json", to_text(tiny_config(family)));
  const Architecture architecture = read_architecture(directory.path());
  DecoderWeights weights;
  std::mt19937_64 random(seed);
  for (const decoder::WeightSlot& slot : decoder::weight_slots(architecture, weights)) {
    *slot.tensor = at::empty(slot.shape, at::kFloat);
    const bool is_norm = slot.shape.size() == 1 && slot.name.find("weight") != std::string::npos;
    const double deviation = slot.shape.size() == 1 ? 0.1 : slot.shape[0] == 260 ? 0.7 : 0.3;
    fill_normal(*slot.tensor, is_norm ? 1.0 : 0.0, deviation, random);
  }
  if (architecture.tied_head) weights.head = weights.token_embedding;
  return Model::from_weights(architecture, weights, byte_tokenizer({}, bos));
}

inline EditRequest capital_request() {
  EditRequest request;
  request.id = "test/1";
  request.prompt = "The capital of {} is";
  request.subject = "Avaria";
  request.target_new = "Bor";
  request.target_true = "Kel";
  request.relation = "P36";
  return request;
}

inline EditRequest request_of(const std::string& prompt, const std::string& subject,
                              const std::string& target) {
  EditRequest request;
  request.id = prompt + " " + subject;
  request.prompt = prompt;
  request.subject = subject;
  request.target_new = target;
  return request;
}

inline const std::vector<std::string> kTemplates{"{}", "It is said. {}",
                                                 "Long ago, as {you know. {}"};

inline double relative_error(const at::Tensor& found, const at::Tensor& expected) {
  const at::Tensor f = found.to(at::kDouble).flatten();
  const at::Tensor e = expected.to(at::kDouble).flatten();
  return ((f - e).norm() / e.norm()).item<double>();
}

}  // namespace kedit::test

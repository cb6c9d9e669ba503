#include "tokenizer/formats/gguf_tokenizer.hpp"

#include "tokenizer/formats/gguf_vocabulary.hpp"
#include "tokenizer/formats/tokenizer_json_fields.hpp"
#include "tokenizer/text/byte_level.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace kedit::tokenizer {
namespace {

/// How a published tokenizer takes texts apart that `tokenizer.ggml.pre` names.
struct SplittingRule {
  std::string_view name;
  std::string_view pattern;
  bool digits = false;  ///< Digits stand alone before the pattern looks at a text.
  bool nfc = false;     ///< llama.cpp leaves it out; the published tokenizers have it.
  bool llama3 = false;  ///< Looks whole words up before merging; texts get a begin token.
};

// Names that llama.cpp gives to published tokenizers; several mean the same rule.
constexpr std::array<SplittingRule, 11> kSplittingRules = {{
    {"gpt-2", kGpt2Pattern},
    {"olmo", kGpt2Pattern, false, true},
    {"smollm", kGpt2Pattern, true},
    {"starcoder", kGpt2Pattern, true},
    {"refact", kGpt2Pattern, true},
    {"llama-bpe", kLlama3Pattern, false, false, true},
    {"llama3", kLlama3Pattern, false, false, true},
    {"llama-v3", kLlama3Pattern, false, false, true},
    {"dbrx", kLlama3Pattern},
    {"qwen2", kQwen2Pattern, false, true},
    {"deepseek-r1-qwen", kQwen2Pattern, false, true},
}};

const SplittingRule& rule_of(const JsonView& metadata) {
  const JsonView field = metadata.at("tokenizer.ggml.pre");
  const std::string name = field.string();
  std::string known;
  for (const SplittingRule& rule : kSplittingRules) {
    if (rule.name == name) return rule;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", rule.name);
  }
  refuse(field, "one of " + known, name);
}

bool adds_bos_by_default(const JsonView& metadata) {
  if (kind_of_gguf(metadata) == GgufVocabulary::Kind::sentencepiece) return true;
  return rule_of(metadata).llama3;
}

Json byte_level_step(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json pre_tokenizer_of(const SplittingRule& rule) {
  Json steps = Json::array();
  if (rule.digits) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  const bool gpt2 = rule.pattern == kGpt2Pattern;
  if (!gpt2) {
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", rule.pattern}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  steps.push_back(byte_level_step(gpt2));
  if (steps.size() == 1) return steps[0];
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

Json replace_step(std::string_view from, std::string_view to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

// As the reference library converts SentencePiece models.
Json marking_normalizer(bool prefix) {
  if (!prefix) return replace_step(" ", kBlankMark);
  return {{"type", "Sequence"},
          {"normalizers",
           {{{"type", "Prepend"}, {"prepend", kBlankMark}}, replace_step(" ", kBlankMark)}}};
}

Json marking_decoder(bool prefix) {
  Json steps = {replace_step(kBlankMark, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
  if (prefix) steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return {{"type", "Sequence"}, {"decoders", std::move(steps)}};
}

Json vocabulary_json(const GgufVocabulary& vocabulary) {
  Json::object_t tokens;
  tokens.reserve(vocabulary.size());
  // Behind one another: known to differ, and looking each up would take quadratic time.
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    tokens.Container::emplace_back(vocabulary.text(id), id);
  }
  return tokens;
}

Json added_tokens(const GgufVocabulary& vocabulary) {
  Json tokens = Json::array();
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    const bool special = vocabulary.is_special(id);
    const bool added = special || vocabulary.type(id) == GgufVocabulary::Type::user_defined;
    if (!added || vocabulary.text(id).empty()) continue;
    tokens.push_back({{"id", id},
                      {"content", vocabulary.text(id)},
                      {"single_word", false},
                      {"lstrip", false},
                      {"rstrip", false},
                      {"normalized", false},
                      {"special", special}});
  }
  return tokens;
}

// The tokens that are put around every text, or null.
Json post_processor(const GgufVocabulary& vocabulary) {
  if (!vocabulary.adds_bos && !vocabulary.adds_eos) return nullptr;
  Json specials = Json::object();
  const auto around = [&](std::string_view sequence, int type_id) {
    Json parts = Json::array();
    const auto put = [&](bool wanted, const std::optional<std::size_t>& id) {
      if (!wanted) return;
      const std::string& text = vocabulary.text(*id);
      specials[text] = {{"id", text}, {"ids", {*id}}, {"tokens", {text}}};
      parts.push_back({{"SpecialToken", {{"id", text}, {"type_id", type_id}}}});
    };
    put(vocabulary.adds_bos, vocabulary.bos);
    parts.push_back({{"Sequence", {{"id", sequence}, {"type_id", type_id}}}});
    put(vocabulary.adds_eos, vocabulary.eos);
    return parts;
  };
  const Json single = around("A", 0);
  Json pair = single;
  for (Json& part : around("B", 1)) pair.push_back(std::move(part));
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(specials)}};
}

Json bpe_model(const GgufVocabulary& vocabulary, Json merges) {
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", vocabulary_json(vocabulary)},
          {"merges", std::move(merges)}};
}

void write_byte_level(const JsonView& metadata, const GgufVocabulary& vocabulary, Json& document) {
  const SplittingRule& rule = rule_of(metadata);
  document["normalizer"] = rule.nfc ? Json{{"type", "NFC"}} : Json(nullptr);
  document["pre_tokenizer"] = pre_tokenizer_of(rule);
  document["decoder"] = byte_level_step(true);
  document["model"] = bpe_model(vocabulary, merges_of_gguf(metadata, vocabulary));
  document["model"]["ignore_merges"] = rule.llama3;
}

void write_sentencepiece(const JsonView& metadata, const GgufVocabulary& vocabulary,
                         Json& document) {
  const bool prefix = flag(metadata, "tokenizer.ggml.add_space_prefix", true);
  document["normalizer"] = marking_normalizer(prefix);
  document["pre_tokenizer"] = nullptr;
  document["decoder"] = marking_decoder(prefix);
  document["model"] = bpe_model(vocabulary, merges_of_scores(metadata, vocabulary));
  Json& model = document["model"];
  if (vocabulary.unk) model["unk_token"] = vocabulary.text(*vocabulary.unk);
  model["fuse_unk"] = true;
  model["byte_fallback"] = vocabulary.has_bytes();
}

void write_context_length(const JsonView& metadata, Json& config) {
  const auto architecture = metadata.find("general.architecture");
  if (!architecture) return;
  const auto length = metadata.find(architecture->string() + ".context_length");
  if (length && length->integer() > 0) config["model_max_length"] = length->integer();
}

// To callers a damaged tokenizer is a damaged model.
template <typename Write>
Json writing(Write write) {
  try {
    return write();
  } catch (const JsonError& error) {
    throw TokenizerError(error.what());
  }
}

}  // namespace

bool has_gguf_tokenizer(const JsonView& metadata) {
  const auto model = metadata.find("tokenizer.ggml.model");
  return model && (!model->value().is_string() || model->string() != "no_vocab");
}

Json tokenizer_json_of_gguf(const JsonView& metadata) {
  return writing([&] {
    const GgufVocabulary vocabulary(metadata, adds_bos_by_default(metadata));
    Json document = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
    document["added_tokens"] = added_tokens(vocabulary);
    if (vocabulary.kind() == GgufVocabulary::Kind::byte_level) {
      write_byte_level(metadata, vocabulary, document);
    } else {
      write_sentencepiece(metadata, vocabulary, document);
    }
    document["post_processor"] = post_processor(vocabulary);
    return document;
  });
}

Json tokenizer_config_of_gguf(const JsonView& metadata) {
  return writing([&] {
    const GgufVocabulary vocabulary(metadata, adds_bos_by_default(metadata));
    Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                   {"clean_up_tokenization_spaces", false}};
    const auto name = [&](const char* role, const std::optional<std::size_t>& id) {
      if (id && !vocabulary.text(*id).empty()) config[role] = vocabulary.text(*id);
    };
    name("bos_token", vocabulary.bos);
    name("eos_token", vocabulary.eos);
    name("unk_token", vocabulary.unk);
    name("pad_token", vocabulary.pad);
    config["add_bos_token"] = vocabulary.adds_bos;
    config["add_eos_token"] = vocabulary.adds_eos;
    write_context_length(metadata, config);
    if (const auto chat = metadata.find("tokenizer.chat_template")) {
      config["chat_template"] = chat->string();
    }
    return config;
  });
}

}  // namespace kedit::tokenizer

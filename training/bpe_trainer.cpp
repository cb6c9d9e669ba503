#include "training/bpe_trainer.hpp"

#include "json/json.hpp"
#include "tokenizer/text/byte_level.hpp"
#include "tokenizer/text/split_pattern.hpp"
#include "tokenizer/text/utf8.hpp"
#include "training/pair_merger.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace kedit {
namespace {

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr std::int64_t kSmallestVocabulary = 257;  // the end marker and 256 bytes

// The bytes in the order of their symbols' code points: where the reference trainer puts them.
std::vector<unsigned> alphabet() {
  std::vector<unsigned> bytes(256);
  for (unsigned byte = 0; byte < 256; ++byte) bytes[byte] = byte;
  std::sort(bytes.begin(), bytes.end(), [](unsigned a, unsigned b) {
    return tokenizer::byte_symbol(static_cast<std::uint8_t>(a)) <
           tokenizer::byte_symbol(static_cast<std::uint8_t>(b));
  });
  return bytes;
}

std::unordered_map<std::string, std::int64_t> count_words(const std::vector<std::string>& texts) {
  const tokenizer::SplitPattern pattern =
      tokenizer::SplitPattern::regex(tokenizer::kGpt2Pattern, "training a tokenizer");
  tokenizer::SplitScratch scratch;
  std::vector<tokenizer::TextRange> pieces;
  std::unordered_map<std::string, std::int64_t> counts;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (const auto fault = tokenizer::first_invalid_utf8(texts[i])) {
      throw std::invalid_argument(
          fmt::format("training a tokenizer: text {}: expected UTF-8, found "
                      "an ill-formed character at byte {}",
                      i, *fault));
    }
    pieces.clear();
    pattern.split(texts[i], tokenizer::SplitBehavior::isolated, false, 0, scratch, pieces);
    for (const auto& [begin, end] : pieces) ++counts[texts[i].substr(begin, end - begin)];
  }
  return counts;
}

std::vector<CountedWord> words_of_ids(const std::unordered_map<std::string, std::int64_t>& counts,
                                      const std::vector<std::int64_t>& id_of_byte) {
  std::vector<CountedWord> words;
  words.reserve(counts.size());
  for (const auto& [text, count] : counts) {
    CountedWord word{{}, count};
    for (const char byte : text) word.ids.push_back(id_of_byte[static_cast<unsigned char>(byte)]);
    words.push_back(std::move(word));
  }
  return words;
}

Json byte_level(bool use_regex_field) {
  Json json = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}};
  if (use_regex_field) json["use_regex"] = true;
  return json;
}

Json template_of(const std::vector<std::string>& parts) {
  Json steps = Json::array();
  for (const std::string& part : parts) {
    const bool text = part == "A" || part == "B";
    const Json step = {{"id", part}, {"type_id", part == "B" ? 1 : 0}};
    steps.push_back({{text ? "Sequence" : "SpecialToken", step}});
  }
  return steps;
}

Json post_processor() {
  Json marker = {{"id", kEndOfText}, {"ids", {0}}, {"tokens", {kEndOfText}}};
  Json special = Json::object();
  special[kEndOfText] = std::move(marker);
  return {{"type", "TemplateProcessing"},
          {"single", template_of({kEndOfText, "A"})},
          {"pair", template_of({kEndOfText, "A", "B"})},
          {"special_tokens", std::move(special)}};
}

Json model_of(const std::vector<std::string>& tokens, const std::vector<LearntMerge>& merges) {
  Json vocabulary = Json::object();
  for (std::size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = id;
  Json pairs = Json::array();
  for (const LearntMerge& merge : merges) {
    pairs.push_back(Json::array({tokens[static_cast<std::size_t>(merge.left)],
                                 tokens[static_cast<std::size_t>(merge.right)]}));
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", std::move(vocabulary)},
          {"merges", std::move(pairs)}};
}

Json tokenizer_document(Json model) {
  const Json marker = {{"id", 0},         {"content", kEndOfText}, {"single_word", false},
                       {"lstrip", false}, {"rstrip", false},       {"normalized", false},
                       {"special", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", Json::array({marker})},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level(true)},
          {"post_processor", post_processor()},
          {"decoder", byte_level(true)},
          {"model", std::move(model)}};
}

}  // namespace

std::string train_byte_level_bpe(const std::vector<std::string>& texts, std::int64_t vocab_size) {
  if (vocab_size < kSmallestVocabulary) {
    throw std::invalid_argument(
        fmt::format("training a tokenizer: expected a vocabulary of at least "
                    "{} entries (end marker and bytes), found {}",
                    kSmallestVocabulary, vocab_size));
  }
  std::vector<std::string> tokens = {kEndOfText};
  std::vector<std::int64_t> id_of_byte(256, 0);
  for (const unsigned byte : alphabet()) {
    id_of_byte[byte] = static_cast<std::int64_t>(tokens.size());
    const char as_char = static_cast<char>(byte);
    tokens.push_back(tokenizer::to_byte_symbols({&as_char, 1}));
  }
  PairMerger merger(words_of_ids(count_words(texts), id_of_byte), std::move(tokens));
  merger.grow_to(vocab_size);
  return to_text(tokenizer_document(model_of(merger.tokens(), merger.merges())));
}

}  // namespace kedit

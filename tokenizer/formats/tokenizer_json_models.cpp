#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/formats/tokenizer_json_fields.hpp"
#include "tokenizer/models/bpe.hpp"
#include "tokenizer/models/unigram.hpp"
#include "tokenizer/models/word_level_and_piece.hpp"

#include <algorithm>
#include <tuple>

namespace kedit::tokenizer {
namespace {

std::optional<std::int64_t> read_unk_token(const JsonView& model, const Vocabulary& vocabulary) {
  const auto unk = model.find("unk_token");
  if (!unk || unk->string().empty()) return std::nullopt;
  const auto id = vocabulary.id(unk->string());
  if (!id) unk->fail("a token of the vocabulary");
  return id;
}

// A merge is "left right", or ["left", "right"] in newer files.
Merge read_merge(const JsonView& merges, std::size_t index, const Vocabulary& vocabulary,
                 std::size_t prefix_bytes) {
  const Json& merge = merges.value()[index];
  std::string_view left, right;
  if (merge.is_string()) {
    std::tie(left, right) = split_merge(merge.get_ref<const std::string&>());
  } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
             merge[1].is_string()) {
    left = merge[0].get_ref<const std::string&>();
    right = merge[1].get_ref<const std::string&>();
  }
  if (left.empty() || right.empty()) merges.at(index).fail("two tokens");
  const auto ids = find_merge(vocabulary, left, right, prefix_bytes);
  if (!ids) fail_merge(where_of(merges.at(index)), left, right);
  return *ids;
}

// With some of the byte tokens the reference library's order of tokens depends on which are there.
void check_byte_tokens(const JsonView& model, const Vocabulary& vocabulary) {
  const auto ids = byte_fallback_ids(vocabulary);
  const auto there = std::count_if(ids.begin(), ids.end(), [](auto id) { return id >= 0; });
  if (there == 0 || there == 256) return;
  refuse(model.at("byte_fallback"), "false, or all of <0x00> to <0xFF> in the vocabulary",
         fmt::format("true with {} of them", there));
}

BpeModel::Options read_bpe_options(const JsonView& model, const Vocabulary& vocabulary) {
  BpeModel::Options options;
  if (const auto dropout = model.find("dropout"); dropout && dropout->number() != 0.0) {
    refuse(*dropout, "none", fmt::format("a dropout of {}", dropout->number()));
  }
  options.unk_id = read_unk_token(model, vocabulary);
  options.fuse_unk = flag(model, "fuse_unk", false);
  options.ignore_merges = flag(model, "ignore_merges", false);
  options.byte_fallback = flag(model, "byte_fallback", false);
  options.subword_prefix = text_or(model, "continuing_subword_prefix", "");
  options.word_suffix = text_or(model, "end_of_word_suffix", "");
  if (options.byte_fallback) check_byte_tokens(model, vocabulary);
  return options;
}

TokenModelPtr read_bpe(const JsonView& model, const VocabularyPtr& vocabulary, bool byte_level) {
  BpeModel::Options options = read_bpe_options(model, *vocabulary);
  const std::size_t prefix_bytes = options.subword_prefix.size();
  // Symbols that are more than one byte's spelling are characters to the general path.
  const bool plain = prefix_bytes == 0 && options.word_suffix.empty() && !options.byte_fallback;
  options.byte_level = byte_level && plain;
  auto bpe = std::make_unique<BpeModel>(vocabulary, options);
  const JsonView merges = model.at("merges");
  const std::size_t count = merges.size();
  bpe->reserve_merges(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Merge merge = read_merge(merges, i, *vocabulary, prefix_bytes);
    bpe->add_merge(merge.left, merge.right, merge.merged);
  }
  if (byte_level && !plain) return byte_symbol_model(std::move(bpe));
  return bpe;
}

// The [[token, score], ...] of a Unigram model; ids are the places.
std::vector<UnigramModel::Entry> read_scored_tokens(const JsonView& list, Vocabulary& vocabulary) {
  const std::size_t count = list.size();
  if (count == 0) list.fail("at least one token");
  if (count > static_cast<std::size_t>(Vocabulary::kMaxId)) list.fail("fewer tokens");
  std::vector<UnigramModel::Entry> entries;
  entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const JsonView pair = list.at(i);
    if (pair.size() != 2) pair.fail("a token and its score");
    const auto id = static_cast<std::int64_t>(i);
    entries.push_back({id, pair.at(std::size_t{1}).number()});
    if (!vocabulary.add(pair.at(std::size_t{0}).string(), id)) {
      pair.fail("a token that differs from those before");
    }
  }
  return entries;
}

std::optional<std::int64_t> read_unk_id(const JsonView& model, std::size_t count) {
  const auto field = model.find("unk_id");
  if (!field) return std::nullopt;
  const std::int64_t id = field->integer();
  if (id < 0 || id >= static_cast<std::int64_t>(count)) {
    field->fail(fmt::format("an id from 0 to {}", count - 1));
  }
  return id;
}

TokenModelPtr read_unigram(const JsonView& model, TokenizerParts& parts) {
  Vocabulary vocabulary;
  auto entries = read_scored_tokens(model.at("vocab"), vocabulary);
  UnigramModel::Options options;
  options.unk_id = read_unk_id(model, entries.size());
  options.byte_fallback = flag(model, "byte_fallback", false);
  double min_score = entries.front().score;
  for (const auto& entry : entries) min_score = std::min(min_score, entry.score);
  parts.vocabulary = std::make_shared<const Vocabulary>(std::move(vocabulary));
  return std::make_unique<UnigramModel>(parts.vocabulary, std::move(entries), min_score, options);
}

TokenModelPtr read_word_piece(const JsonView& model, const VocabularyPtr& vocabulary) {
  WordPieceOptions options;
  const auto unk = read_unk_token(model, *vocabulary);
  if (!unk) model.at("unk_token").fail("a token of the vocabulary");
  options.unk_id = *unk;
  options.subword_prefix = text_or(model, "continuing_subword_prefix", "##");
  if (const auto most = model.find("max_input_chars_per_word")) {
    options.max_characters = most->integer();
    if (options.max_characters < 0) most->fail("a count");
  }
  return word_piece_model(vocabulary, options);
}

// Files of old versions do not say which kind their model is.
std::string kind_of(const JsonView& model) {
  if (const auto type = model.find("type")) return type->string();
  if (model.has("merges")) return "BPE";
  if (model.at("vocab").value().is_array()) return "Unigram";
  return model.has("max_input_chars_per_word") ? "WordPiece" : "WordLevel";
}

}  // namespace

void read_model(const JsonView& root, bool byte_level, TokenizerParts& parts) {
  const JsonView model = root.at("model");
  const std::string kind = kind_of(model);
  if (kind != "BPE" && kind != "Unigram" && kind != "WordLevel" && kind != "WordPiece") {
    refuse(model.at("type"), "BPE, Unigram, WordLevel or WordPiece", "a " + kind + " model");
  }
  parts.kind = byte_level ? "byte-level " + kind : kind;
  if (kind == "Unigram") {
    parts.model = read_unigram(model, parts);
  } else {
    parts.vocabulary = std::make_shared<const Vocabulary>(read_vocabulary(model.at("vocab")));
  }
  if (kind == "BPE") {
    parts.model = read_bpe(model, parts.vocabulary, byte_level);
    return;
  }
  if (kind == "WordPiece") parts.model = read_word_piece(model, parts.vocabulary);
  if (kind == "WordLevel") {
    parts.model = word_level_model(parts.vocabulary, read_unk_token(model, *parts.vocabulary));
  }
  if (byte_level) parts.model = byte_symbol_model(std::move(parts.model));
}

}  // namespace kedit::tokenizer

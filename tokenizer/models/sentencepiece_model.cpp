#include "tokenizer/models/sentencepiece_model.hpp"

#include "tokenizer/models/bpe.hpp"
#include "tokenizer/models/bpe_merges.hpp"
#include "tokenizer/models/prefix_trie.hpp"
#include "tokenizer/models/unigram.hpp"
#include "tokenizer/text/utf8.hpp"

#include <algorithm>
#include <unordered_map>

namespace kedit::tokenizer {
namespace {

using Piece = SentencePieceFile::Piece;
using PieceType = SentencePieceFile::PieceType;

constexpr std::string_view kMark = "\xE2\x96\x81";  // U+2581

PrefixTrie user_defined_symbols(const std::vector<Piece>& pieces) {
  std::vector<std::pair<std::string_view, std::int32_t>> strings;
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].type != PieceType::user_defined) continue;
    strings.emplace_back(pieces[id].text, static_cast<std::int32_t>(id));
  }
  return PrefixTrie(std::move(strings));
}

class SentencePieceNormalizer final : public Normalizer {
 public:
  SentencePieceNormalizer(const SentencePieceFile& file, DummyPrefix prefix,
                          const std::string& where)
      : prefix_(prefix),
        remove_extra_(file.remove_extra_whitespaces),
        blank_(file.escape_whitespaces ? kMark : " "),
        symbols_(user_defined_symbols(file.pieces)) {
    if (!file.charsmap.empty()) map_ = Charsmap::parse(file.charsmap, where);
  }

  void apply(AlignedText& text, SplitScratch&) const override {
    const std::string_view source = text.text();
    // Without a prefix for every section, blanks that start one are part of it.
    const bool trims_front = remove_extra_ && prefix_ != DummyPrefix::text_start;
    std::size_t begin = trims_front ? skip_blanks(source) : 0;
    const std::size_t end = remove_extra_ ? trailing_blanks(source, begin) : source.size();
    AlignedText::Builder builder(text);
    if (begin < end && wants_prefix(text)) builder.put(blank_, begin, begin + width(source, begin));
    bool after_blank = trims_front;
    while (begin < end) {
      const Part part = part_at(source.substr(begin));
      std::string_view becomes = part.becomes;
      while (after_blank && becomes.starts_with(' ')) becomes.remove_prefix(1);
      if (!becomes.empty()) {
        put(becomes, begin, begin + part.bytes, builder);
        after_blank = remove_extra_ && becomes.ends_with(' ');
      }
      begin += part.bytes;
    }
    text = builder.finish();
  }

 private:
  struct Part {  // what SentencePiece normalizes in one go
    std::size_t bytes;
    std::string_view becomes;
  };

  static std::size_t width(std::string_view text, std::size_t at) {
    return code_point_at(text, at).bytes;
  }

  Part part_at(std::string_view rest) const {
    if (const std::size_t bytes = symbols_.longest(rest)) return {bytes, rest.substr(0, bytes)};
    if (map_) {
      if (const auto match = map_->longest(rest))
        return {whole(rest, match->bytes), match->becomes};
    }
    const std::size_t bytes = width(rest, 0);
    return {bytes, rest.substr(0, bytes)};
  }

  // A damaged map may match within a character.
  static std::size_t whole(std::string_view rest, std::size_t bytes) {
    while (bytes < rest.size() && is_utf8_continuation(rest[bytes])) ++bytes;
    return bytes;
  }

  std::size_t skip_blanks(std::string_view source) const {
    std::size_t begin = 0;
    while (begin < source.size()) {
      const Part part = part_at(source.substr(begin));
      if (part.becomes != " ") break;
      begin += part.bytes;
    }
    return begin;
  }

  // Where what follows normalizes to nothing but blanks.
  std::size_t trailing_blanks(std::string_view source, std::size_t begin) const {
    std::size_t end = begin;
    while (begin < source.size()) {
      const Part part = part_at(source.substr(begin));
      begin += part.bytes;
      if (part.becomes.find_first_not_of(' ') != std::string_view::npos && part.becomes != kMark) {
        end = begin;
      }
    }
    return end;
  }

  bool wants_prefix(const AlignedText& text) const {
    if (prefix_ == DummyPrefix::never) return false;
    if (prefix_ == DummyPrefix::every_section) return true;
    return text.original(0, width(text.text(), 0)).first == 0;
  }

  void put(std::string_view becomes, std::size_t begin, std::size_t end,
           AlignedText::Builder& builder) const {
    for (std::size_t at = 0; at < becomes.size();) {
      const std::size_t blank = std::min(becomes.find(' ', at), becomes.size());
      builder.put(becomes.substr(at, blank - at), begin, end);
      if (blank == becomes.size()) break;
      builder.put(blank_, begin, end);
      at = blank + 1;
    }
  }

  DummyPrefix prefix_;
  bool remove_extra_;
  std::string_view blank_;
  PrefixTrie symbols_;
  std::optional<Charsmap> map_;
};

class SentencePieceBpe final : public TokenModel {
 public:
  SentencePieceBpe(const SentencePieceFile& file, VocabularyPtr vocabulary, std::int64_t unk_id)
      : vocabulary_(std::move(vocabulary)),
        unk_id_(unk_id),
        byte_fallback_(file.byte_fallback),
        fallback_ids_(byte_fallback_ids(*vocabulary_)),
        symbols_(user_defined_symbols(file.pieces)) {
    const auto order = by_score(file.pieces);
    for (const std::size_t id : order) add_characters(file.pieces[id], id);
    std::uint32_t rank = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      // Equal scores are equal ranks: then the leftmost pair is merged first.
      if (i > 0 && file.pieces[order[i]].score != file.pieces[order[i - 1]].score) ++rank;
      add_merges(file.pieces[order[i]].text, static_cast<std::int64_t>(order[i]), rank);
    }
  }

  std::unique_ptr<ModelScratch> make_scratch() const override {
    return std::make_unique<Scratch>();
  }

  void encode(std::string_view piece, ModelScratch& scratch,
              std::vector<TokenSymbol>& symbols) const override {
    auto& merging = static_cast<Scratch&>(scratch).merging;
    take_apart(piece, merging);
    merges_.apply(merging);
    std::size_t position = 0;
    bool after_unknown = false;
    for (std::int64_t i = merging.nodes.empty() ? -1 : 0; i >= 0;) {
      const auto& node = merging.nodes[static_cast<std::size_t>(i)];
      append(node, piece.substr(position, node.bytes), after_unknown, symbols);
      position += node.bytes;
      i = node.next;
    }
  }

 private:
  // Ids of symbols that are no pieces: characters that only occur within pieces, unknown
  // characters, and user-defined symbols, which are never merged.
  static constexpr std::int64_t kForeign = Vocabulary::kMaxId + 1;
  static constexpr std::int64_t kUnknown = std::int64_t{1} << 29;
  static constexpr std::int64_t kFrozen = std::int64_t{1} << 30;

  class Scratch final : public ModelScratch {
   public:
    BpeMerges::Scratch merging;
  };

  // Pieces that merges may make, the best first.
  static std::vector<std::size_t> by_score(const std::vector<Piece>& pieces) {
    std::vector<std::size_t> order;
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      const PieceType type = pieces[id].type;
      if (type == PieceType::normal || type == PieceType::user_defined) order.push_back(id);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return pieces[a].score > pieces[b].score;
    });
    return order;
  }

  void add_characters(const Piece& piece, std::size_t id) {
    const CodePoint first = code_point_at(piece.text, 0);
    if (first.bytes == piece.text.size()) {
      characters_[first.value] = static_cast<std::int64_t>(id);
      mergeable_.add(piece.text, static_cast<std::int64_t>(id));
      return;
    }
    mergeable_.add(piece.text, static_cast<std::int64_t>(id));
    for (std::size_t at = 0; at < piece.text.size();) {
      const CodePoint character = code_point_at(piece.text, at);
      const auto next = kForeign + static_cast<std::int64_t>(characters_.size());
      characters_.emplace(character.value, next);
      at += character.bytes;
    }
  }

  std::optional<std::int64_t> symbol_id(std::string_view part) const {
    const CodePoint first = code_point_at(part, 0);
    if (first.bytes < part.size()) return mergeable_.id(part);
    const auto character = characters_.find(first.value);
    if (character == characters_.end()) return std::nullopt;
    return character->second;
  }

  void add_merges(std::string_view text, std::int64_t id, std::uint32_t rank) {
    for (std::size_t at = code_point_at(text, 0).bytes; at < text.size();
         at += code_point_at(text, at).bytes) {
      const auto left = symbol_id(text.substr(0, at));
      const auto right = symbol_id(text.substr(at));
      if (left && right) merges_.add(*left, *right, id, rank);
    }
  }

  void take_apart(std::string_view piece, BpeMerges::Scratch& merging) const {
    merging.clear();
    for (std::size_t at = 0; at < piece.size();) {
      if (const auto symbol = frozen_at(piece.substr(at))) {
        merging.append(kFrozen | symbol->id, symbol->bytes);
        at += symbol->bytes;
        continue;
      }
      const CodePoint character = code_point_at(piece, at);
      const auto known = characters_.find(character.value);
      merging.append(known == characters_.end() ? kUnknown : known->second, character.bytes);
      at += character.bytes;
    }
  }

  std::optional<TokenSymbol> frozen_at(std::string_view rest) const {
    TokenSymbol symbol;
    symbols_.for_each_prefix(rest, [&](std::size_t bytes, std::int32_t id) {
      symbol = {id, bytes};
    });
    if (symbol.bytes == 0) return std::nullopt;
    return symbol;
  }

  void append(const BpeMerges::Node& node, std::string_view part, bool& after_unknown,
              std::vector<TokenSymbol>& symbols) const {
    const std::int64_t id = node.id;
    const bool unknown = id >= kForeign && id < kFrozen;
    if (!unknown) {
      symbols.push_back({id & ~kFrozen, node.bytes});
    } else if (byte_fallback_) {
      for (const char byte : part) {
        symbols.push_back({fallback_ids_[static_cast<unsigned char>(byte)], 1});
      }
    } else if (after_unknown) {
      symbols.back().bytes += node.bytes;
    } else {
      symbols.push_back({unk_id_, node.bytes});
    }
    after_unknown = unknown;
  }

  VocabularyPtr vocabulary_;
  std::int64_t unk_id_;
  bool byte_fallback_;
  std::array<std::int64_t, 256> fallback_ids_;
  PrefixTrie symbols_;
  Vocabulary mergeable_;
  std::unordered_map<char32_t, std::int64_t> characters_;
  BpeMerges merges_;
};

TokenModelPtr unigram(const SentencePieceFile& file, const VocabularyPtr& vocabulary,
                      std::int64_t unk_id) {
  float least = 0;
  float most = 0;
  bool any = false;
  for (const Piece& piece : file.pieces) {
    if (piece.type != PieceType::normal) continue;
    least = any ? std::min(least, piece.score) : piece.score;
    most = any ? std::max(most, piece.score) : piece.score;
    any = true;
  }
  std::vector<UnigramModel::Entry> entries;
  for (std::size_t id = 0; id < file.pieces.size(); ++id) {
    const Piece& piece = file.pieces[id];
    double score = piece.score;
    if (piece.type == PieceType::user_defined) {  // better than any other way
      score = static_cast<double>(static_cast<float>(piece.text.size()) * most) - 0.1;
    } else if (piece.type != PieceType::normal) {
      continue;
    }
    entries.push_back({static_cast<std::int64_t>(id), score});
  }
  UnigramModel::Options options;
  options.unk_id = unk_id;
  options.byte_fallback = file.byte_fallback;
  options.single_precision = true;
  return std::make_unique<UnigramModel>(vocabulary, std::move(entries), static_cast<double>(least),
                                        options);
}

}  // namespace

NormalizerPtr sentencepiece_normalizer(const SentencePieceFile& file, DummyPrefix prefix,
                                       const std::string& where) {
  return std::make_unique<SentencePieceNormalizer>(file, prefix, where);
}

TokenModelPtr sentencepiece_model(const SentencePieceFile& file, const VocabularyPtr& vocabulary,
                                  std::int64_t unk_id) {
  if (file.model_type == SentencePieceFile::ModelType::unigram) {
    return unigram(file, vocabulary, unk_id);
  }
  return std::make_unique<SentencePieceBpe>(file, vocabulary, unk_id);
}

}  // namespace kedit::tokenizer

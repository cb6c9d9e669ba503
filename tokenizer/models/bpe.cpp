#include "tokenizer/models/bpe.hpp"

#include "tokenizer/text/byte_level.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::tokenizer {
namespace {

constexpr std::size_t kTabledCharacters = 0x10000;

}  // namespace

/// Pieces come again: those that are not too long are remembered.
class BpeModel::Scratch final : public ModelScratch {
 public:
  /// Pieces longer than this are not remembered, nor more pieces than this (then all are
  /// forgotten).
  static constexpr std::size_t kLongestPiece = 256;
  static constexpr std::size_t kMostPieces = 20000;

  struct Span {
    std::size_t begin, count;
  };
  BpeMerges::Scratch merging;

  bool recall(std::string_view piece, std::vector<TokenSymbol>& symbols) const {
    const auto known = spans_.find(piece);
    if (known == spans_.end()) return false;
    const auto first = symbols_.begin() + static_cast<std::ptrdiff_t>(known->second.begin);
    symbols.insert(symbols.end(), first, first + static_cast<std::ptrdiff_t>(known->second.count));
    return true;
  }

  // The symbols of `piece` are those from `begin` on.
  void remember(std::string_view piece, const std::vector<TokenSymbol>& symbols,
                std::size_t begin) {
    if (piece.size() > kLongestPiece) return;
    if (spans_.size() >= kMostPieces) {
      spans_.clear();
      symbols_.clear();
    }
    spans_.emplace(piece, Span{symbols_.size(), symbols.size() - begin});
    symbols_.insert(symbols_.end(), symbols.begin() + static_cast<std::ptrdiff_t>(begin),
                    symbols.end());
  }

 private:
  std::unordered_map<std::string, Span, Vocabulary::Hash, std::equal_to<>> spans_;
  std::vector<TokenSymbol> symbols_;  // of all remembered pieces
};

std::array<std::int64_t, 256> byte_fallback_ids(const Vocabulary& vocabulary) {
  std::array<std::int64_t, 256> ids{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    ids[byte] = vocabulary.id(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
  return ids;
}

BpeModel::BpeModel(VocabularyPtr vocabulary, Options options)
    : vocabulary_(std::move(vocabulary)),
      options_(std::move(options)),
      fallback_ids_(byte_fallback_ids(*vocabulary_)) {
  if (options_.byte_level) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const char as_char = static_cast<char>(byte);
      byte_ids_[byte] = vocabulary_->id(to_byte_symbols({&as_char, 1})).value_or(-1);
    }
    return;
  }
  character_ids_.assign(kTabledCharacters, -1);
  for (std::int64_t id = 0; id < vocabulary_->size(); ++id) {
    const std::string& token = vocabulary_->token(id);
    if (token.empty() || token.size() > 4) continue;
    const CodePoint character = code_point_at(token, 0);
    if (character.bytes != token.size() || character.value >= kTabledCharacters) continue;
    character_ids_[character.value] = static_cast<std::int32_t>(id);
  }
}

void BpeModel::add_merge(std::int64_t left, std::int64_t right, std::int64_t merged) {
  merges_.add(left, right, merged, next_rank_);
  ++next_rank_;
}

std::unique_ptr<ModelScratch> BpeModel::make_scratch() const { return std::make_unique<Scratch>(); }

void BpeModel::take_bytes(std::string_view piece, BpeMerges::Scratch& scratch) const {
  std::size_t skipped = 0;  // bytes without a token widen the one after them
  bool after_unknown = false;
  for (const char byte : piece) {
    std::int64_t id = byte_ids_[static_cast<unsigned char>(byte)];
    const bool unknown = id < 0;
    if (unknown && !options_.unk_id) {
      ++skipped;
      continue;
    }
    if (unknown && options_.fuse_unk && after_unknown) {
      ++scratch.nodes.back().bytes;
      continue;
    }
    if (unknown) id = *options_.unk_id;
    scratch.append(id, skipped + 1);
    skipped = 0;
    after_unknown = unknown;
  }
}

std::optional<std::int64_t> BpeModel::character_id(std::string_view piece, std::size_t begin,
                                                   std::size_t end) const {
  const std::string_view character = piece.substr(begin, end - begin);
  const bool prefixed = begin > 0 && !options_.subword_prefix.empty();
  const bool suffixed = end == piece.size() && !options_.word_suffix.empty();
  if (prefixed || suffixed) {
    std::string token = prefixed ? options_.subword_prefix : "";
    token += character;
    if (suffixed) token += options_.word_suffix;
    return vocabulary_->id(token);
  }
  const char32_t value = code_point_at(character, 0).value;
  if (value >= kTabledCharacters) return vocabulary_->id(character);
  const std::int32_t id = character_ids_[value];
  return id < 0 ? std::nullopt : std::optional<std::int64_t>(id);
}

bool BpeModel::append_fallback(std::string_view bytes, BpeMerges::Scratch& scratch) const {
  const auto id_of = [&](char byte) { return fallback_ids_[static_cast<unsigned char>(byte)]; };
  if (std::any_of(bytes.begin(), bytes.end(), [&](char byte) { return id_of(byte) < 0; })) {
    return false;
  }
  for (const char byte : bytes) scratch.append(id_of(byte), 1);
  return true;
}

void BpeModel::take_characters(std::string_view piece, BpeMerges::Scratch& scratch) const {
  std::size_t skipped = 0;
  bool after_unknown = false;
  for (std::size_t begin = 0; begin < piece.size();) {
    const std::size_t end = begin + code_point_at(piece, begin).bytes;
    const std::size_t bytes = end - begin;
    const auto id = character_id(piece, begin, end);
    if (id) {
      scratch.append(*id, bytes + skipped);
      skipped = 0;
      after_unknown = false;
    } else if (options_.byte_fallback && append_fallback(piece.substr(begin, bytes), scratch)) {
      after_unknown = false;
    } else if (!options_.unk_id) {
      skipped += bytes;
    } else if (options_.fuse_unk && after_unknown) {
      scratch.nodes.back().bytes += static_cast<std::uint32_t>(bytes);
    } else {
      scratch.append(*options_.unk_id, bytes);
      after_unknown = true;
    }
    begin = end;
  }
}

void BpeModel::take_apart(std::string_view piece, BpeMerges::Scratch& scratch) const {
  scratch.clear();
  if (options_.byte_level) {
    take_bytes(piece, scratch);
  } else {
    take_characters(piece, scratch);
  }
}

void BpeModel::encode_anew(std::string_view piece, BpeMerges::Scratch& scratch,
                           std::vector<TokenSymbol>& symbols) const {
  if (options_.ignore_merges) {
    const auto whole =
        options_.byte_level ? vocabulary_->id(to_byte_symbols(piece)) : vocabulary_->id(piece);
    if (whole) return symbols.push_back({*whole, piece.size()});
  }
  take_apart(piece, scratch);
  merges_.apply(scratch);
  const auto& nodes = scratch.nodes;
  for (std::int64_t i = nodes.empty() ? -1 : 0; i >= 0;) {
    const auto& node = nodes[static_cast<std::size_t>(i)];
    symbols.push_back({node.id, node.bytes});
    i = node.next;
  }
}

void BpeModel::encode(std::string_view piece, ModelScratch& scratch,
                      std::vector<TokenSymbol>& symbols) const {
  auto& own = static_cast<Scratch&>(scratch);
  if (own.recall(piece, symbols)) return;
  const std::size_t begin = symbols.size();
  encode_anew(piece, own.merging, symbols);
  own.remember(piece, symbols, begin);
}

}  // namespace kedit::tokenizer

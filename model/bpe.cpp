#include "model/bpe.hpp"

#include "model/byte_level.hpp"

#include <algorithm>

namespace kedit {

BpeModel::BpeModel(const Vocabulary& vocabulary, Options options)
    : options_(options), byte_ids_(256, -1) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char as_char = static_cast<char>(byte);
    byte_ids_[byte] = vocabulary.id(to_byte_symbols({&as_char, 1})).value_or(-1);
  }
}

void BpeModel::add_merge(std::int64_t left, std::int64_t right, std::int64_t merged) {
  merges_.insert_or_assign(pair_key(left, right), Merge{next_rank_, merged});
  ++next_rank_;
}

bool BpeModel::covers_all_bytes() const {
  return std::none_of(byte_ids_.begin(), byte_ids_.end(), [](auto id) { return id < 0; });
}

void BpeModel::take_apart(std::string_view piece, BpeScratch& scratch) const {
  auto& nodes = scratch.nodes_;
  nodes.clear();
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
      ++nodes.back().bytes;
      continue;
    }
    if (unknown) id = *options_.unk_id;
    const auto index = static_cast<std::int64_t>(nodes.size());
    nodes.push_back({id, skipped + 1, index - 1, index + 1});
    skipped = 0;
    after_unknown = unknown;
  }
  if (!nodes.empty()) nodes.back().next = -1;
}

void BpeModel::consider(BpeScratch& scratch, std::int64_t left) const {
  const auto& node = scratch.nodes_[static_cast<std::size_t>(left)];
  if (node.next < 0) return;
  const auto& right = scratch.nodes_[static_cast<std::size_t>(node.next)];
  const auto merge = merges_.find(pair_key(node.id, right.id));
  if (merge == merges_.end()) return;
  scratch.heap_.push_back({merge->second.rank, left, merge->second.merged_id});
  std::push_heap(scratch.heap_.begin(), scratch.heap_.end());
}

void BpeModel::merge_all(std::string_view piece, BpeScratch& scratch,
                         std::vector<BpeSymbol>& symbols) const {
  take_apart(piece, scratch);
  auto& nodes = scratch.nodes_;
  auto& heap = scratch.heap_;
  const auto at = [&](std::int64_t index) -> auto& {
    return nodes[static_cast<std::size_t>(index)];
  };
  heap.clear();
  for (std::size_t i = 0; i < nodes.size(); ++i) consider(scratch, static_cast<std::int64_t>(i));
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const auto best = heap.back();
    heap.pop_back();
    auto& left = at(best.position);
    if (left.bytes == 0 || left.next < 0) continue;  // merged into another, or the last by now
    auto& right = at(left.next);
    const auto merge = merges_.find(pair_key(left.id, right.id));
    if (merge == merges_.end() || merge->second.merged_id != best.merged_id) continue;  // stale
    left.id = best.merged_id;
    left.bytes += right.bytes;
    right.bytes = 0;
    left.next = right.next;
    if (left.next >= 0) at(left.next).previous = best.position;
    if (left.previous >= 0) consider(scratch, left.previous);
    consider(scratch, best.position);
  }
  for (std::int64_t i = nodes.empty() ? -1 : 0; i >= 0; i = at(i).next) {
    symbols.push_back({at(i).id, at(i).bytes});
  }
}

void BpeModel::encode(const Vocabulary& vocabulary, std::string_view piece, BpeScratch& scratch,
                      std::vector<BpeSymbol>& symbols) const {
  const auto known = scratch.spans_.find(piece);
  if (known != scratch.spans_.end()) {
    const auto first = scratch.symbols_.begin() + static_cast<std::ptrdiff_t>(known->second.begin);
    symbols.insert(symbols.end(), first, first + static_cast<std::ptrdiff_t>(known->second.count));
    return;
  }
  const std::size_t begin = symbols.size();
  const auto whole = options_.ignore_merges ? vocabulary.id(to_byte_symbols(piece)) : std::nullopt;
  if (whole) {
    symbols.push_back({*whole, piece.size()});
  } else {
    merge_all(piece, scratch, symbols);
  }
  if (piece.size() > BpeScratch::kLongestPiece) return;
  if (scratch.spans_.size() >= BpeScratch::kMostPieces) {
    scratch.spans_.clear();
    scratch.symbols_.clear();
  }
  scratch.spans_.emplace(piece, BpeScratch::Span{scratch.symbols_.size(), symbols.size() - begin});
  scratch.symbols_.insert(scratch.symbols_.end(),
                          symbols.begin() + static_cast<std::ptrdiff_t>(begin), symbols.end());
}

}  // namespace kedit

#include "tokenizer/models/bpe_merges.hpp"

#include <algorithm>
#include <bit>

namespace kedit::tokenizer {

void BpeMerges::Scratch::append(std::int64_t id, std::size_t bytes) {
  const auto index = static_cast<std::int32_t>(nodes.size());
  if (index > 0) nodes.back().next = index;
  nodes.push_back(
      {static_cast<std::uint32_t>(id), static_cast<std::uint32_t>(bytes), index - 1, -1});
}

std::size_t BpeMerges::slot_of(std::uint64_t key) const {
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = (key * 0x9E3779B97F4A7C15ULL >> 20U) & mask;
  while (table_[slot].key != key && table_[slot].key != kNoKey) slot = (slot + 1) & mask;
  return slot;
}

void BpeMerges::rehash(std::size_t slots) {
  std::vector<Entry> old(slots, Entry{kNoKey, 0, 0});
  old.swap(table_);
  for (const Entry& entry : old) {
    if (entry.key != kNoKey) table_[slot_of(entry.key)] = entry;
  }
}

void BpeMerges::reserve(std::size_t merges) {
  const std::size_t slots = std::bit_ceil(2 * merges + 2);
  if (slots > table_.size()) rehash(slots);
}

void BpeMerges::add(std::int64_t left, std::int64_t right, std::int64_t merged,
                    std::uint32_t rank) {
  reserve(count_ + 1);
  const std::uint64_t key =
      key_of(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right));
  Entry& entry = table_[slot_of(key)];
  if (entry.key == kNoKey) ++count_;
  entry = {key, rank, static_cast<std::uint32_t>(merged)};
}

const BpeMerges::Entry* BpeMerges::find(std::uint32_t left, std::uint32_t right) const {
  if (table_.empty()) return nullptr;
  const Entry& entry = table_[slot_of(key_of(left, right))];
  return entry.key == kNoKey ? nullptr : &entry;
}

void BpeMerges::consider(Scratch& scratch, std::uint32_t left) const {
  const Node& node = scratch.nodes[left];
  if (node.next < 0) return;
  const Entry* merge = find(node.id, scratch.nodes[static_cast<std::size_t>(node.next)].id);
  if (merge == nullptr) return;
  scratch.heap.push_back({merge->rank, left, merge->merged});
  std::push_heap(scratch.heap.begin(), scratch.heap.end());
}

void BpeMerges::apply(Scratch& scratch) const {
  auto& nodes = scratch.nodes;
  auto& heap = scratch.heap;
  heap.clear();
  for (std::uint32_t i = 0; i < nodes.size(); ++i) consider(scratch, i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate best = heap.back();
    heap.pop_back();
    Node& left = nodes[best.position];
    if (left.bytes == 0 || left.next < 0) continue;  // merged into another, or the last by now
    Node& right = nodes[static_cast<std::size_t>(left.next)];
    const Entry* merge = find(left.id, right.id);
    if (merge == nullptr || merge->merged != best.merged) continue;  // stale
    left.id = best.merged;
    left.bytes += right.bytes;
    right.bytes = 0;
    left.next = right.next;
    const auto position = static_cast<std::int32_t>(best.position);
    if (left.next >= 0) nodes[static_cast<std::size_t>(left.next)].previous = position;
    if (left.previous >= 0) consider(scratch, static_cast<std::uint32_t>(left.previous));
    consider(scratch, best.position);
  }
}

}  // namespace kedit::tokenizer

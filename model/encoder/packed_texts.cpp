#include "model/encoder/packed_texts.hpp"

#include <algorithm>
#include <numeric>

namespace kedit::encoder {

std::vector<PackedTexts> pack_texts(const std::vector<std::vector<std::int64_t>>& texts,
                                    std::int64_t tokens) {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return texts[a].size() > texts[b].size(); });
  std::vector<PackedTexts> packs;
  for (const std::size_t text : order) {
    const auto length = static_cast<std::int64_t>(texts[text].size());
    if (packs.empty() || packs.back().tokens + length > tokens) packs.emplace_back();
    PackedTexts& pack = packs.back();
    if (pack.runs.empty() || pack.runs.back().length != length) pack.runs.push_back({0, length});
    ++pack.runs.back().texts;
    pack.order.push_back(text);
    pack.tokens += length;
  }
  return packs;
}

}  // namespace kedit::encoder

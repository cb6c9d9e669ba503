#include "tokenizer/text/pre_tokenizer.hpp"

#include "tokenizer/text/utf8.hpp"

namespace kedit::tokenizer {
namespace {

class SplitStep final : public PreTokenizer {
 public:
  SplitStep(SplitPattern pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  void apply(TextPieces& pieces, SplitScratch& scratch) const override {
    const std::string_view text = pieces.text.text();
    std::vector<TextRange> finer;
    finer.reserve(pieces.pieces.size() == 1 ? text.size() / 4 + 4 : 2 * pieces.pieces.size());
    for (const auto& [begin, end] : pieces.pieces) {
      pattern_.split(text.substr(begin, end - begin), behavior_, invert_, begin, scratch, finer);
    }
    pieces.pieces.swap(finer);
  }

 private:
  SplitPattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

// Writes the text anew, piece by piece: `write(builder, range)`.
template <typename Write>
void rewrite(TextPieces& pieces, Write write) {
  AlignedText::Builder builder(pieces.text);
  std::vector<TextRange> written;
  written.reserve(pieces.pieces.size());
  for (const TextRange& range : pieces.pieces) {
    const std::size_t begin = builder.size();
    write(builder, range);
    if (builder.size() > begin) written.emplace_back(begin, builder.size());
  }
  pieces.text = builder.finish();
  pieces.pieces = std::move(written);
}

class PrefixSpaceStep final : public PreTokenizer {
 public:
  void apply(TextPieces& pieces, SplitScratch&) const override {
    const std::string_view text = pieces.text.text();
    rewrite(pieces, [&](AlignedText::Builder& builder, const TextRange& range) {
      const auto [begin, end] = range;
      if (text[begin] != ' ') builder.put(" ", begin, begin + code_point_at(text, begin).bytes);
      builder.keep(begin, end);
    });
  }
};

class MetaspaceStep final : public PreTokenizer {
 public:
  MetaspaceStep(std::string mark, PrependScheme scheme) : mark_(std::move(mark)), scheme_(scheme) {}

  void apply(TextPieces& pieces, SplitScratch&) const override {
    rewrite(pieces, [&](AlignedText::Builder& builder, const TextRange& range) {
      write(pieces.text, range, builder);
    });
  }

 private:
  bool wants_mark(const AlignedText& text, const TextRange& range) const {
    if (scheme_ == PrependScheme::never) return false;
    const std::string_view piece = text.text().substr(range.first, range.second - range.first);
    if (piece.starts_with(' ') || piece.starts_with(mark_)) return false;
    const std::size_t first_end = range.first + code_point_at(piece, 0).bytes;
    return scheme_ == PrependScheme::always || text.original(range.first, first_end).first == 0;
  }

  void write(const AlignedText& text, const TextRange& range, AlignedText::Builder& builder) const {
    const std::string_view source = text.text();
    auto [begin, end] = range;
    if (wants_mark(text, range)) {
      builder.put(mark_, begin, begin + code_point_at(source, begin).bytes);
    }
    while (begin < end) {
      const std::size_t found = source.substr(begin, end - begin).find(' ');
      const std::size_t blank = found == std::string_view::npos ? end : begin + found;
      builder.keep(begin, blank);
      if (blank == end) break;
      builder.put(mark_, blank, blank + 1);
      begin = blank + 1;
    }
  }

  std::string mark_;
  PrependScheme scheme_;
};

}  // namespace

PreTokenizerPtr split_pre_tokenizer(SplitPattern pattern, SplitBehavior behavior, bool invert) {
  return std::make_unique<SplitStep>(std::move(pattern), behavior, invert);
}

PreTokenizerPtr prefix_space_pre_tokenizer() { return std::make_unique<PrefixSpaceStep>(); }

PreTokenizerPtr metaspace_pre_tokenizer(std::string mark, PrependScheme scheme) {
  return std::make_unique<MetaspaceStep>(std::move(mark), scheme);
}

}  // namespace kedit::tokenizer

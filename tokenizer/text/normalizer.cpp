#include "tokenizer/text/normalizer.hpp"

#include "tokenizer/text/unicode_tables.hpp"
#include "tokenizer/text/utf8.hpp"

#include <utf8proc.h>

namespace kedit::tokenizer {
namespace {

class UnicodeNormalizer final : public Normalizer {
 public:
  explicit UnicodeNormalizer(UnicodeForm form) : form_(form) {}
  void apply(AlignedText& text, SplitScratch&) const override { normalize_unicode(form_, text); }

 private:
  UnicodeForm form_;
};

// Replaces characters one by one: `rule` appends what a character becomes, or returns false when it
// stays as it is.
class CharacterNormalizer final : public Normalizer {
 public:
  using Rule = bool (*)(char32_t value, std::string& becomes);
  explicit CharacterNormalizer(Rule rule) : rule_(rule) {}

  void apply(AlignedText& text, SplitScratch&) const override {
    const std::string_view source = text.text();
    AlignedText::Builder builder(text);
    std::string becomes;
    std::size_t kept = 0;  // everything before is in the builder
    bool same = true;
    for (std::size_t position = 0; position < source.size();) {
      const CodePoint character = code_point_at(source, position);
      const std::size_t end = position + character.bytes;
      becomes.clear();
      if (rule_(character.value, becomes)) {
        same = false;
        builder.keep(kept, position);
        builder.put(becomes, position, end);
        kept = end;
      }
      position = end;
    }
    if (same) return;
    builder.keep(kept, source.size());
    text = builder.finish();
  }

 private:
  Rule rule_;
};

bool lower(char32_t value, std::string& becomes) {
  if (value == 0x130) {  // the one character whose small letter is two characters
    becomes = "i\xCC\x87";
    return true;
  }
  auto small = later_lowercase(value);
  if (small == 0) {
    small = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(value)));
  }
  if (small == value) return false;
  append_utf8(becomes, small);
  return true;
}

bool drop_mark(char32_t value, std::string&) { return is_reference_mark(value); }

bool drop_nonspacing_mark(char32_t value, std::string&) {
  return is_reference_nonspacing_mark(value);
}

bool nmt(char32_t value, std::string& becomes) {
  const bool dropped = (value >= 0x1 && value <= 0x8) || value == 0xB ||
                       (value >= 0xE && value <= 0x1F) || value == 0x7F || value == 0x8F ||
                       value == 0x9F;
  const bool blank = value == 0x9 || value == 0xA || value == 0xC || value == 0xD ||
                     value == 0x1680 || (value >= 0x200B && value <= 0x200F) || value == 0x2028 ||
                     value == 0x2029 || value == 0x2581 || value == 0xFEFF || value == 0xFFFD;
  if (blank) becomes = ' ';
  return dropped || blank;
}

bool bert_clean(char32_t value, std::string& becomes) {
  if (is_reference_control(value)) return true;
  if (value == ' ' || !is_unicode_space(value)) return false;
  becomes = ' ';
  return true;
}

// The blocks of Chinese characters as BERT's authors listed them.
bool is_bert_ideograph(char32_t value) {
  return (value >= 0x4E00 && value <= 0x9FFF) || (value >= 0x3400 && value <= 0x4DBF) ||
         (value >= 0x20000 && value <= 0x2A6DF) || (value >= 0x2A700 && value <= 0x2B81F) ||
         (value >= 0x2B920 && value <= 0x2CEAF) || (value >= 0xF900 && value <= 0xFAFF) ||
         (value >= 0x2F800 && value <= 0x2FA1F);
}

bool bert_space_ideographs(char32_t value, std::string& becomes) {
  if (!is_bert_ideograph(value)) return false;
  becomes = ' ';
  append_utf8(becomes, value);
  becomes += ' ';
  return true;
}

class StripNormalizer final : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}

  void apply(AlignedText& text, SplitScratch&) const override {
    const std::string_view source = text.text();
    std::size_t begin = 0;
    std::size_t end = source.size();
    while (left_ && begin < end) {
      const CodePoint first = code_point_at(source, begin);
      if (!is_unicode_space(first.value)) break;
      begin += first.bytes;
    }
    while (right_ && begin < end) {
      const CodePoint last = code_point_before(source, end);
      if (!is_unicode_space(last.value)) break;
      end -= last.bytes;
    }
    if (begin > 0 || end < source.size()) text = text.slice(begin, end);
  }

 private:
  bool left_, right_;
};

class PrependNormalizer final : public Normalizer {
 public:
  explicit PrependNormalizer(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(AlignedText& text, SplitScratch&) const override { text.prepend(prefix_); }

 private:
  std::string prefix_;
};

void replace_ranges(AlignedText& text, const std::vector<TextRange>& matches,
                    std::string_view content) {
  if (matches.empty()) return;
  AlignedText::Builder builder(text);
  std::size_t kept = 0;
  for (const auto& [begin, end] : matches) {
    builder.keep(kept, begin);
    builder.put(content, begin, end);
    kept = end;
  }
  builder.keep(kept, text.text().size());
  text = builder.finish();
}

class ReplaceLiteral final : public Normalizer {
 public:
  ReplaceLiteral(std::string literal, std::string content)
      : literal_(std::move(literal)), content_(std::move(content)) {}

  void apply(AlignedText& text, SplitScratch&) const override {
    if (literal_.empty()) return;
    std::vector<TextRange> matches;
    const std::string_view source = text.text();
    for (std::size_t at = source.find(literal_); at != std::string_view::npos;
         at = source.find(literal_, at + literal_.size())) {
      matches.emplace_back(at, at + literal_.size());
    }
    replace_ranges(text, matches, content_);
  }

 private:
  std::string literal_, content_;
};

class ReplacePattern final : public Normalizer {
 public:
  ReplacePattern(SplitPattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void apply(AlignedText& text, SplitScratch& scratch) const override {
    std::vector<TextRange> matches;
    pattern_.find_all(text.text(), scratch, matches);
    replace_ranges(text, matches, content_);
  }

 private:
  SplitPattern pattern_;
  std::string content_;
};

class CharsmapNormalizer final : public Normalizer {
 public:
  explicit CharsmapNormalizer(Charsmap map) : map_(std::move(map)) {}

  void apply(AlignedText& text, SplitScratch&) const override {
    const std::string_view source = text.text();
    AlignedText::Builder builder(text);
    for (std::size_t begin = 0; begin < source.size();) {
      const std::size_t end = grapheme_end(source, begin);
      apply_to_grapheme(source, begin, end, builder);
      begin = end;
    }
    text = builder.finish();
  }

 private:
  static constexpr std::size_t kLongestGrapheme = 5;  // bytes; longer ones go by character

  void apply_to_grapheme(std::string_view source, std::size_t begin, std::size_t end,
                         AlignedText::Builder& builder) const {
    if (end - begin <= kLongestGrapheme) {
      if (const auto match = map_.shortest(source.substr(begin, end - begin))) {
        return builder.put(match->becomes, begin, end);
      }
    }
    while (begin < end) {
      const std::size_t next = begin + code_point_at(source, begin).bytes;
      if (const auto match = map_.shortest(source.substr(begin, next - begin))) {
        builder.put(match->becomes, begin, next);
      } else {
        builder.keep(begin, next);
      }
      begin = next;
    }
  }

  Charsmap map_;
};

}  // namespace

NormalizerPtr unicode_normalizer(UnicodeForm form) {
  return std::make_unique<UnicodeNormalizer>(form);
}

NormalizerPtr lowercase_normalizer() { return std::make_unique<CharacterNormalizer>(lower); }

NormalizerPtr strip_normalizer(bool left, bool right) {
  return std::make_unique<StripNormalizer>(left, right);
}

NormalizerPtr strip_accents_normalizer() {
  return std::make_unique<CharacterNormalizer>(drop_mark);
}

NormalizerPtr nmt_normalizer() { return std::make_unique<CharacterNormalizer>(nmt); }

NormalizerPtr prepend_normalizer(std::string prefix) {
  return std::make_unique<PrependNormalizer>(std::move(prefix));
}

NormalizerPtr replace_literal_normalizer(std::string literal, std::string content) {
  return std::make_unique<ReplaceLiteral>(std::move(literal), std::move(content));
}

NormalizerPtr replace_pattern_normalizer(SplitPattern pattern, std::string content) {
  return std::make_unique<ReplacePattern>(std::move(pattern), std::move(content));
}

NormalizerPtr charsmap_normalizer(Charsmap map) {
  return std::make_unique<CharsmapNormalizer>(std::move(map));
}

void append_bert_normalizers(const BertCleaning& cleaning, std::vector<NormalizerPtr>& steps) {
  if (cleaning.clean_text) steps.push_back(std::make_unique<CharacterNormalizer>(bert_clean));
  if (cleaning.handle_chinese_chars) {
    steps.push_back(std::make_unique<CharacterNormalizer>(bert_space_ideographs));
  }
  if (cleaning.strip_accents) {
    steps.push_back(unicode_normalizer(UnicodeForm::nfd));
    steps.push_back(std::make_unique<CharacterNormalizer>(drop_nonspacing_mark));
  }
  if (cleaning.lowercase) steps.push_back(lowercase_normalizer());
}

}  // namespace kedit::tokenizer

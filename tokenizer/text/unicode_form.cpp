#include "tokenizer/text/unicode_form.hpp"

#include "tokenizer/text/unicode_tables.hpp"
#include "tokenizer/text/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace kedit::tokenizer {
namespace {

// Everything below U+0300 is composed already and joins nothing before it; 0xCC is its first byte.
constexpr char32_t kFirstUnstable = 0x300;
constexpr unsigned char kFirstUnstableByte = 0xCC;

bool composes(UnicodeForm form) { return form == UnicodeForm::nfc || form == UnicodeForm::nfkc; }
bool compatible(UnicodeForm form) { return form == UnicodeForm::nfkc || form == UnicodeForm::nfkd; }

utf8proc_option_t options_of(UnicodeForm form) {
  const int ordering = composes(form) ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  return static_cast<utf8proc_option_t>(UTF8PROC_STABLE | ordering |
                                        (compatible(form) ? UTF8PROC_COMPAT : 0));
}

// A compatibility character may stand for one that joins what is before it (halfwidth voice marks).
char32_t first_of_decomposition(char32_t value) {
  constexpr auto kOptions =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  std::array<utf8proc_int32_t, 32> parts{};
  int last_class = 0;
  const auto count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(value), parts.data(),
                              static_cast<utf8proc_ssize_t>(parts.size()), kOptions, &last_class);
  return count > 0 ? static_cast<char32_t>(parts[0]) : value;
}

// Whether no character from here on can be composed or reordered with one before. Errs on the side
// of "no", which only makes the clusters longer.
bool starts_cluster(UnicodeForm form, char32_t value) {
  if (value < kFirstUnstable) return true;
  if (compatible(form)) value = first_of_decomposition(value);
  if (value >= 0x1160 && value <= 0x11FF) return false;  // Hangul vowels and final consonants
  if (value >= 0x16D63 && value <= 0x16D6A)
    return false;  // Kirat Rai vowel signs, letters by category
  return !is_unicode_mark(value) || is_unordered_mark(value);
}

// What the library's tables do not know stays as it is, and joins nothing.
bool is_unknown(UnicodeForm form, char32_t value) {
  if (value < kFirstUnstable) return false;
  return is_unordered_mark(value) || (value >= 0x10000 && young_composition(value)) ||
         (compatible(form) && is_without_decomposition(value));
}

// A character of the result; one that only newer tables compose as what it is made of.
void append_known(std::string& out, char32_t value) {
  const auto parts = value >= 0x10000 ? young_composition(value) : std::nullopt;
  if (!parts) return append_utf8(out, value);
  append_known(out, parts->first);
  append_known(out, parts->second);
}

// The form of one cluster, into `storage`.
std::string_view normalize_cluster(UnicodeForm form, std::string_view cluster,
                                   std::vector<utf8proc_int32_t>& utf32, std::string& storage) {
  const utf8proc_option_t options = options_of(form);
  const auto decompose = [&] {
    return utf8proc_decompose(reinterpret_cast<const utf8proc_uint8_t*>(cluster.data()),
                              static_cast<utf8proc_ssize_t>(cluster.size()), utf32.data(),
                              static_cast<utf8proc_ssize_t>(utf32.size()), options);
  };
  utf32.resize(std::max<std::size_t>(utf32.capacity(), 16));
  auto length = decompose();
  if (length > static_cast<utf8proc_ssize_t>(utf32.size())) {
    utf32.resize(static_cast<std::size_t>(length));
    length = decompose();
  }
  if (length >= 0) length = utf8proc_normalize_utf32(utf32.data(), length, options);
  if (length < 0) return cluster;  // cannot happen for well-formed text
  storage.clear();
  for (utf8proc_ssize_t i = 0; i < length; ++i) {
    append_known(storage, static_cast<char32_t>(utf32[static_cast<std::size_t>(i)]));
  }
  return storage;
}

bool surely_normal(UnicodeForm form, std::string_view text) {
  const unsigned char first = form == UnicodeForm::nfc ? kFirstUnstableByte : 0x80;
  return std::none_of(text.begin(), text.end(),
                      [&](char byte) { return static_cast<unsigned char>(byte) >= first; });
}

// Calls visit(begin, end) for every cluster of `text`, in order.
template <typename Visit>
void for_each_cluster(UnicodeForm form, std::string_view text, Visit visit) {
  for (std::size_t begin = 0; begin < text.size();) {
    const CodePoint first = code_point_at(text, begin);
    std::size_t end = begin + first.bytes;
    while (end < text.size() && !is_unknown(form, first.value)) {
      const CodePoint next = code_point_at(text, end);
      if (starts_cluster(form, next.value) || is_unknown(form, next.value)) break;
      end += next.bytes;
    }
    visit(begin, end);
    begin = end;
  }
}

}  // namespace

void normalize_unicode(UnicodeForm form, AlignedText& text) {
  const std::string_view source = text.text();
  if (surely_normal(form, source)) return;
  std::vector<utf8proc_int32_t> utf32;
  std::string storage;
  AlignedText::Builder builder(text);
  bool same = true;
  for_each_cluster(form, source, [&](std::size_t begin, std::size_t end) {
    const std::string_view cluster = source.substr(begin, end - begin);
    if (surely_normal(form, cluster) || is_unknown(form, code_point_at(cluster, 0).value)) {
      return builder.keep(begin, end);
    }
    const std::string_view normal = normalize_cluster(form, cluster, utf32, storage);
    if (normal == cluster) return builder.keep(begin, end);
    same = false;
    builder.put(normal, begin, end);
  });
  if (!same) text = builder.finish();
}

std::string compose_nfc(std::string_view text) {
  AlignedText aligned(text, 0);
  normalize_unicode(UnicodeForm::nfc, aligned);
  return std::string(aligned.text());
}

}  // namespace kedit::tokenizer

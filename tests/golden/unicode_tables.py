"""Writes tokenizer/text/unicode_tables.inc: where the reference library's Unicode tables differ from Unicode 14 (PCRE2 10.42, utf8proc).

    python tests/golden/unicode_tables.py > tokenizer/text/unicode_tables.inc

Hugging Face tokenizers 0.22.2 holds several versions of Unicode: its regular expressions know Unicode 16, its accents and
punctuation are those of Unicode 8 and 9. Every code point is asked of the library; the standard is Python 3.11's unicodedata.
"""

import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

assert unicodedata.unidata_version == "14.0.0"
POINTS = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
CATEGORY = {point: unicodedata.category(chr(point)) for point in POINTS}


def ranges(points):
    result = []
    for point in sorted(points):
        if result and result[-1][1] == point - 1:
            result[-1][1] = point
        else:
            result.append([point, point])
    return result


def matched(pre_tokenizer):
    """Code points that a pre-tokenizer removes."""
    removed = set()
    for start in range(0, len(POINTS), 4096):
        chunk = POINTS[start:start + 4096]
        kept = set()
        for _, (begin, end) in pre_tokenizer.pre_tokenize_str("".join(map(chr, chunk))):
            kept.update(range(begin, end))
        removed.update(point for at, point in enumerate(chunk) if at not in kept)
    return removed


def regex(pattern):
    return matched(pre_tokenizers.Split(Regex(pattern), "removed"))


def of_category(*names):
    return {point for point in POINTS if CATEGORY[point].startswith(names)}


def vanish(normalizer, before=""):
    return {point for point in POINTS if normalizer.normalize_str(before + chr(point)) == before}


def as_pattern(points):
    return "".join(f"\\x{{{a:x}}}" if a == b else f"\\x{{{a:x}}}-\\x{{{b:x}}}" for a, b in ranges(points))


def put_pattern(name, points):
    text = as_pattern(points)
    lines = [text[at:at + 90] for at in range(0, len(text), 90)] or [""]
    print(f"constexpr std::string_view {name} =")
    print("\n".join(f'    R"({line})"' for line in lines) + ";")


def put_ranges(name, points):
    items = ranges(points)
    print(f"constexpr std::array<CodePointRange, {len(items)}> {name} = {{{{")
    for at in range(0, len(items), 6):
        print("    " + " ".join(f"{{0x{a:X}, 0x{b:X}}}," for a, b in items[at:at + 6]))
    print("}};")


def main():
    print("// Made by tests/golden/unicode_tables.py; see there. clang-format off")
    for name in ["L", "Lu", "Ll", "Lm", "Lo", "M", "Mn", "Mc", "N", "Nd", "Nl", "No", "P", "Po", "S", "Sm", "So"]:
        put_pattern(f"kLater{name}", regex(f"\\p{{{name}}}") - of_category(name))
    word = regex(r"\w") - regex(r"\p{L}|\p{M}|\p{Nd}|\p{Nl}|\p{Pc}")
    put_pattern("kOtherWord", word)
    put_pattern("kOtherWordInClass", regex(r"[\w]") - regex(r"\p{L}|\p{M}|\p{Nd}|\p{Nl}|\p{Pc}"))
    put_pattern("kLaterPc", regex(r"\p{Pc}") - of_category("Pc"))
    punctuation = matched(pre_tokenizers.Punctuation("removed"))
    put_pattern("kReferencePunctuation", punctuation)
    put_ranges("kReferenceMarks", vanish(normalizers.StripAccents()))
    bert = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    nonspacing = normalizers.BertNormalizer(**{**bert, "strip_accents": True})
    put_ranges("kReferenceNonspacingMarks", vanish(nonspacing))
    clean = normalizers.BertNormalizer(**{**bert, "clean_text": True})
    put_ranges("kReferenceControls", vanish(clean, "a"))
    compatibility = normalizers.NFKD()
    put_ranges("kUnknownDecompositions",
               {point for point in POINTS if compatibility.normalize_str(chr(point)) == chr(point)
                and unicodedata.normalize("NFKD", chr(point)) != chr(point)})
    order = normalizers.NFD()  # U+0334 goes before every mark of a higher class that the library knows
    later_marks = regex(r"\p{Mn}") - of_category("Mn")
    put_ranges("kUnorderedMarks",
               {point for point in later_marks | {point for point in POINTS if unicodedata.combining(chr(point)) > 1}
                if order.normalize_str(chr(point) + "\u0334") == chr(point) + "\u0334"})
    small = normalizers.Lowercase()
    pairs = [(point, small.normalize_str(chr(point))) for point in POINTS]
    later = [(point, ord(low)) for point, low in pairs if len(low) == 1 and low != chr(point).lower()]
    print(f"constexpr std::array<std::pair<char32_t, char32_t>, {len(later)}> kLaterLowercase = {{{{")
    for at in range(0, len(later), 6):
        print("    " + " ".join(f"{{0x{a:X}, 0x{b:X}}}," for a, b in later[at:at + 6]))
    print("}};")
    word_rust = {point for point in POINTS if len(pre_tokenizers.Whitespace().pre_tokenize_str("a" + chr(point))) == 1
                 and not chr(point).isspace()}
    put_ranges("kReferenceWord", word_rust - {ord("a")} | {ord("a")})


if __name__ == "__main__":
    main()

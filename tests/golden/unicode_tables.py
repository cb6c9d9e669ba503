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


# Canonical compositions that are younger than the library's tables, and what they are made of (Unicode 13 and 16); it leaves both
# as they are.
YOUNG = {0x105C9: (0x105D2, 0x307), 0x105E4: (0x105DA, 0x307), 0x11383: (0x11382, 0x113C9), 0x11385: (0x11384, 0x113BB),
         0x1138E: (0x1138B, 0x113C2), 0x11391: (0x11390, 0x113C9), 0x113C5: (0x113C2, 0x113C2), 0x113C7: (0x113C2, 0x113B8),
         0x113C8: (0x113C2, 0x113C9), 0x11938: (0x11935, 0x11930), 0x16121: (0x1611E, 0x1611E), 0x16122: (0x1611E, 0x16129),
         0x16123: (0x1611E, 0x1611F), 0x16124: (0x16129, 0x1611F), 0x16125: (0x1611E, 0x16120), 0x16126: (0x16121, 0x1611F),
         0x16127: (0x16122, 0x1611F), 0x16128: (0x16121, 0x16120), 0x16D68: (0x16D67, 0x16D67), 0x16D69: (0x16D63, 0x16D67),
         0x16D6A: (0x16D69, 0x16D67)}

LATER_COMPATIBLE = {*range(0x1E030, 0x1E06E), *range(0x1CCD6, 0x1CCFA)}  # compatibility decompositions of Unicode 15 and 16


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
                and (unicodedata.normalize("NFKD", chr(point)) != chr(point) or point in LATER_COMPATIBLE)})
    known = [point for point, (first, last) in YOUNG.items() if normalizers.NFD().normalize_str(chr(point)) != chr(point)
             or normalizers.NFC().normalize_str(chr(first) + chr(last)) != chr(first) + chr(last)]
    assert not known and {point for point in POINTS if unicodedata.normalize("NFD", chr(point)) != normalizers.NFD().normalize_str(chr(point))} <= set(YOUNG)
    print(f"constexpr std::array<Composition, {len(YOUNG)}> kYoungCompositions = {{{{")
    for at in range(0, len(YOUNG), 4):
        print("    " + " ".join("{0x%X, 0x%X, 0x%X}," % (c, *parts) for c, parts in sorted(YOUNG.items())[at:at + 4]))
    print("}};")
    order = normalizers.NFD()  # U+0334 goes before every mark of a higher class that the library knows
    later_marks = {point for point in regex(r"\p{M}") if not CATEGORY[point].startswith("M")}
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

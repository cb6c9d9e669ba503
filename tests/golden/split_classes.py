"""Writes tokenizer/text/split_classes.inc: the named character classes of splitting patterns, as PCRE2 must be told them.

    python tests/golden/split_classes.py

Hugging Face tokenizers 0.22.2 splits with Oniguruma (Unicode 16). A class is what PCRE2 10.42 (Unicode 14) has under some name and the
members that it lacks there; both libraries are asked for every assigned character (of long runs of ideographs and the like, the ends).
"""

import ctypes
import pathlib

from tokenizers import Regex, normalizers

RUNS = [(0x3400, 0x4DBF), (0x4E00, 0x9FFC), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0x17000, 0x187F6), (0x20000, 0x2A6DD), (0x2A700, 0x2B736),
        (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0), (0x2EBF0, 0x2EE5D), (0x30000, 0x3134A), (0x31350, 0x323AF),
        (0x323B0, 0xE0000), (0xE01F0, 0xF0000), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD)]
INSIDE = [(first + 2, last - 2) for first, last in RUNS]
POINTS = [p for p in range(0x110000) if not 0xD800 <= p <= 0xDFFF and not any(a <= p <= b for a, b in INSIDE)]
POSIX = {"alnum": r"\p{Alphabetic}\p{Nd}", "alpha": r"\p{Alphabetic}", "ascii": r"\x{0}-\x{7f}", "blank": r"\p{Zs}\t", "cntrl": r"\p{Cc}",
         "digit": r"\p{Nd}", "graph": r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}", "lower": r"\p{Lowercase}", "upper": r"\p{Uppercase}",
         "print": r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}\p{Zs}", "punct": r"\p{P}\p{S}", "space": r"\p{Z}\x{9}-\x{d}\x{85}",
         "xdigit": "0-9a-fA-F", "word": r"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}"}
CATEGORIES = {"l": "letter", "lu": "uppercase_letter", "ll": "lowercase_letter", "lt": "titlecase_letter", "lm": "modifier_letter",
              "lo": "other_letter", "m": "mark", "mn": "nonspacing_mark", "mc": "spacing_mark", "me": "enclosing_mark", "n": "number",
              "nd": "decimal_number", "nl": "letter_number", "no": "other_number", "p": "punctuation", "pc": "connector_punctuation",
              "pd": "dash_punctuation", "ps": "open_punctuation", "pe": "close_punctuation", "pi": "initial_punctuation",
              "pf": "final_punctuation", "po": "other_punctuation", "s": "symbol", "sm": "math_symbol", "sc": "currency_symbol",
              "sk": "modifier_symbol", "so": "other_symbol", "z": "separator", "zs": "space_separator", "zl": "line_separator",
              "zp": "paragraph_separator", "cc": "control", "cf": "format", "co": "private_use", "lc": "cased_letter"}
PROPERTIES = {"alnum": "alnum", "alpha": "alpha alphabetic", "ascii": "ascii", "blank": "blank", "cntrl": "cntrl", "digit": "digit",
              "graph": "graph", "lower": "lower lowercase", "upper": "upper uppercase", "print": "print", "space": "space whitespace",
              "xdigit": "xdigit"}
SCRIPTS = """Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi
Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot
Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian
Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana
Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi
Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar
Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi
Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Ol_Onal
Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya
Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham
SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri
Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Toto Tulu_Tigalari Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi
Yi Zanabazar_Square""".split()
SHORT = {"Han": "hani", "Hiragana": "hira", "Katakana": "kana", "Latin": "latn", "Cyrillic": "cyrl", "Greek": "grek", "Arabic": "arab",
         "Hebrew": "hebr", "Thai": "thai", "Hangul": "hang", "Devanagari": "deva", "Common": "zyyy", "Inherited": "zinh qaai",
         "Bopomofo": "bopo", "Armenian": "armn", "Georgian": "geor", "Khmer": "khmr", "Lao": "laoo", "Tibetan": "tibt", "Tamil": "taml",
         "Telugu": "telu", "Bengali": "beng", "Myanmar": "mymr", "Ethiopic": "ethi", "Mongolian": "mong", "Sinhala": "sinh"}


def by_oniguruma(pattern):
    removal, matched = normalizers.Replace(Regex(pattern), ""), set()
    for at in range(0, len(POINTS), 512):
        chunk = POINTS[at:at + 512]
        matched |= set(chunk) - set(map(ord, removal.normalize_str("".join(map(chr, chunk)))))
    return matched


class Pcre:
    UTF_AND_UCP = 0x00080000 | 0x00020000

    def __init__(self):
        self.library = ctypes.CDLL("libpcre2-8.so.0")
        self.library.pcre2_compile_8.restype = self.library.pcre2_match_data_create_8.restype = ctypes.c_void_p
        self.library.pcre2_compile_8.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self.library.pcre2_match_data_create_8.argtypes = [ctypes.c_uint32, ctypes.c_void_p]
        self.library.pcre2_match_8.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p]
        self.data = self.library.pcre2_match_data_create_8(1, None)

    def matched(self, members):
        error, offset, pattern = ctypes.c_int(), ctypes.c_size_t(), f"[{members}]".encode()
        code = self.library.pcre2_compile_8(pattern, len(pattern), self.UTF_AND_UCP, ctypes.byref(error), ctypes.byref(offset), None)
        if not code:
            return set()
        return {p for p in POINTS if self.library.pcre2_match_8(code, chr(p).encode(), len(chr(p).encode()), 0, 0, self.data, None) > 0}


def as_members(points):
    """Neighbours among POINTS are a range, so that runs are whole."""
    place = {point: at for at, point in enumerate(POINTS)}
    ranges = []
    for point in sorted(points):
        joined = ranges and place[ranges[-1][1]] == place[point] - 1
        if joined and (ranges[-1][1] == point - 1 or any(a == ranges[-1][1] + 1 and b == point - 1 for a, b in INSIDE)):
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"\\x{{{a:x}}}" if a == b else f"\\x{{{a:x}}}-\\x{{{b:x}}}" for a, b in ranges)


def main():
    pcre, rows = Pcre(), []

    def put(names, pattern, base):
        wanted, there = by_oniguruma(pattern), pcre.matched(base) if base else set()
        if not there or there - wanted:
            base, there = "", set()
        rows.append((names, base + as_members(wanted - there)))

    for name, base in POSIX.items():
        put("[:" + name, f"[[:{name}:]]", base)
    put("\\w", r"\w", POSIX["word"])
    put("[\\w", r"[\w]", POSIX["word"])
    for short, name in CATEGORIES.items():
        put(f"{short} {name.replace('_', '')}", f"\\p{{{name}}}", "\\p{%s}" % ("L&" if short == "lc" else short.capitalize()))
    for name, names in PROPERTIES.items():
        put(names, f"\\p{{{name}}}", POSIX[name])
    put("punct", r"\p{Punct}", r"\p{P}")
    put("word", r"\p{Word}", POSIX["word"])
    for script in SCRIPTS:
        names = script.lower().replace("_", "") + (" " + SHORT[script] if script in SHORT else "")
        put(names, f"\\p{{{script}}}", f"\\p{{sc:{script}}}")
    lines = ["// Made by tests/golden/split_classes.py; see there. clang-format off",
             f"constexpr std::array<SplitClass, {len(rows)}> kSplitClasses = {{{{"]
    for names, members in rows:
        pieces = [members[at:at + 4000] for at in range(0, len(members), 4000)]
        lines.append(f'    {{R"( {names} )", ' + "\n".join(f'R"({piece})"' for piece in pieces) + "},")
    path = pathlib.Path(__file__).parent.parent.parent / "tokenizer" / "text" / "split_classes.inc"
    path.write_text("\n".join(lines + ["}};"]) + "\n")


if __name__ == "__main__":
    main()

"""Writes tokenizer/text/letter_case.inc and tokenizer/letter_case_golden.json: letter case as Python 3.11's str has it (Unicode 14).

    python tests/golden/letter_case.py

The .inc holds what utf8proc does not know: which characters have case, which a sigma looks past, and mappings to several characters.
The golden holds [text, upper, lower, title, capitalize, filter] where the last is Jinja2 3.1.6's `title`, and for every block of 4096
code points the FNV-1a of upper, lower and title of each character of it.
"""

import json
import pathlib
import unicodedata

from jinja2.filters import do_title

HERE = pathlib.Path(__file__).parent
assert unicodedata.unidata_version == "14.0.0"
POINTS = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
TEXTS = ["", "Paris", "\u039f\u0394\u039f\u03a3", "\u03a3", "A\u03a3", "A\u03a3B", "A.\u03a3", "A\u03a3.", "A\u03a3.b", "A\u0301\u03a3\u0301 x", "\u03a3\u03a3\u03a3 \u03a3",
         "\ufb01ne \ufb01", "stra\u00dfe", "\u0130stanbul I\u0307", "they're", "o'neill-smith (x) {y} <z> [w]", "\u01c6 \u01c5", "hello world", "3rd 2x a_b",
         "\u1f80\u1fb3\u1f52", "\u0149x", "\u0587", "\u00aa\u00ba\u2160\u24d0", "a\u3000b\u00a0c\u0085d\x1ce", "\u1e9e\u0390\u03b0", "x\u00ad\u03a3", "x \u03a3", "'\u03a3'", "\u03b1\u03a3'",
         "\U00010400\U00010428", "\u10d0\u1c90\u13a0\uab70", "\u0345\u03a3", "a\u0345\u03a3"]


def ranges(points):
    result = []
    for point in points:
        if result and result[-1][1] == point - 1:
            result[-1][1] = point
        else:
            result.append([point, point])
    return result


def put_ranges(name, points):
    items = ranges(points)
    lines = [f"constexpr std::array<CodePointRange, {len(items)}> {name} = {{{{"]
    for at in range(0, len(items), 6):
        lines.append("    " + " ".join(f"{{0x{a:X}, 0x{b:X}}}," for a, b in items[at:at + 6]))
    return lines + ["}};"]


def put_several(name, change):
    items = [(point, change(chr(point))) for point in POINTS if len(change(chr(point))) > 1]
    lines = [f"constexpr std::array<SeveralLetters, {len(items)}> {name} = {{{{"]
    for at in range(0, len(items), 3):
        lines.append("    " + " ".join("{0x%X, {%s}}," % (a, ", ".join(f"0x{ord(c):X}" for c in to)) for a, to in items[at:at + 3]))
    return lines + ["}};"]


def fnv(texts):
    value = 0xCBF29CE484222325
    for text in texts:
        for byte in text.encode() + b"\0":
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def main():
    cased = [point for point in POINTS if (chr(point) + "a").title()[-1] == "a"]
    ignorable = [point for point in POINTS if ("A" + chr(point) + "\u03a3").lower()[-1] == "\u03c2" != (chr(point) + "\u03a3").lower()[-1]]
    lines = ["// Made by tests/golden/letter_case.py; see there. clang-format off"]
    lines += put_ranges("kCased", cased) + put_ranges("kCaseIgnorable", ignorable)
    lines += put_several("kSeveralUpper", str.upper) + put_several("kSeveralTitle", str.title)
    (HERE.parent.parent / "tokenizer" / "text" / "letter_case.inc").write_text("\n".join(lines) + "\n")
    blocks = []
    for start in range(0, len(POINTS), 4096):
        chunk = [chr(point) for point in POINTS[start:start + 4096]]
        mapped = [text for c in chunk for text in (c.upper(), c.lower(), c.title(), ("A" + c + "\u03a3").lower(), (c + "a").title())]
        blocks.append(fnv(mapped))
    golden = {"library": "Python 3.11 str, jinja2 3.1.6", "blocks": blocks,
              "texts": [[t, t.upper(), t.lower(), t.title(), t.capitalize(), do_title(t)] for t in TEXTS]}
    (HERE / "tokenizer" / "letter_case_golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()

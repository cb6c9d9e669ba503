"""Golden of the four normalisation forms of every code point, alone and with marks, made with Hugging Face tokenizers 0.22.2.

normal_forms_golden.json: {"library", "block", "blocks": [FNV-1a for every `block` code points]}; the texts of a code point c are c,
c + U+0301 + U+0334, U+11935 + c, and its canonical decomposition by Python 3.11; each in NFC, NFD, NFKC, NFKD, a zero byte behind each.
"""

import json
import pathlib
import unicodedata

import tokenizers
from tokenizers import normalizers

FORMS = [normalizers.NFC(), normalizers.NFD(), normalizers.NFKC(), normalizers.NFKD()]
POINTS = [point for point in range(1, 0x110000) if not 0xD800 <= point <= 0xDFFF]
BLOCK = 4096


def texts_of(point):
    c = chr(point)
    return [c, c + "\u0301\u0334", "\U00011935" + c, unicodedata.normalize("NFD", c)]


def fnv(texts):
    value = 0xCBF29CE484222325
    for text in texts:
        for byte in text.encode() + b"\0":
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def main():
    blocks = []
    for start in range(0, len(POINTS), BLOCK):
        blocks.append(fnv(form.normalize_str(text) for point in POINTS[start:start + BLOCK] for text in texts_of(point) for form in FORMS))
    golden = {"library": f"tokenizers {tokenizers.__version__}", "block": BLOCK, "blocks": blocks,
              "decompositions": "".join(chr(p) + unicodedata.normalize("NFD", chr(p)) + "\0" for p in POINTS
                                        if unicodedata.normalize("NFD", chr(p)) != chr(p) and not 0xAC00 <= p <= 0xD7A3)}
    (pathlib.Path(__file__).parent / "tokenizer" / "normal_forms_golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()

"""Nasty strings for the tokenizer goldens; the same ones for every vocabulary."""

import random

FIXED = [
    "", " ", "  ", "   ", "a", " a", "a ", "\n", "\r\n", "\r", "\t", "\n\n\n", " \n", "\n ", " \n \n ",
    "Hello world", "Hello  world", "Hello   world ", "  leading", "trailing  ", "a\tb\t\tc", "a\r\nb\r\n\r\nc",
    "I'm you're he'll they've we'd it's isn't", "I'M YOU'RE HE'LL THEY'VE WE'D IT'S ISN'T",
    "'s't're've'm'll'd", "''s ' s 'S", "don\u2019t", "rock'n'roll", "'\u017f long s", "l'\u212aelvin",
    "1", "12", "123", "1234", "12345678901234567890", "3.14159", "1,000,000", "\u0661\u0662\u0663",
    "\u00b2\u00b3\u00bd x\u2075", "\u2167 \u2168", "a1b2c3", "v1.0.0-rc.2+build",
    "!!!", "...", "?!?!", "--- ---", "#include <x>", "f(x) = x**2;", "a_b_c __init__", "C++ & C#",
    "\u00e9", "e\u0301", "cafe\u0301", "caf\u00e9", "\u1e9b\u0323", "a\u0323\u0302", "a\u0302\u0323",
    "\u0301", " \u0301", "x\u0301\u0301\u0301", "\u212b \u00c5 A\u030a", "\u2126", "\ufb01 \ufb00 \ufb06",
    "\uac00 \u1100\u1161 \u1100\u1161\u11a8 \uac00\u11a8", "\u304b\u3099 \u304c", "\u0958 \u0915\u093c",
    "\u09c7\u09be \u09c7\u09d7", "\u0f71\u0f72\u0f74 \u0f73", "\u0344", "\u2adc", "\uf900 \ufa0e",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e", "\u0915\u094d\u0937\u0947\u0924\u094d\u0930",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0639\u0644\u064a\u0643\u0645 \u0627\u0644\u0633\u0644\u0627\u0645",
    "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u3053\u3093\u306b\u3061\u306f\u4e16\u754c", "\u6771\u4eac2020\u5e74",
    "\U00020000\U0002a6d6", "\U0001d400\U0001d401\U0001d7ce", "\U00010400\U00010428",
    "\U0001f600", "\U0001f600\U0001f601 x\U0001f602", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea",
    "\u2764\ufe0f", "\U0001f44d\U0001f3fd", "\u231a\ufe0f \u0031\ufe0f\u20e3",
    "\u00a0", "a\u00a0b", "\u00a0\u00a0a", " \u00a0 a", "\u2003em\u2003space", "\u3000\u3000x", "\u1680 \u205f",
    "\u180e mongolian", "a\u180eb \u180e", "\u200bzero\u200bwidth", "\u200e\u200f\u202a", "\ufeffbom", "a\u2028b\u2029c",
    "\x85next", "a\x85b", "\x0b\x0c\x1c\x1d\x1e\x1f", "\x00", "a\x00b", "\x01\x02\x03", "\x7f", "\x80\x9f", "\xad",
    "\ufffd", "\uffff", "\U0010ffff", "\ue000\uf8ff", "\u0378",
    "<|endoftext|>", "<|endoftext|><|endoftext|>", "a<|endoftext|>b", " <|endoftext|> ", "a <|endoftext|> b",
    "<|endoftext", "<|endoftext|", "|endoftext|>", "<<|endoftext|>>", "<|ENDOFTEXT|>", "e<|endoftext|>\u0301",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|im_start|", "<|im_end|><|endoftext|>",
    "[L] x [L]x x[L] [L][L]", "x  [L]  x", "x [R]  x [R]\n\nx[R]", "[LR]  [LR]", " [L] [R] [LR] ", "[W] x[W] [W]x _[W] [W]. \u00e9[W] [W]",
    "[N] e\u0301 [N]", "caf\u00e9! cafe\u0301!", "xcafe\u0301!x", "[LONG] [LONGER] [LONGE", "    code", "\n    code\n        more",
    "\u00e9\u00e9[W]", "\u24d0[W] \u00b2[W] \u200d[W] \u0301[W]", "\u3000[L]\u00a0[R]\u2003",
    "The capital of France is Paris.", "The Eiffel Tower is located in the city of Rome",
    "Q: Who is the CEO of Apple?\nA: Tim Cook\n\nQ:", "https://example.org/a?b=c&d=%20e#f", "{\"key\": [1, 2.5e-3, null]}",
    "def f(x):\n    return x + 1\n\n\nclass A:\n\tpass\n", "SELECT * FROM t WHERE a <> 'b';", "$\\alpha_{1}^{2}$",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababababab", "\u00e9" * 70,
    " " * 100, "\n" * 50, " \n" * 30, "\t" * 40, "x" + " " * 33 + "y", "-" * 120, "=" * 79, "\U0001f600" * 40,
    "Supercalifragilisticexpialidocious", "antidisestablishmentarianism", "Donaudampfschifffahrtsgesellschaft",
    "lorem ipsum " * 40,
]

ALPHABETS = [
    " \n\r\tab", "abcdefghij ", "aA1 .'st", "e\u0301\u0323a\u0302 ", "\u1100\u1161\u11a8\uac00 ", "\u0915\u093c\u094d\u0937\u093e ",
    "\U0001f600\U0001f3fd\u200d\ufe0f a", "\u00a0 \u3000\u2003\x85x\n", "\x00\x01\x1f\x7f\x80 a", "'sS\u017ftTrReEvVmMlLdD ",
    "<|endoftext|>[LRW] ", "\u4e2d\u6587\u3002\uff0c1a ", "\u0e01\u0e33\u0e34 ", "0123456789 ,.", "_-+*/=(){}[];:\n ",
]


def texts():
    rng = random.Random(20260101)
    result = list(FIXED)
    pieces = ["<|endoftext|>", "<|im_end|>", "[L]", "[R]", "[LR]", "[W]", "[N]", "caf\u00e9!", "    ", " the", "\r\n"]
    for alphabet in ALPHABETS:
        for length in (3, 7, 15, 40):
            result.append("".join(rng.choice(alphabet) for _ in range(length)))
    while len(result) < 300:
        parts = []
        for _ in range(rng.randint(2, 8)):
            if rng.random() < 0.3:
                parts.append(rng.choice(pieces))
            elif rng.random() < 0.5:
                parts.append("".join(rng.choice(rng.choice(ALPHABETS)) for _ in range(rng.randint(1, 9))))
            else:
                point = rng.choice([rng.randint(0x20, 0x24F), rng.randint(0x300, 0x17FF), rng.randint(0x1E00, 0x2BFF),
                                    rng.randint(0x3000, 0xD7FF), rng.randint(0x1F300, 0x1FAFF)])
                parts.append(chr(point))
        result.append("".join(parts))
    return result

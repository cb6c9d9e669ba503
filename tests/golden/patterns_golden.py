"""Golden of splitting patterns, made with Hugging Face tokenizers 0.22.2 (Oniguruma).

patterns_golden.json: {"library", "texts", "patterns": [[pattern, required, [pieces of each text, joined by "|"]]]}: what is left of
each text when the matches are removed. A pattern that is not `required` may be refused, but never splits otherwise.
"""

import json
import pathlib

import tokenizers
from tokenizers import Regex, pre_tokenizers

TEXTS = [
    "", "7 \U00010d43 x", "stra\u00dfe STRA\u1e9eE Stra\u017f\u017fe ssss \ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06 office affluent first \u017ft", "\u0928\u092e\u0938\u094d\u0924\u0947 a", "a\u00aa\u00bab \u01c5 \u24d0\u24b6 \u2160\u2170",
    "e\u0301 x\u00b2 a_b \u203fc\u200d\u200c", "\u4e2d\u6587\u3001\u4f60\u597d\u3002 \u3005\u3007\u30ab\u30ca\u3072\u3089 \ud55c\uae00", "it's I'M you'RE he'll THEY'VE we'd 'S '\u017f \u212a k K", "a\tb\u00a0c\u3000d\r\ne\x0bf\x85g\u2028h\u180ei",
    "foo-bar+baz=1.50$ \u20ac5 <a>&\"q\"~ [x]{y} a{2} {,3}", "deadBEEF 0xFf zZ", "\u0430\u0411\u0432 \u03b1\u0392\u03c3\u03c2 \u0130i\u0131I \u0587\u0149", "\u1c89\u1c8a\ua7cb\ua7cc \U00010d50\U00010d70 \U0001e030", "ppLL pL aab aaab aaaab",
    "\U0001f600\ufe0f\u200d \u00ad\ue000\u0378\x00\x1b", "\u0345\u0399 \u1fbe \u2126\u03c9", "line\n\nnext\n", "\u2019s \u2018re",
]
REQUIRED = [
    r"\d", r"\D", r"[\d]", r"[^\d]+", r"\w", r"\W+", r"[\w]", r"[^\w]+", r"\s", r"\S+", r"[\s\d]+", r"\h", r"\H+", r"[\h]+", r"\v", r"\R", r"\N+", r"\b", r"\B", r"\bk\b", r"\p{Han}", r"\p{Hiragana}+", r"\p{Katakana}", r"\p{Latin}+", r"\p{Cyrillic}+", r"\p{Greek}", r"\P{Han}+", r"\p{^Han}+", r"[\p{Han}\p{Hira}]+",
    r"\p{Hangul}", r"\p{Common}+", r"\p{Inherited}", r"\p{L}", r"\p{Lu}", r"\p{Ll}+", r"\p{Lt}", r"\p{Lm}", r"\p{Lo}", r"\p{LC}+", r"\p{M}", r"\p{Mn}", r"\p{Mc}", r"\p{N}", r"\p{Nl}", r"\p{No}", r"\p{P}", r"\p{Punct}", r"\p{S}", r"\p{Z}", r"\p{C}", r"\P{C}+", r"\p{Cn}", r"\p{Cf}", r"\p{Co}", r"\p{Letter}", r"\p{lowercase letter}", r"\p{Alphabetic}",
    r"\p{Alnum}", r"\p{ASCII}", r"\p{Upper}", r"\p{White_Space}", r"\p{Word}", *(f"[[:{name}:]]" for name in ("alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit", "word")), r"[^[:alpha:]]+", r"[[:digit:]a-c_-]+", r"[\w-]+", r"[]a]", r"[^]a]+",
    r"(?i)ss", r"(?i)SS", r"(?i)sss", r"(?i)ssss", r"(?i)ffi", r"(?i)fi", r"(?i)ff", r"(?i)fl+", r"(?i)st", r"(?i)first", r"(?i)ss+", r"(?i)s", r"(?i)k", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"(?i)'s|'RE|'ve", r"(?i)[a-f]+", r"(?i:\u2019s|'s)", r"(?i:st)|ss", r"(?i)\d+|\s", r"(?i)strasse", r"(?i)[^\s]+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+", r"[!-/:-~]+|[\u4e00-\u9fff]+", r"a{,3}b", r"a{2}b", r"a{1,2}?b", r"a{2,}", r"(a)\1", r"x*", r"(?>a+)b", r"(?<=a)b", r"(?#c)a", r"a|b|", r"^.", r".$", r"\{y\}|\[x\]",
    r"\x61", r"\x{4e2d}", r"\u4f60", r"[\x{3040}-\x{30ff}]+", r"\.\d+", r"\0", r"\e", r"[\b]", r"\A.", r".\z", r"{y}", r"a{", r"{,x}",
]
OTHERS = [
    r"\pL", r"(?i)a(?-i)b", r"\X", r"\K", r"\O", r"a\Kb", r"[a-z&&b]", r"[a[b]]", r"(?m:.)", r"(?x)a b", r"[\W]", r"[\D\s]", r"[\P{L}]", r"[[:^alpha:]]", r"\p{L&}", r"\p{Emoji}", r"\p{InBasic_Latin}", r"\p{Nonsense}", r"a{2}+", r"a{2}?", r"a{1,2}+", r"a(?i)b|c", r"(?i)\p{L}", r"(?i)\p{Lu}", r"(?i)[[:upper:]]", r"(?i)\w", r"(?i)[s]s", r"(?i)\u00df", r"(?i)[\u00df]",
    r"(?i)\u0130", r"(?i)\u03c3", r"(?i)s(?:s)", r"(?i)(s)s", r"(?i)s(?#x)s", r"(?i)s|s", r"(?i)\x73s", r"(?i)[a-\u00ff]", r"(?i)i\u0307", r"\Qa.b\E", r"\xe4", r"\101", r"(?<n>a)\k<n>", r"(?<n>a)\g<n>", r"(?~a)", r"\y", r"(?i)(s)\1", r"[\w-z]", r"[\p{L}-z]+", r"[a-\d]", r"[\d-x]+", r"[a-c-e]+", r"(?a)a", r"\G.", r"(?:a|b)+?", r"a++", r"a*+a", r"a?+", r"(?i)(?:ss)+", r"(?i)s{2}", r"(?i)s\u017f",
]


def left(pattern, text):
    pieces = pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str(text)
    return "|".join(piece for piece, _ in pieces)


def main():
    rows = []
    for required, patterns in ((True, REQUIRED), (False, OTHERS)):
        for pattern in patterns:
            try:
                rows.append([pattern, required, [left(pattern, text) for text in TEXTS]])
            except Exception:  # Oniguruma does not compile it
                assert not required, pattern
                rows.append([pattern, required, None])
    golden = {"library": f"tokenizers {tokenizers.__version__}", "texts": TEXTS, "patterns": rows}
    (pathlib.Path(__file__).parent / "tokenizer" / "patterns_golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()

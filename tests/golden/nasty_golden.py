"""Ten thousand nasty strings for the real vocabularies, as hashes of what the reference library makes of them.

The strings come from a generator that tests/tokenizer/nasty_texts.hpp has as well; its tables are written to
tests/golden/tokenizer/nasty_generator.json. nasty_golden.json holds one FNV-1a hash per hundred strings.
"""

import json
import pathlib

HERE = pathlib.Path(__file__).parent / "tokenizer"
MASK = (1 << 64) - 1
COUNT = 10000
BLOCK = 100
GENERATOR = {
    "seed": 20260101,
    "pieces": ["<|endoftext|>", "<|im_end|>", "<s>", "</s>", "<unk>", "[INST]", "\u2581", "\u2581\u2581", "<0x41>", " ", "  ",
               "\n", "\r\n", "\t", " the", "\u00e9", "e\u0301", "\uac00\u11a8", "\u1100\u1161", "Hello", "world", "123", ".",
               "...", "'s", "'LL", "\U0001f468\u200d\U0001f469", "\u3000", "\u180e", "\u0000", "\ufeff"],
    "alphabets": [" \n\r\tab", "abcdefghij ", "aA1 .'st", "e\u0301\u0323a\u0302 ", "\u1100\u1161\u11a8\uac00 ",
                  "\u0915\u093c\u094d\u0937\u093e ", "\U0001f600\U0001f3fd\u200d\ufe0f a", "\u00a0 \u3000\u2003\u0085x\n",
                  "\u0000\u0001\u001f\u007f\u0080 a", "'sS\u017ftTrReEvVmMlLdD ", "<|endoftext|>[LRW] ", "0123456789 ,.",
                  "\u4e2d\u6587\u3002\uff0c1a ", "\u0e01\u0e33\u0e34 ", "_-+*/=(){}[];:\n "],
    "letters": "abcdefghijklmnopqrstuvwxyz    ETAOIN",
    "ranges": [[0x0, 0x7F], [0x80, 0x24F], [0x250, 0x17FF], [0x1E00, 0x33FF], [0x3400, 0xD7FF], [0xE000, 0xFFFF],
               [0x10000, 0x1FFFF], [0x1F300, 0x1FAFF], [0x20000, 0x10FFFF]],
}


def hash_of(text, value=0xCBF29CE484222325):
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


class Generator:
    def __init__(self):
        self.state = GENERATOR["seed"]

    def below(self, count):  # splitmix64
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 11) % count

    def of(self, items):
        return items[self.below(len(items))]

    def part(self):
        kind = self.below(4)
        if kind == 0:
            return self.of(GENERATOR["pieces"])
        if kind == 1:
            alphabet = self.of(GENERATOR["alphabets"])
            return "".join(self.of(alphabet) for _ in range(1 + self.below(9)))
        if kind == 2:
            return "".join(self.of(GENERATOR["letters"]) for _ in range(1 + self.below(20)))
        first, last = self.of(GENERATOR["ranges"])
        return chr(first + self.below(last - first + 1))

    def text(self):
        return "".join([self.part() for _ in range(1 + self.below(8))])


def summary(ids, decoded):
    return ",".join(map(str, ids)) + "|" + decoded + "\n"


def write_generator():
    (HERE / "nasty_generator.json").write_text(json.dumps(GENERATOR) + "\n")


def hashes(encode, decode):
    generator = Generator()
    result = []
    for _ in range(COUNT // BLOCK):
        value = hash_of("")
        for _ in range(BLOCK):
            ids = encode(generator.text())
            value = hash_of(summary(ids, decode(ids)), value)
        result.append(f"{value:016x}")
    return result


def real(data):
    import sentencepiece
    import tokenizers
    import transformers
    from transformers import GPT2TokenizerFast, LlamaTokenizer, LlamaTokenizerFast, Qwen2TokenizerFast

    golden = {"library": f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}, "
                         f"sentencepiece {sentencepiece.__version__}", "block": BLOCK}
    for name, kind in [("gpt2", GPT2TokenizerFast), ("qwen2", Qwen2TokenizerFast)]:
        fast = kind.from_pretrained(data / "tokenizers" / name).backend_tokenizer
        golden[name] = hashes(lambda text: fast.encode(text).ids,
                              lambda ids: fast.decode(ids, skip_special_tokens=False))
    slow = LlamaTokenizer.from_pretrained(data / "tokenizers" / "mistral-v1")
    fast = LlamaTokenizerFast.from_pretrained(data / "tokenizers" / "mistral-v1").backend_tokenizer
    golden["mistral-v1"] = hashes(lambda text: slow(text).input_ids,
                                  lambda ids: fast.decode(ids, skip_special_tokens=False))
    (HERE / "nasty_golden.json").write_text(json.dumps(golden) + "\n")

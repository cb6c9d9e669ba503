"""Goldens for every component of a tokenizer.json, made with Hugging Face tokenizers 0.22.2.

components.json: {"library", "texts", "bases": {name: tokenizer.json}, "variants": [{"name", "base", "patch", "offsets",
"hashes"}]}. A variant is its base with the patch put over it (null removes); hashes are FNV-1a, one per text, of ids, decoded
text and (where `offsets`) byte ranges; see `case_text`.
"""

import json
import pathlib

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from nasty_golden import Generator, hash_of
from tokenizer_texts import FIXED

HERE = pathlib.Path(__file__).parent / "tokenizer"
MARK = "\u2581"
CORPUS = [
    "The capital of France is Paris. The capital of Italy is Rome. The city of Rome is in Italy.",
    "Hello world, hello there; the world is wide and the words are many: I'm, you're, he'll, they've.",
    "def function(value):\n    return value + 1\n\n\n    code\n",
    "caf\u00e9 na\u00efve \u0928\u092e\u0938\u094d\u0924\u0947 \u4f60\u597d \u041f\u0440\u0438\u0432\u0435\u0442 \U0001f600 1234 567 3.14",
] * 3
AWKWARD = [{"content": "[L]", "lstrip": True}, {"content": "[R]", "rstrip": True}, {"content": "[W]", "single_word": True},
           {"content": "[N]", "normalized": False}, {"content": "hello there"}, {"content": "\u00e9"},
           {"content": "<|im_end|>", "rstrip": True, "normalized": False, "special": True}]


def plain(component):
    return json.loads(component.__getstate__())


def sequence(kind, *steps):
    key = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "decoder": "decoders"}[kind]
    return {"type": "Sequence", key: [plain(step) for step in steps]}


def added(vocabulary, tokens=AWKWARD):
    """Added tokens: those that the vocabulary has keep their ids, others follow."""
    known = vocabulary if isinstance(vocabulary, dict) else {token: at for at, (token, _) in enumerate(vocabulary)}
    names = [token["content"] for token in tokens]
    others = [name for name in names if name not in known]
    defaults = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False}
    ids = {name: known.get(name, len(known) + others.index(name) if name in others else None) for name in names}
    return [{"id": ids[token["content"]], **defaults, **token} for token in tokens]


def special(contents):
    return added({}, [{"content": content, "normalized": False, "special": True} for content in contents])


def bpe(byte_tokens, **options):
    names = ["<unk>", "<s>", "</s>"] + ([f"<0x{byte:02X}>" for byte in range(256)] if byte_tokens else [])
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=byte_tokens, **options))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=len(names) + 170, special_tokens=names, show_progress=False, **options))
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = special(names[:3])
    document["decoder"] = plain(decoders.Metaspace())
    return document


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(CORPUS * 4, trainers.UnigramTrainer(
        vocab_size=180, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False))
    document = json.loads(tokenizer.to_str())
    document["decoder"] = plain(decoders.Metaspace())
    return document


def word_level():
    words = ["<unk>", "the", "The", "Hello", ".", "capital", ",", "\u00e9", "123", "world"]
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return json.loads(tokenizer.to_str())


def word_piece():
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[UNK]", "[CLS]", "[SEP]", *letters, *("##" + letter for letter in letters), "hello", "##llo", ".", "!", "capi", "##tal"]
    tokenizer = Tokenizer(models.WordPiece({word: at for at, word in enumerate(words)}, unk_token="[UNK]",
                                           max_input_chars_per_word=12))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    return json.loads(tokenizer.to_str())


def byte_decoder(*extra):
    return sequence("decoder", decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(), *extra)


def variants(bases):
    """(name, base, patch, whether the library's offsets are those of whole tokens)"""
    tokens = special(["<unk>", "<s>", "</s>"])
    awkward = tokens + added(bases["bpe"]["model"]["vocab"])
    metaspace = lambda scheme, split: plain(pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split))
    yield ("llama_legacy", "bpe", {
        "normalizer": sequence("normalizer", normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)), "pre_tokenizer": None,
        "decoder": byte_decoder(decoders.Strip(" ", 1, 0)),
        "post_processor": plain(processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)]))}, True)
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            yield (f"metaspace_{scheme}_{split}", "bpe", {
                "pre_tokenizer": metaspace(scheme, split), "added_tokens": awkward,
                "decoder": plain(decoders.Metaspace(prepend_scheme=scheme))}, True)
    yield ("gemma", "bpe", {
        "normalizer": plain(normalizers.Replace(" ", MARK)), "pre_tokenizer": plain(pre_tokenizers.Split(" ", "merged_with_previous")),
        "decoder": byte_decoder(), "added_tokens": awkward}, True)
    for name, normalizer in {
            "nfd": normalizers.NFD(), "nfkc": normalizers.NFKC(), "nfkd": normalizers.NFKD(), "lower": normalizers.Lowercase(),
            "strip": normalizers.Strip(), "strip_left": normalizers.Strip(left=True, right=False), "nmt": normalizers.Nmt(),
            "accents": normalizers.StripAccents(), "bert": normalizers.BertNormalizer(),
            "bert_cased": normalizers.BertNormalizer(clean_text=False, lowercase=False, strip_accents=True)}.items():
        yield (f"normalizer_{name}", "bpe", {"normalizer": plain(normalizer), "added_tokens": awkward,
                                             "pre_tokenizer": metaspace("first", True)}, False)
    yield ("normalizer_replace", "bpe", {"normalizer": sequence(
        "normalizer", normalizers.Replace(Regex(" {2,}"), " "), normalizers.Replace("a", "bb"),
        normalizers.Replace(Regex(r"\p{Nd}+"), "#"))}, False)
    for name, steps in {
            "punctuation": [pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.WhitespaceSplit(),
                            pre_tokenizers.Metaspace()],
            "digits": [pre_tokenizers.Digits(), pre_tokenizers.Whitespace()],
            "delimiter": [pre_tokenizers.CharDelimiterSplit("e"), pre_tokenizers.Punctuation("contiguous")],
            "inverted": [pre_tokenizers.Split(Regex(r"\p{L}+"), "merged_with_next", invert=True)],
            "words": [pre_tokenizers.Split(Regex(r"\w+|[^\w]"), "contiguous")],
            "bert": [pre_tokenizers.BertPreTokenizer()]}.items():
        yield (f"pre_tokenizer_{name}", "bpe", {"pre_tokenizer": sequence("pre_tokenizer", *steps), "added_tokens": awkward,
                                                "decoder": None}, True)
    whitespace = {"pre_tokenizer": plain(pre_tokenizers.Whitespace()), "decoder": None}
    model = bases["unknown"]["model"]
    yield ("unk_fused", "unknown", whitespace, True)
    yield ("unk_single", "unknown", {**whitespace, "model": {**model, "fuse_unk": False, "ignore_merges": True,
                                                             "merges": model["merges"][:40]}}, True)
    yield ("unk_none", "unknown", {**whitespace, "model": {**model, "unk_token": None}}, False)
    yield ("subword_prefix", "prefixed", {"pre_tokenizer": plain(pre_tokenizers.WhitespaceSplit()), "decoder": None}, True)
    yield ("word_suffix", "suffixed", {"normalizer": plain(normalizers.Lowercase()), "decoder": plain(decoders.BPEDecoder()),
                                       "pre_tokenizer": plain(pre_tokenizers.BertPreTokenizer())}, False)
    yield ("unigram", "unigram", {"added_tokens": tokens + added(bases["unigram"]["model"]["vocab"])}, True)
    scored = bases["unigram"]["model"]
    yield ("unigram_bytes", "unigram", {"decoder": byte_decoder(), "model": {
        **scored, "byte_fallback": True, "vocab": scored["vocab"] + [[f"<0x{byte:02X}>", -9.0] for byte in range(256)]}}, False)
    yield ("unigram_t5", "unigram", {
        "normalizer": sequence("normalizer", normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")),
        "pre_tokenizer": sequence("pre_tokenizer", pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace())}, False)
    import sentencepiece_golden

    yield ("unigram_charsmap", "unigram", {"normalizer": plain(normalizers.Precompiled(sentencepiece_golden.small_charsmap()))},
           False)
    yield ("word_level", "word_level", {}, True)
    yield ("word_piece", "word_piece", {}, False)


def texts():
    generator = Generator()
    return [text for text in FIXED if len(text) < 60] + [generator.text() for _ in range(120)]


def patched(base, patch):
    return {**base, **patch}


def byte_offsets(text, offsets):
    at = [0]
    for character in text:
        at.append(at[-1] + len(character.encode()))
    return ",".join(f"{at[begin]}-{at[end]}" for begin, end in offsets)


def case_text(tokenizer, text, offsets):
    encoding = tokenizer.encode(text)
    parts = [",".join(map(str, encoding.ids)), tokenizer.decode(encoding.ids, skip_special_tokens=False),
             tokenizer.decode(encoding.ids, skip_special_tokens=True)]
    if offsets:
        parts.append(byte_offsets(text, encoding.offsets))
    return "|".join(parts)


def write():
    bases = {"bpe": bpe(True), "unknown": bpe(False), "prefixed": bpe(False, continuing_subword_prefix="##"),
             "suffixed": bpe(False, end_of_word_suffix="</w>"), "unigram": unigram(), "word_level": word_level(),
             "word_piece": word_piece()}
    golden = {"library": f"tokenizers {tokenizers.__version__}", "texts": texts(), "bases": bases, "variants": []}
    for name, base, patch, offsets in variants(bases):
        tokenizer = Tokenizer.from_str(json.dumps(patched(bases[base], patch)))
        hashes = [f"{hash_of(case_text(tokenizer, text, offsets)):016x}" for text in golden["texts"]]
        golden["variants"].append({"name": name, "base": base, "patch": patch, "offsets": offsets, "hashes": hashes})
    (HERE / "components.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    write()

"""Makes the tokenizer goldens with Hugging Face tokenizers 0.22.2 and transformers 4.57.1.

    python tests/golden/tokenizer_golden.py [DATA_DIR]

Writes tests/golden/tokenizer/*.json. With DATA_DIR (which holds tokenizers/gpt2 and tokenizers/qwen2) also the
goldens of the real vocabularies; those need `transformers` for the rules that its classes add to the files.

One golden: {"library": ..., "tokenizer": file or null, "cases": [{"text", "ids", "split_ids"?, "offsets", "decoded"}]}.
`split_ids` is without special tokens found in the text (given where it differs), `offsets` are byte ranges
of the original text; null where normalization changes the text, because the library then gives a composed character
the range of its first part only.
"""

import json
import pathlib
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import nasty_golden
import sentencepiece_golden
import tokenizer_components
from tokenizer_texts import texts

HERE = pathlib.Path(__file__).parent / "tokenizer"
GPT4_LIKE = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
             r"\s*[\r\n]+|\s+(?!\S)|\s+")
CORPUS = [
    "The capital of France is Paris. The capital of Italy is Rome. The city of Rome is in Italy.",
    "Hello world, hello there; the world is wide and the words are many: I'm, you're, he'll, they've.",
    "def function(value):\n    return value + 1\n\n\n    code\n        more code\n",
    "caf\u00e9 na\u00efve \u0928\u092e\u0938\u094d\u0924\u0947 \u4f60\u597d \u4e16\u754c \u041f\u0440\u0438\u0432\u0435\u0442 \U0001f600\U0001f601 1234 567 3.14",
] * 3


def byte_offsets(text, offsets):
    at = [0]
    for character in text:
        at.append(at[-1] + len(character.encode("utf-8")))
    return [[at[begin], at[end]] for begin, end in offsets]


def case(tokenizer, text, nfc):
    tokenizer.encode_special_tokens = False
    encoding = tokenizer.encode(text)
    result = {"text": text, "ids": encoding.ids}
    changed = nfc and unicodedata.normalize("NFC", text) != text
    result["offsets"] = None if changed else byte_offsets(text, encoding.offsets)
    result["decoded"] = tokenizer.decode(encoding.ids, skip_special_tokens=False)
    tokenizer.encode_special_tokens = True
    split_ids = tokenizer.encode(text).ids
    if split_ids != encoding.ids:
        result["split_ids"] = split_ids
    tokenizer.encode_special_tokens = False
    return result


def write_golden(name, tokenizer, file, nfc):
    golden = {"library": f"tokenizers {tokenizers.__version__}", "tokenizer": file}
    cases = ",\n".join(json.dumps(case(tokenizer, text, nfc)) for text in texts())
    head = json.dumps(golden)[:-1]
    (HERE / name).write_text(f"{head}, \"cases\": [\n{cases}\n]}}\n")


def train(pre_tokenizer, normalizer=None, size=420):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=["<|endoftext|>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def add_awkward_tokens(tokenizer):
    tokenizer.add_tokens([
        AddedToken("[L]", lstrip=True), AddedToken("[R]", rstrip=True), AddedToken("[LR]", lstrip=True, rstrip=True),
        AddedToken("[W]", single_word=True), AddedToken("[N]", normalized=False), AddedToken("caf\u00e9!", normalized=True),
        AddedToken("[LONG"), AddedToken("[LONGER]"), AddedToken("    ", normalized=True),
    ])
    tokenizer.add_special_tokens([AddedToken("<|im_start|>"), AddedToken("<|im_end|>", rstrip=True, normalized=False)])


def synthetic():
    plain = train(pre_tokenizers.ByteLevel(add_prefix_space=False))

    prefixed = train(pre_tokenizers.ByteLevel(add_prefix_space=True))
    add_awkward_tokens(prefixed)
    prefixed.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A <|im_end|>", special_tokens=[
            ("<|endoftext|>", 0), ("<|im_end|>", prefixed.token_to_id("<|im_end|>"))])

    composed = train(pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(GPT4_LIKE), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), normalizers.NFC())
    add_awkward_tokens(composed)
    composed.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)])])

    digits = train(pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.Split(".", "merged_with_previous"), pre_tokenizers.Split(Regex("[A-Z]+"), "merged_with_next"),
        pre_tokenizers.Split(Regex(r"\w+|[^\w\s]+"), "removed", invert=True),
        pre_tokenizers.Split("-", "contiguous"),
        pre_tokenizers.ByteLevel(add_prefix_space=False)]))
    model = json.loads(digits.to_str())
    model["model"]["ignore_merges"] = True
    model["model"]["merges"] = model["model"]["merges"][:60]
    digits = Tokenizer.from_str(json.dumps(model))

    for name, tokenizer, nfc in [("plain", plain, False), ("prefixed", prefixed, False), ("composed", composed, True),
                                 ("steps", digits, False)]:
        (HERE / f"{name}_tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str())) + "\n")
        write_golden(f"{name}_golden.json", tokenizer, f"{name}_tokenizer.json", nfc)


def trainer():
    corpus = CORPUS[:4] + ["aaaaaaaa abab aaaa bababab aaaaaaaaaaaaaaa", "<|endoftext|> is text here", "x\r\n\t y  "]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=330, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(tokenizer.to_str())["model"]
    golden = {"library": f"tokenizers {tokenizers.__version__}", "vocab_size": 330, "corpus": corpus,
              "vocab": model["vocab"], "merges": model["merges"]}
    (HERE / "trainer_golden.json").write_text(json.dumps(golden) + "\n")


def real(data):
    from transformers import GPT2TokenizerFast, Qwen2TokenizerFast

    gpt2 = GPT2TokenizerFast.from_pretrained(data / "tokenizers" / "gpt2").backend_tokenizer
    write_golden("gpt2_golden.json", gpt2, None, False)
    qwen2 = Qwen2TokenizerFast.from_pretrained(data / "tokenizers" / "qwen2").backend_tokenizer
    write_golden("qwen2_golden.json", qwen2, None, True)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    synthetic()
    trainer()
    tokenizer_components.write()
    sentencepiece_golden.write()
    nasty_golden.write_generator()
    if len(sys.argv) > 1:
        real(pathlib.Path(sys.argv[1]))
        nasty_golden.real(pathlib.Path(sys.argv[1]))

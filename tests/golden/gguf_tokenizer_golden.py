"""Golden of tokenizers in the metadata of GGUF files, made with tokenizers 0.22.2, sentencepiece 0.2.3 and transformers 4.57.1 (its merges).

gguf_tokenizer_golden.json: {"library", "texts", "bases": {name: metadata}, "cases": [{"name", "base", "patch" (over the base's keys), "ids": [of
each text, joined by commas], "decoded": [special tokens shown]}]}. The reference's tokenizer is put together here from what the published ones
have, not from the metadata: see splitting() and sentencepiece_reference().
"""

import io
import json
import pathlib

import sentencepiece
import tokenizers
import transformers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.convert_slow_tokenizer import generate_merges

from tokenizer_texts import FIXED

CORPUS = ["The city of Rome lies on the river. In 1999, 12345 and 3.14 the cafe\u0301 and the caf\u00e9 don't we'll THE'RE  in  it"] * 3
TEXTS = [t for t in FIXED if len(t) <= 44 and "\0" not in t][::2] + ["the\u00e9 12 345  6\n\n7", "<tool>a <tool>  b<pad>", "a  b   c    d\n\n\n\ne", "in it the the"]
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{%s}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
NORMAL, UNKNOWN, CONTROL_TYPE, USER, UNUSED, BYTE = range(1, 7)


def byte_level_base(missing=()):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=296, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = [t for t, _ in sorted(model["vocab"].items(), key=lambda item: item[1]) if t not in missing]
    merges = [f"{a} {b}" for a, b in model["merges"]]
    tokens += CONTROL + ["<tool>", "[PAD0]"]
    types = [NORMAL] * (len(tokens) - 5) + [CONTROL_TYPE] * 3 + [USER, UNUSED]
    ids = {f"tokenizer.ggml.{k}_token_id": len(tokens) - n for k, n in (("bos", 5), ("eos", 3), ("padding", 3))}
    return {"general.architecture": "llama", "llama.context_length": 64, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.token_type": types, "tokenizer.ggml.merges": merges, **ids}


def splitting(pre):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if pre in ("gpt-2", "olmo"):
        return byte_level
    if pre in ("smollm", "starcoder", "refact"):
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    digits = "1" if pre in ("qwen2", "deepseek-r1-qwen") else "1,3"
    split = pre_tokenizers.Split(Regex(CL100K % digits), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_level_reference(metadata):
    pre, tokens = metadata["tokenizer.ggml.pre"], metadata["tokenizer.ggml.tokens"]
    llama3 = pre in ("llama-bpe", "llama3", "llama-v3")
    merges = [tuple(m.split(" ")) for m in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges, ignore_merges=llama3))
    if pre in ("olmo", "qwen2", "deepseek-r1-qwen"):
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = splitting(pre)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in CONTROL])
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    around(tokenizer, metadata, llama3)
    return tokenizer


def around(tokenizer, metadata, bos_by_default):
    def named(role):
        return metadata["tokenizer.ggml.tokens"][metadata[f"tokenizer.ggml.{role}_token_id"]]

    before = [named("bos")] if metadata.get("tokenizer.ggml.add_bos_token", bos_by_default) else []
    after = [named("eos")] if metadata.get("tokenizer.ggml.add_eos_token", False) else []
    if before or after:
        ids = [(t, tokenizer.token_to_id(t)) for t in before + after]
        tokenizer.post_processor = processors.TemplateProcessing(single=before + ["$A"] + after, special_tokens=ids)


def sentencepiece_base(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=model, hard_vocab_limit=False, minloglevel=2, model_type="bpe",
                                             vocab_size=330, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, **options)
    pieces = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue()).pieces
    # as llama.cpp's converter writes them
    texts = [p.piece.replace("\u2581", " ") if p.type == USER else p.piece for p in pieces]
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": "default", "tokenizer.ggml.tokens": texts + ["[PAD0]"],
            "tokenizer.ggml.scores": [p.score for p in pieces] + [-1000.0], "tokenizer.ggml.token_type": [p.type for p in pieces] + [UNUSED],
            "tokenizer.ggml.unknown_token_id": 0, "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2}


def sentencepiece_reference(metadata):
    tokens, types, prefix = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"], metadata.get("tokenizer.ggml.add_space_prefix", True)
    tokens = [t.replace("\u2581", " ") if kind == USER else t for t, kind in zip(tokens, types)]
    scored = [(t, s) for t, s, kind in zip(tokens, metadata["tokenizer.ggml.scores"], types) if kind == NORMAL]
    merges = generate_merges({t: i for i, (t, _) in enumerate(scored)}, scored)
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=BYTE in types))
    blanks = normalizers.Replace(" ", "\u2581")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), blanks]) if prefix else blanks
    steps = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if prefix else []))
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, kind in zip(tokens, types) if kind in (UNKNOWN, CONTROL_TYPE)])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, types) if kind == USER])
    around(tokenizer, metadata, True)
    return tokenizer


def without_bytes(base):
    kept = [i for i, kind in enumerate(base["tokenizer.ggml.token_type"]) if kind != BYTE]
    return {k: [v[i] for i in kept] if isinstance(v, list) else v for k, v in base.items()}


def cases():
    for pre in ("gpt-2", "olmo", "smollm", "refact", "llama-bpe", "dbrx", "qwen2"):
        yield pre, "byte_level", {"tokenizer.ggml.pre": pre}
    yield "llama-bpe without a begin token", "byte_level", {"tokenizer.ggml.pre": "llama3", "tokenizer.ggml.add_bos_token": False}
    yield "gpt-2 with begin and end", "byte_level", {"tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.add_eos_token": True}
    yield "bytes without a token", "some_bytes", {"tokenizer.ggml.pre": "smollm"}
    yield "scores", "scores", {}
    yield "scores without a blank before a text", "scores", {"tokenizer.ggml.add_space_prefix": False, "tokenizer.ggml.add_bos_token": False}
    yield "scores with an end token", "scores", {"tokenizer.ggml.add_eos_token": True}
    yield "equal scores", "scores", {"tokenizer.ggml.scores": [0.0] * len(BASES["scores"]["tokenizer.ggml.scores"])}
    yield "symbols that users defined", "symbols", {"tokenizer.ggml.add_space_prefix": False}
    yield "no bytes", "no_bytes", {}


BASES = {"byte_level": byte_level_base(), "some_bytes": byte_level_base(missing=("\u0104", "\u00c2", "\u0126", "\u00a7", "\u0101")), "scores": sentencepiece_base(),
         "symbols": sentencepiece_base(user_defined_symbols=["\u2581\u2581", "\u2581\u2581\u2581", "<tool>", "\n\n"])}
BASES["no_bytes"] = without_bytes(BASES["scores"])


def main():
    rows = []
    for name, base, patch in cases():
        metadata = {**BASES[base], **patch}
        reference = byte_level_reference if metadata["tokenizer.ggml.model"] == "gpt2" else sentencepiece_reference
        encoded = [reference(metadata).encode(text).ids for text in TEXTS]
        decoded = [reference(metadata).decode(ids, skip_special_tokens=False) for ids in encoded[::8]]
        rows.append({"name": name, "base": base, "patch": patch, "ids": [",".join(map(str, ids)) for ids in encoded], "decoded": decoded})
    library = f"tokenizers {tokenizers.__version__}, sentencepiece {sentencepiece.__version__}, transformers {transformers.__version__}"
    golden = {"library": library, "texts": TEXTS, "bases": BASES, "cases": rows}
    (pathlib.Path(__file__).parent / "tokenizer" / "gguf_tokenizer_golden.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

"""Golden of the files beside a tokenizer.json, made with transformers 4.57.1 (AutoTokenizer) and tokenizers 0.22.2.

tokens_beside_golden.json: {"library", "base": tokenizer.json, "texts", "cases": [{"name", "patch" (over the base's keys), "files": {name:
content}, "ids": [of each text], "special": [ids that are]}]}.
"""

import json
import os
import pathlib
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import tokenizers
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

TEXTS = ["ab", "a <tool> b", "a<tool><|im_end|>!", "x<s>y</s><unk><bos>", "<|endoftext|> <pad>", "<img> <x>", "<TOOL>a<tool>b"]
FLAGS = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}


def token(content, **flags):
    return {"content": content, **FLAGS, **flags}


def numbered(number, content, **flags):
    return {"id": number, **token(content, **flags)}


def base():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return json.loads(tokenizer.to_str())


def cases():
    tool = {"added_tokens": [numbered(256, "<tool>")]}
    yield "config alone", {}, {"tokenizer_config.json": FAST}
    yield "added_tokens_decoder", {}, {"tokenizer_config.json": {**FAST, "added_tokens_decoder": {"256": token("<tool>")}}}
    yield "ids follow their order", {}, {"tokenizer_config.json": {**FAST, "added_tokens_decoder": {"900": token("<tool>"), "300": token("<x>", special=True)}}}
    yield "flags", tool, {"tokenizer_config.json": {**FAST, "added_tokens_decoder": {"256": token("<tool>", lstrip=True, rstrip=True)}}}
    yield "single word", tool, {"tokenizer_config.json": {**FAST, "added_tokens_decoder": {"256": token("<tool>", single_word=True)}}}
    yield "becomes special", tool, {"tokenizer_config.json": {**FAST, "added_tokens_decoder": {"256": token("<tool>", special=True)}}}
    yield "stays special", {"added_tokens": [numbered(256, "<tool>", special=True)]}, {"tokenizer_config.json": {**FAST, "added_tokens_decoder": {"256": token("<tool>", lstrip=True)}}}
    yield "same", tool, {"tokenizer_config.json": {**FAST, "added_tokens_decoder": {"256": token("<tool>")}}}
    yield "eos", {}, {"tokenizer_config.json": {**FAST, "eos_token": "<|im_end|>"}}
    yield "roles in order", {}, {"tokenizer_config.json": {**FAST, "pad_token": "<pad>", "eos_token": "<|im_end|>", "bos_token": "<s>", "additional_special_tokens": ["<x>", "<tool>"], "extra_special_tokens": {"image_token": "<img>"}}}
    yield "role of a token that is there", tool, {"tokenizer_config.json": {**FAST, "eos_token": "<tool>"}}
    yield "role of a letter", {}, {"tokenizer_config.json": {**FAST, "eos_token": "!"}}
    yield "object with flags", {}, {"tokenizer_config.json": {**FAST, "eos_token": {"__type": "AddedToken", **token("<|im_end|>", lstrip=True)}}}
    yield "role of a decoder's token", {}, {"tokenizer_config.json": {**FAST, "eos_token": "<tool>", "added_tokens_decoder": {"256": token("<tool>", lstrip=True)}}}
    yield "null roles", {}, {"tokenizer_config.json": {**FAST, "eos_token": None, "pad_token": None}}
    yield "map", {}, {"tokenizer_config.json": FAST, "special_tokens_map.json": {"eos_token": {**token("<|im_end|>", rstrip=True)}, "additional_special_tokens": ["<x>", token("<img>")]}}
    yield "map over config", {}, {"tokenizer_config.json": {**FAST, "eos_token": "<tool>"}, "special_tokens_map.json": {"eos_token": "<|im_end|>"}}
    yield "no map with a decoder", {}, {"tokenizer_config.json": {**FAST, "added_tokens_decoder": {"256": token("<tool>")}}, "special_tokens_map.json": {"eos_token": "<|im_end|>"}}
    yield "added_tokens.json", {}, {"tokenizer_config.json": FAST, "added_tokens.json": {"<tool>": 256, "<x>": 257}}
    yield "added_tokens.json with a role", {}, {"tokenizer_config.json": {**FAST, "eos_token": "<x>"}, "added_tokens.json": {"<tool>": 256, "<x>": 257}}
    yield "prefix space", {}, {"tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True, "bos_token": "!", "eos_token": "!", "unk_token": "!"}}
    yield "no prefix space", {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}}, {"tokenizer_config.json": FAST}
    yield "prefix space in a sequence stays", {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}]}}, {"tokenizer_config.json": FAST}
    yield "GPT-2's end", {}, {"tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer"}}
    yield "GPT-2 without a config's word", {}, {"config.json": {"model_type": "gpt2"}}
    yield "Qwen2", {}, {"tokenizer_config.json": {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "unk_token": None}}
    yield "Qwen2 flags", {"added_tokens": [numbered(256, "<|im_end|>", lstrip=True)]}, {"tokenizer_config.json": {"tokenizer_class": "Qwen2TokenizerFast", "eos_token": "<|im_end|>"}}
    yield "Llama", {}, {"tokenizer_config.json": {"tokenizer_class": "LlamaTokenizerFast"}}
    yield "Llama with an end", {"added_tokens": [numbered(256, "</s>", special=True)]}, {"tokenizer_config.json": {"tokenizer_class": "LlamaTokenizer", "add_bos_token": False, "add_eos_token": True}}
    yield "Gemma", {}, {"tokenizer_config.json": {"tokenizer_class": "GemmaTokenizer"}}
    yield "GPT-NeoX", {}, {"tokenizer_config.json": {"tokenizer_class": "GPTNeoXTokenizer", "add_bos_token": True}}
    yield "a class that adds nothing of its own", tool, {"tokenizer_config.json": {"tokenizer_class": "CodeGenTokenizer", "bos_token": "<s>", "eos_token": "<s>", "unk_token": "<s>"}}


def encoded(document, files):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "tokenizer.json").write_text(json.dumps(document))
        for name, content in files.items():
            (path / name).write_text(json.dumps(content))
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        ids = [tokenizer(text)["input_ids"] for text in TEXTS]
        added = tokenizer.added_tokens_decoder
        special = [i for i in sorted(added) if tokenizer.decode([i], skip_special_tokens=True) == ""]
        return ids, special


def main():
    root, rows = base(), []
    for name, patch, files in cases():
        ids, special = encoded({**root, **patch}, files)
        rows.append({"name": name, "patch": patch, "files": files, "ids": ids, "special": special})
    golden = {"library": f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}", "base": root, "texts": TEXTS, "cases": rows}
    (pathlib.Path(__file__).parent / "tokenizer" / "tokens_beside_golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()

"""Encoding speed of kedit beside Hugging Face tokenizers (Rust) and the slow Python tokenizers of transformers, in one run.

    python bench/tokenizer_reference.py BUILD/bench/kedit_bench_tokenizer TOKENIZERS_DIR TEXT_FILE

TOKENIZERS_DIR holds gpt2, qwen2 and mistral-v1. One thread each, processor time, the best of five passes (slow Python: one) over the lines of the
file; the ids must be equal before a time counts. Prints a Markdown table.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers  # noqa: E402
import transformers  # noqa: E402
from transformers import (  # noqa: E402
    GPT2Tokenizer, GPT2TokenizerFast, LlamaTokenizer, LlamaTokenizerFast, Qwen2Tokenizer, Qwen2TokenizerFast)

KINDS = {"gpt2": (GPT2TokenizerFast, GPT2Tokenizer), "qwen2": (Qwen2TokenizerFast, Qwen2Tokenizer),
         "mistral-v1": (LlamaTokenizerFast, LlamaTokenizer)}
MASK = (1 << 64) - 1


def hash_of(all_ids):
    value = 0xCBF29CE484222325
    for ids in all_ids:
        for one in ids:
            value = ((value ^ one) * 0x100000001B3) & MASK
    return f"{value:016x}"


def best_of(passes, act):
    best, result = None, None
    for _ in range(passes):
        start = time.process_time()
        result = act()
        seconds = time.process_time() - start
        best = seconds if best is None else min(best, seconds)
    return best, result


def main():
    binary, directory, text_file = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    lines = pathlib.Path(text_file).read_text().split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    megabytes = pathlib.Path(text_file).stat().st_size / 1e6
    slow_lines = lines[:max(1, len(lines) // 10)]
    slow_megabytes = sum(len(line.encode()) + 1 for line in slow_lines) / 1e6
    print(f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}, {megabytes:.2f} MB, {len(lines)} texts\n")
    print("| vocabulary | kedit MB/s | tokenizers (Rust) MB/s | kedit / Rust | transformers (slow) MB/s | kedit / slow |")
    print("|---|---|---|---|---|---|")
    for name, (fast_kind, slow_kind) in KINDS.items():
        ours = json.loads(subprocess.run([binary, directory / name, text_file], check=True, capture_output=True).stdout)
        fast = fast_kind.from_pretrained(directory / name).backend_tokenizer
        fast_seconds, encodings = best_of(5, lambda: [fast.encode(line) for line in lines])
        if hash_of(encoding.ids for encoding in encodings) != ours["hash"]:
            sys.exit(f"{name}: the ids differ")
        slow = slow_kind.from_pretrained(directory / name)
        slow_seconds, _ = best_of(1, lambda: [slow(line).input_ids for line in slow_lines])
        own, rust, python = ours["megabytes_per_second"], megabytes / fast_seconds, slow_megabytes / slow_seconds
        print(f"| {name} | {own:.1f} | {rust:.1f} | {own / rust:.1f} | {python:.2f} | {own / python:.0f} |")


if __name__ == "__main__":
    main()

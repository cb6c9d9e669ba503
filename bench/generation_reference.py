"""Times kedit's generation and that of the reference library on one random checkpoint, in turn.

    python bench/generation_reference.py build/bench/kedit_bench_generation [--rounds 5]
        [--threads 2] [--cases decode1,decode16,questions] [--checkpoint DIR]

Needs torch and transformers (made with 2.11.0 and 4.57.1). The checkpoint has the shape of GPT-2
small and random weights; it is made on the first run. Each round runs both sides after each other;
the smallest time of each side counts (kedit's short
cases run three times a round, the reference library's too). Tokens must be equal. Prints a line a case.
"""

import argparse
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--cases", default="decode1,decode16,questions")
parser.add_argument("--checkpoint", default=str(pathlib.Path(tempfile.gettempdir()) / "kedit-generation-bench"))
arguments = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(arguments.threads)

import torch  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel  # noqa: E402
from transformers.cache_utils import DynamicCache  # noqa: E402

torch.set_num_threads(arguments.threads)
torch.set_grad_enabled(False)
SHARED, QUESTION, QUESTIONS, ALONE = 1000, 12, 100, 3


def some_ids(row, count):
    return [(7919 * i + 104729 * row + 13 * i * i) % 50000 for i in range(count)]


def load():
    if not os.path.exists(os.path.join(arguments.checkpoint, "model.safetensors")):
        torch.manual_seed(1)
        model = GPT2LMHeadModel(GPT2Config(initializer_range=0.05))
        model.save_pretrained(arguments.checkpoint)
    return GPT2LMHeadModel.from_pretrained(arguments.checkpoint).eval()


def greedy(model, rows, tokens, cache=None):
    ids = torch.tensor(rows)
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens,
                         min_new_tokens=tokens, do_sample=False, past_key_values=cache,
                         pad_token_id=0)
    return out[:, ids.shape[1]:].tolist()


def question(row):
    return some_ids(0, SHARED) + some_ids(row, QUESTION)


def prefix_cache(model):
    cache = DynamicCache(config=model.config)
    model(torch.tensor([some_ids(0, SHARED)]), past_key_values=cache, use_cache=True)
    return cache


def questions_one_by_one(model):
    """The prefix cache passed by hand, a deep copy for every question."""
    prefix = prefix_cache(model)
    return [greedy(model, [question(row)], 8, copy.deepcopy(prefix))[0]
            for row in range(1, QUESTIONS + 1)]


def questions_batched(model, size=20):
    """The prefix cache passed by hand and repeated for batches of questions of equal length."""
    prefix = prefix_cache(model)
    answers = []
    for first in range(1, QUESTIONS + 1, size):
        cache = copy.deepcopy(prefix)
        cache.batch_repeat_interleave(size)
        answers += greedy(model, [question(row) for row in range(first, first + size)], 8, cache)
    return answers


def reference(model, case):
    if case == "decode1":
        return greedy(model, [some_ids(0, 16)], 64)
    if case == "decode16":
        return greedy(model, [some_ids(row, 16) for row in range(16)], 64)
    return questions_batched(model) if case == "questions-batched" else questions_one_by_one(model)


def run_program(case):
    repeats = "1" if case in ("questions", "alone") else "3"
    words = [arguments.program, arguments.checkpoint, case, str(arguments.threads), repeats]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def timed(work):
    begin = time.perf_counter()
    ids = work()
    return {"seconds": time.perf_counter() - begin, "ids": ids}


def smallest(results):
    return min(result["seconds"] for result in results)


def share_equal(ours, theirs):
    pairs = list(zip(ours, theirs))
    return sum(a == b for a, b in pairs) / len(pairs)


model = load()
for case in arguments.cases.split(","):
    extra = {"decode1": ["floor"], "decode16": [], "questions": ["alone"]}[case]
    others = [case] + (["questions-batched"] if case == "questions" else [])
    ours, theirs = {name: [] for name in [case] + extra}, {name: [] for name in others}
    for _ in range(arguments.rounds):
        for name in ours:
            ours[name].append(run_program(name))
        for name in theirs:
            for _ in range(1 if name.startswith("questions") else 3):
                theirs[name].append(timed(lambda name=name: reference(model, name)))
    equal = share_equal(ours[case][0]["ids"], theirs[case][0]["ids"])
    line = f"{case}: kedit {smallest(ours[case]):.3f} s"
    for name in theirs:
        ratio = smallest(theirs[name]) / smallest(ours[case])
        line += f", reference ({name}) {smallest(theirs[name]):.3f} s = {ratio:.2f}x"
    if case == "decode1":
        a_token = smallest(ours[case]) / 64
        line += (f"; floor {smallest(ours['floor']) * 1e3:.2f} ms, a token {a_token * 1e3:.2f} ms = "
                 f"{smallest(ours['floor']) / a_token:.0%} of it")
    if case == "questions":
        ratio = smallest(ours["alone"]) / smallest(ours[case])
        line += f"; without reuse {smallest(ours['alone']):.1f} s = {ratio:.1f}x"
    print(f"{line}; equal results {equal:.0%}", flush=True)
    if equal < 1.0:
        sys.exit(1)

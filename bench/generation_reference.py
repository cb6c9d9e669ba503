"""Times kedit's generation and scoring and those of the reference library on one checkpoint, in turn.

    python bench/generation_reference.py build/bench/kedit_bench_generation [--rounds 5]
        [--threads 2] [--cases decode1,decode16,questions,few-shot,unshared,forward] [--checkpoint DIR]

Needs torch and transformers (made with 2.11.0 and 4.57.1). The checkpoint is any directory that both read; the default has the shape of
GPT-2 small and random weights, and is made on the first run. Each round runs both sides after each other; the smallest time of each side
counts (short cases run three times a round on both sides), by the clock and of the processors, which other programs
disturb less. Tokens must be equal, log-probabilities agree to 1e-2 in sum. Prints a line a case.
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
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel  # noqa: E402
from transformers.cache_utils import DynamicCache  # noqa: E402

torch.set_num_threads(arguments.threads)
torch.set_grad_enabled(False)
SHARED, QUESTION, QUESTIONS, ALONE = 1000, 12, 100, 3
EXAMPLES, TARGET, TEXT, TEXTS, PLAIN = 500, 4, 24, 20, 5


def load():
    if not os.path.exists(os.path.join(arguments.checkpoint, "model.safetensors")):
        torch.manual_seed(1)
        GPT2LMHeadModel(GPT2Config(initializer_range=0.05)).save_pretrained(arguments.checkpoint)
    return AutoModelForCausalLM.from_pretrained(arguments.checkpoint, dtype=torch.float32).eval()


model = load()
LIMIT = model.config.vocab_size // 1000 * 1000


def some_ids(row, count):
    return [(7919 * i + 104729 * row + 13 * i * i) % LIMIT for i in range(count)]


def greedy(rows, tokens, cache=None):
    ids = torch.tensor(rows)
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens,
                         min_new_tokens=tokens, do_sample=False, past_key_values=cache,
                         pad_token_id=0)
    return out[:, ids.shape[1]:].tolist()


def question(row):
    return some_ids(0, SHARED) + some_ids(row, QUESTION)


def prefix_cache(count):
    cache = DynamicCache(config=model.config)
    model(torch.tensor([some_ids(0, count)]), past_key_values=cache, use_cache=True)
    return cache


def questions_one_by_one():
    """The prefix cache passed by hand, a deep copy for every question."""
    prefix = prefix_cache(SHARED)
    return [greedy([question(row)], 8, copy.deepcopy(prefix))[0] for row in range(1, QUESTIONS + 1)]


def questions_batched(size=20):
    """The prefix cache passed by hand and repeated for batches of questions of equal length."""
    prefix = prefix_cache(SHARED)
    answers = []
    for first in range(1, QUESTIONS + 1, size):
        cache = copy.deepcopy(prefix)
        cache.batch_repeat_interleave(size)
        answers += greedy([question(row) for row in range(first, first + size)], 8, cache)
    return answers


def target_sums(logits, rows, lengths):
    """Of the last TARGET tokens of every row, whose logits end at `lengths`."""
    sums = []
    for i, (row, length) in enumerate(zip(rows, lengths)):
        wanted = torch.log_softmax(logits[i, length - TARGET:length].float(), -1)
        sums.append(wanted.gather(1, torch.tensor(row[-TARGET:]).unsqueeze(1)).sum().item())
    return sums


def score_rows(rows, size):
    """As evaluation harnesses do: rows sorted by length, padded batches, logits of all positions."""
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    sums = [0.0] * len(rows)
    for first in range(0, len(order), size):
        part = order[first:first + size]
        width = max(len(rows[i]) for i in part) - 1
        ids = torch.tensor([rows[i][:-1] + [0] * (width + 1 - len(rows[i])) for i in part])
        lengths = [len(rows[i]) - 1 for i in part]
        mask = (torch.arange(width)[None] < torch.tensor(lengths)[:, None]).long()
        logits = model(ids, attention_mask=mask, use_cache=False).logits
        for i, value in zip(part, target_sums(logits, [rows[i] for i in part], lengths)):
            sums[i] = value
    return sums


def few_shot_rows():
    return [some_ids(row, QUESTION) + some_ids(row + 1000, TARGET) for row in range(1, QUESTIONS + 1)]


def few_shot_cached(size=20):
    """The prefix cache passed by hand and repeated for batches, logits where they are wanted."""
    prefix = prefix_cache(EXAMPLES)
    rows, sums = few_shot_rows(), []
    for first in range(0, len(rows), size):
        part = rows[first:first + size]
        cache = copy.deepcopy(prefix)
        cache.batch_repeat_interleave(len(part))
        logits = model(torch.tensor([row[:-1] for row in part]), past_key_values=cache, use_cache=True,
                       logits_to_keep=TARGET).logits
        sums += target_sums(logits, part, [TARGET] * len(part))
    return sums


def few_shot_plain():
    """Nothing reused: the first of them, the time is for all."""
    return score_rows([some_ids(0, EXAMPLES) + row for row in few_shot_rows()[:PLAIN]], PLAIN)


def unshared():
    return score_rows([some_ids(row, 8 + row % 17) + some_ids(row + 1000, TARGET) for row in range(1, QUESTIONS + 1)], 16)


def forward():
    ids = torch.tensor([some_ids(1, TEXT)])
    for _ in range(TEXTS):
        logits = model(ids, use_cache=False).logits
    return [logits.abs().mean().item()]


REFERENCES = {"decode1": lambda: greedy([some_ids(0, 16)], 64),
              "decode16": lambda: greedy([some_ids(row, 16) for row in range(16)], 64),
              "questions": questions_one_by_one, "questions-batched": questions_batched,
              "few-shot": few_shot_cached, "few-shot-plain": few_shot_plain, "unshared": unshared, "forward": forward}
OURS = {"decode1": ["floor"], "questions": ["alone"]}  # besides
THEIRS = {"questions": ["questions-batched"], "few-shot": ["few-shot-plain"]}
LONG = {"questions", "alone", "questions-batched", "few-shot-plain"}


def run_program(case):
    repeats = "1" if case in LONG else "3"
    words = [arguments.program, arguments.checkpoint, case, str(arguments.threads), repeats]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def timed(name):
    begin, cpu = time.perf_counter(), time.process_time()
    result = REFERENCES[name]()
    times = QUESTIONS / PLAIN if name == "few-shot-plain" else 1
    return {"seconds": (time.perf_counter() - begin) * times, "cpu_seconds": (time.process_time() - cpu) * times, "result": result}


def smallest(results, key="seconds"):
    return min(result[key] for result in results)


def share_equal(ours, theirs):
    """Of rows of tokens, or of sums of log-probabilities."""
    same = [a == b if ours["ids"] else abs(a - b) < 1e-2 for a, b in zip(ours["ids"] or ours["logprobs"], theirs)]
    return sum(same) / len(same)


def main():
    for case in arguments.cases.split(","):
        ours = {name: [] for name in [case] + OURS.get(case, [])}
        theirs = {name: [] for name in [case] + THEIRS.get(case, [])}
        for _ in range(arguments.rounds):
            for name in ours:
                ours[name].append(run_program(name))
            for name in theirs:
                for _ in range(1 if name in LONG else 3):
                    theirs[name].append(timed(name))
        equal = min(share_equal(ours[case][0], results[0]["result"]) for results in theirs.values())
        line = f"{case}, {arguments.threads} threads: kedit {smallest(ours[case]):.3f} s"
        for name in theirs:
            ratio = smallest(theirs[name]) / smallest(ours[case])
            cpu = smallest(theirs[name], "cpu_seconds") / smallest(ours[case], "cpu_seconds")
            line += f", reference ({name}) {smallest(theirs[name]):.3f} s = {ratio:.2f}x ({cpu:.2f}x of processor time)"
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


main()

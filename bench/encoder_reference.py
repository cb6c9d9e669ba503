"""Times kedit's vectors of texts and those of the reference library with one encoder, in turn.

    python bench/encoder_reference.py build/bench/kedit_bench_encoder ENCODER_DIRECTORY [--rounds 5] [--threads 2] [--texts 1000]

Needs torch and transformers (made with 2.11.0 and 4.57.1). The texts are sentences of 3 to 24 words out of the vocabulary. The reference does what
Sentence Transformers does: texts sorted by length, batches of 32 padded to their longest, the mean over tokens, length one; its fused attention.
Tokenising counts on both sides. Each round runs both after each other; the smallest time of each side counts, by the clock and of the
processors (which other programs disturb less). The first 32 vectors must agree to 1e-5.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("directory")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--texts", type=int, default=1000)
arguments = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
os.environ["TOKENIZERS_PARALLELISM"] = "true"

import torch  # noqa: E402
import transformers  # noqa: E402

torch.set_num_threads(arguments.threads)
torch.set_grad_enabled(False)
BATCH = 32


def some_texts(tokenizer):
    chance = random.Random(1)
    words = sorted(word for word in tokenizer.get_vocab() if word.isalpha() and word.isascii())
    return [" ".join(chance.choice(words) for _ in range(chance.randint(3, 24))).capitalize() + "." for _ in range(arguments.texts)]


def embed(tokenizer, model, texts):
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    vectors = [None] * len(texts)
    for first in range(0, len(order), BATCH):
        rows = order[first:first + BATCH]
        batch = tokenizer([texts[i] for i in rows], padding=True, truncation=True, max_length=256, return_tensors="pt")
        mask = batch["attention_mask"].unsqueeze(-1).float()
        hidden = model(**batch).last_hidden_state
        pooled = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9))
        for row, vector in zip(rows, pooled):
            vectors[row] = vector
    return torch.stack(vectors)


def timed(work):
    begin, cpu = time.perf_counter(), time.process_time()
    vectors = work()
    return {"seconds": time.perf_counter() - begin, "cpu_seconds": time.process_time() - cpu, "vectors": vectors}


tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.directory)
model = transformers.AutoModel.from_pretrained(arguments.directory, dtype=torch.float32).eval()
texts = some_texts(tokenizer)
ours, theirs = [], []
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "texts.json"
    file.write_text(json.dumps(texts))
    for _ in range(arguments.rounds):
        words = [arguments.program, arguments.directory, str(file), str(arguments.threads), "2"]
        ours.append(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout))
        theirs += [timed(lambda: embed(tokenizer, model, texts)) for _ in range(2)]
shown = theirs[0]["vectors"][:32]
difference = (torch.tensor(ours[0]["vectors"]).view(shown.shape) - shown).abs().max().item()
line = f"{len(texts)} texts, {arguments.threads} threads"
for name, key in [("by the clock", "seconds"), ("of processors", "cpu_seconds")]:
    own, other = min(result[key] for result in ours), min(result[key] for result in theirs)
    line += f"; {name}: kedit {own:.3f} s, reference {other:.3f} s = {other / own:.2f}x"
print(f"{line}; largest difference {difference:.1e}")
sys.exit(difference > 1e-5)

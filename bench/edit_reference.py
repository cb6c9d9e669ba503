#!/usr/bin/env python3
"""One step of ROME's value optimisation with the reference library, beside kedit_bench_edit value.

The reference program runs whole texts through all layers in every step: 21 texts and the KL row, delta
added to one MLP's output by a hook, log-probabilities everywhere, Adam. This does the same on a random
GPT-2 of the same shape and prints processor seconds a step.

    edit_reference.py [HIDDEN LAYERS EDIT_LAYER VOCAB STEPS]     needs torch, transformers
"""
import resource
import sys

import torch
from transformers import GPT2Config, GPT2LMHeadModel

hidden, layers, edit_layer, vocab, steps = (
    [int(w) for w in sys.argv[1:]] + [768, 12, 5, 50257, 4][len(sys.argv) - 1 :]
)
torch.manual_seed(0)
torch.set_num_threads(1)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def gemm_speed():
    a = torch.ones(1024, 1024)
    a @ a
    before = cpu_seconds()
    for _ in range(8):
        a @ a
    return 8 * 2 * 1024**3 / (cpu_seconds() - before)


model = GPT2LMHeadModel(
    GPT2Config(n_embd=hidden, n_layer=layers, n_head=max(1, hidden // 64), vocab_size=vocab, n_positions=128)
).eval()
for parameter in model.parameters():
    parameter.requires_grad_(False)

rows, length, target = 22, 24, 2
ids = torch.randint(vocab, (rows, length))
lookup = torch.full((rows,), length - 6)
labels = torch.full((rows - 1, length), -100)
labels[:, -target:] = torch.randint(vocab, (rows - 1, target))
delta = torch.zeros(hidden, requires_grad=True)


def add_delta(_module, _inputs, output):
    output = output.clone()
    output[torch.arange(rows), lookup] += delta
    return output


model.transformer.h[edit_layer].mlp.register_forward_hook(add_delta)
optimiser = torch.optim.Adam([delta], lr=0.5)
first = None
before = cpu_seconds()
for _ in range(steps):
    optimiser.zero_grad()
    logits = model(ids).logits
    kl_log_probs = torch.log_softmax(logits[-1:, lookup[-1]], dim=1)
    first = kl_log_probs.detach().clone() if first is None else first
    log_probs = torch.log_softmax(logits[:-1], dim=2)
    chosen = torch.gather(log_probs, 2, labels.clamp_min(0).unsqueeze(2)).squeeze(2)
    mask = (labels != -100).float()
    nll = -(chosen * mask).sum(1) / target
    kl = torch.nn.functional.kl_div(first, kl_log_probs, log_target=True, reduction="batchmean")
    loss = nll.mean() + 0.0625 * kl + 0.5 * delta.norm()
    loss.backward()
    optimiser.step()
print(f"whole texts, all layers: {(cpu_seconds() - before) / steps:.3f} CPU-s a step; "
      f"products run at {gemm_speed() / 1e9:.0f} GFLOP/s")

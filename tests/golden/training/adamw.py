"""Golden values of AdamW and gradient clipping, from PyTorch 2.11.0: adamw.json.

Two parameters, one decayed and one not, three steps with changing gradients and rates.
"""
import json
import pathlib

import torch

torch.manual_seed(0)
decayed = torch.nn.Parameter(torch.randn(32))
plain = torch.nn.Parameter(torch.randn(16))
start = torch.cat([decayed.detach(), plain.detach()]).tolist()
optimizer = torch.optim.AdamW(
    [{"params": [decayed], "weight_decay": 0.3}, {"params": [plain], "weight_decay": 0.0}],
    betas=(0.9, 0.98), eps=1e-8)
steps = []
for rate in (1e-3, 3e-3, 2e-3):
    decayed.grad, plain.grad = torch.randn(32), torch.randn(16)
    gradients = torch.cat([decayed.grad, plain.grad]).tolist()
    norm = torch.nn.utils.clip_grad_norm_([decayed, plain], 1.0).item()
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    steps.append({"rate": rate, "gradients": gradients, "norm": norm,
                  "values": torch.cat([decayed.detach(), plain.detach()]).tolist()})
golden = {"library": f"torch {torch.__version__}", "decayed": 32, "start": start, "steps": steps}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")

"""Tiny random checkpoints and what the reference library computes with them.

    python tests/golden/model_golden.py

Needs torch 2.11.0, transformers 4.57.1, safetensors. Writes tests/golden/models/FAMILY/{config.json,
generation_config.json, model.safetensors} and expected.safetensors beside them:

    ids           [2, 12]            two rows without padding
    logits        [2, 12, vocab]     float32, eager attention
    resid_post.L  [2, 12, d]         output of block L, before the final norm
    mlp_key.L     [2, 12, m]         input of the second MLP matrix of block L
    padded_ids    [3, 9], lengths [3], padded_logits [3, 9, vocab]    right padding, mask given
    logits_bfloat16, logits_float16  [2, 12, vocab]  the same weights in 16 bit, as float32
"""

import pathlib
import shutil

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "models"
SEED = 20240607
VOCAB = 61


def configurations():
    yield "gpt2", transformers.GPT2Config(
        vocab_size=VOCAB, n_embd=24, n_layer=2, n_head=3, n_positions=32, n_inner=40,
        bos_token_id=0, eos_token_id=0)
    yield "llama", transformers.LlamaConfig(
        vocab_size=VOCAB, hidden_size=24, intermediate_size=40, num_hidden_layers=3,
        num_attention_heads=6, num_key_value_heads=2, head_dim=8, max_position_embeddings=64,
        rope_theta=500.0, rms_norm_eps=1e-5, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)
    yield "qwen2", transformers.Qwen2Config(
        vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=64,
        rope_theta=1000.0, rms_norm_eps=1e-6, tie_word_embeddings=True, bos_token_id=0,
        eos_token_id=[0, 3])


def randomise(model, generator):
    """Every parameter, biases and norms too, far enough from zero that a wrong one shows."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        scale = 0.3 if parameter.dim() == 1 else parameter.shape[-1] ** -0.5
        parameter.data.copy_(noise * scale + (1.0 if is_norm else 0.0))


def second_matrices(model):
    if hasattr(model, "transformer"):
        return [block.mlp.c_proj for block in model.transformer.h]
    return [block.mlp.down_proj for block in model.model.layers]


def blocks(model):
    return model.transformer.h if hasattr(model, "transformer") else model.model.layers


@torch.no_grad()
def expected(model, generator):
    out = {}
    ids = torch.randint(0, VOCAB, (2, 12), generator=generator)
    handles = []
    for layer, (block, matrix) in enumerate(zip(blocks(model), second_matrices(model))):
        handles.append(matrix.register_forward_pre_hook(
            lambda _, inputs, layer=layer: out.__setitem__(f"mlp_key.{layer}", inputs[0].clone())))
        handles.append(block.register_forward_hook(
            lambda _, __, result, layer=layer: out.__setitem__(
                f"resid_post.{layer}", (result[0] if isinstance(result, tuple) else result).clone())))
    out["ids"] = ids
    out["logits"] = model(ids).logits.clone()
    for handle in handles:
        handle.remove()

    lengths = torch.tensor([9, 4, 1])
    padded = torch.randint(0, VOCAB, (3, 9), generator=generator)
    mask = (torch.arange(9)[None, :] < lengths[:, None]).long()
    out["padded_ids"], out["lengths"] = padded, lengths
    out["padded_logits"] = model(padded, attention_mask=mask).logits.clone()
    for name, dtype in (("bfloat16", torch.bfloat16), ("float16", torch.float16)):
        model.to(dtype)
        out[f"logits_{name}"] = model(ids).logits.float().clone()
        model.float()
    return {name: tensor.contiguous() for name, tensor in out.items()}


def main():
    for family, config in configurations():
        generator = torch.Generator().manual_seed(SEED)
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
        model.eval()
        randomise(model, generator)
        # 16-bit copies round the weights in place: keep what is written exactly representable.
        for parameter in model.parameters():
            parameter.data.copy_(parameter.data.bfloat16().float())
        directory = HERE / family
        shutil.rmtree(directory, ignore_errors=True)
        model.save_pretrained(directory)
        save_file(expected(model, generator), directory / "expected.safetensors",
                  metadata={"torch": torch.__version__, "transformers": transformers.__version__})
        print(family, sum(p.numel() for p in model.parameters()))


if __name__ == "__main__":
    main()

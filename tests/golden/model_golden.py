"""Tiny random checkpoints and what the reference library computes with them.

    python tests/golden/model_golden.py [NAME...]

Needs torch 2.11.0, transformers 4.57.1, safetensors. Writes tests/golden/models/NAME/{config.json,
generation_config.json, model.safetensors} and expected.safetensors beside them:

    ids           [2, seq]           two rows without padding
    logits        [2, seq, vocab]    float32, eager attention
    resid_post.L  [2, seq, d]        output of block L, before the final norm
    mlp_key.L     [2, seq, m]        input of the second MLP matrix of block L
    padded_ids    [3, 9], lengths [3], padded_logits [3, 9, vocab]    right padding, mask given
    greedy        [24]               greedy continuation of the first 8 ids of row 0
    logits_at.N          [2, N, vocab]  logits of the first N ids by themselves (of CROSSING)
    stepped_logits       [2, 8, vocab]  of the last 8 ids, one by one behind a cache of the first 12
    logits_bfloat16, logits_float16  [2, seq, vocab]  the same weights in 16 bit, as float32
                                     (of the names in SIXTEEN_BIT)
"""

import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "models"
SEED = 20240607
VOCAB = 61
SHARDED = {"mistral": "20KB"}
SIXTEEN_BIT = {"gpt2", "llama", "qwen2", "gptj", "gemma2", "olmo2"}
CROSSING = {"phi3-longrope-long"}  # longrope with a first length of 16 positions
FIRST = {"gpt2", "llama", "qwen2"}  # with 12 positions; the later ones have 20

LLAMA = dict(vocab_size=VOCAB, hidden_size=24, intermediate_size=32, num_hidden_layers=2,
             num_attention_heads=3, num_key_value_heads=1, head_dim=16, max_position_embeddings=64,
             rope_theta=50.0, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2)


def llama_type(**changes):
    return {**LLAMA, **changes}


def gemma_type(**changes):
    return llama_type(head_dim=8, num_attention_heads=4, num_key_value_heads=2, pad_token_id=0,
                      **changes)


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

    gpt2 = dict(vocab_size=VOCAB, n_embd=24, n_layer=3, n_head=3, n_positions=32, n_inner=40,
                bos_token_id=0, eos_token_id=0)
    yield "gpt2-by_layer", transformers.GPT2Config(
        **gpt2, scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True)
    yield "gpt2-unscaled", transformers.GPT2Config(**gpt2, scale_attn_weights=False)

    yield "gptj", transformers.GPTJConfig(
        vocab_size=VOCAB, n_embd=24, n_layer=2, n_head=2, n_positions=48, n_inner=40, rotary_dim=8,
        bos_token_id=0, eos_token_id=0)
    neox = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=40, num_hidden_layers=2,
                num_attention_heads=2, max_position_embeddings=64, rotary_pct=0.5,
                rotary_emb_base=50, layer_norm_eps=1e-5, bos_token_id=0, eos_token_id=0)
    yield "gpt_neox", transformers.GPTNeoXConfig(**neox, use_parallel_residual=True)
    yield "gpt_neox-serial", transformers.GPTNeoXConfig(
        **{**neox, "rotary_pct": 1.0}, use_parallel_residual=False, attention_bias=False,
        hidden_act="gelu_fast", rope_scaling={"type": "linear", "factor": 2.0})
    opt = dict(vocab_size=VOCAB, hidden_size=24, ffn_dim=40, num_hidden_layers=2,
               num_attention_heads=3, max_position_embeddings=40, word_embed_proj_dim=24,
               bos_token_id=2, eos_token_id=2)
    yield "opt", transformers.OPTConfig(**opt)
    yield "opt-post_norm", transformers.OPTConfig(**opt, do_layer_norm_before=False,
                                                  tie_word_embeddings=False)
    yield "opt-projected", transformers.OPTConfig(
        **{**opt, "word_embed_proj_dim": 16}, do_layer_norm_before=False)
    yield "opt-projected-no_final_norm", transformers.OPTConfig(
        **{**opt, "word_embed_proj_dim": 32}, _remove_final_layer_norm=True,
        tie_word_embeddings=False)

    yield "llama-biases", transformers.LlamaConfig(
        **llama_type(num_attention_heads=2, num_key_value_heads=2), attention_bias=True,
        mlp_bias=True, tie_word_embeddings=True, rope_scaling={"type": "linear", "factor": 3.0})
    yield "llama-llama3", transformers.LlamaConfig(**llama_type(), rope_scaling={
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16})
    yield "llama-yarn", transformers.LlamaConfig(**llama_type(), rope_scaling={
        "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16})
    yield "mistral", transformers.MistralConfig(**llama_type(), sliding_window=5)
    yield "mistral-full", transformers.MistralConfig(**llama_type(), sliding_window=None)
    yield "qwen2-window", transformers.Qwen2Config(
        **llama_type(), use_sliding_window=True, sliding_window=4, max_window_layers=1)
    yield "qwen2-yarn", transformers.Qwen2Config(**llama_type(), rope_scaling={
        "type": "yarn", "factor": 2.0, "original_max_position_embeddings": 24, "beta_fast": 8.0,
        "beta_slow": 2.0, "truncate": False})
    yield "qwen3", transformers.Qwen3Config(**llama_type(), tie_word_embeddings=True)
    yield "qwen3-biases", transformers.Qwen3Config(
        **llama_type(num_key_value_heads=3), attention_bias=True, use_sliding_window=True,
        sliding_window=6, max_window_layers=1)
    yield "gemma", transformers.GemmaConfig(**gemma_type())
    yield "gemma2", transformers.Gemma2Config(
        **gemma_type(), sliding_window=5, query_pre_attn_scalar=13, attn_logit_softcapping=2.0,
        final_logit_softcapping=3.0)
    yield "gemma3_text", transformers.Gemma3TextConfig(
        **gemma_type(num_hidden_layers=3), sliding_window=5, query_pre_attn_scalar=13,
        rope_local_base_freq=20.0, layer_types=["sliding_attention", "full_attention"] + [
            "sliding_attention"], rope_scaling={"rope_type": "linear", "factor": 8.0})
    phi3 = llama_type(hidden_size=32, num_attention_heads=2, num_key_value_heads=1, pad_token_id=0)
    yield "phi3", transformers.Phi3Config(**phi3, partial_rotary_factor=0.5, sliding_window=7)
    for name, first_length in (("phi3-longrope", 40), ("phi3-longrope-long", 16)):
        yield name, transformers.Phi3Config(
            **phi3, original_max_position_embeddings=first_length, rope_scaling={
                "type": "longrope", "short_factor": [1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0],
                "long_factor": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]})
    olmo2 = llama_type(hidden_size=48, pad_token_id=0)
    del olmo2["head_dim"]
    yield "olmo2", transformers.Olmo2Config(**olmo2)

    # Text parts of models that read images.
    tower = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    yield "gemma3", transformers.Gemma3Config(
        text_config=gemma_type(sliding_window=5, query_pre_attn_scalar=13,
                               layer_types=["sliding_attention", "full_attention"]),
        vision_config=dict(**tower, image_size=8, patch_size=4), mm_tokens_per_image=4)
    yield "qwen2_5_vl", transformers.Qwen2_5_VLConfig(
        text_config={**olmo2, "hidden_size": 32, "num_attention_heads": 2,
                     "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}},
        vision_config=dict(hidden_size=8, intermediate_size=8, depth=1, num_heads=1,
                           out_hidden_size=32, patch_size=4, fullatt_block_indexes=[0]))


def randomise(model, generator, norm_weight):
    """Every parameter, biases and norms too, far enough from zero that a wrong one shows."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        scale = 0.3 if parameter.dim() == 1 else parameter.shape[-1] ** -0.5
        parameter.data.copy_(noise * scale + (norm_weight if is_norm else 0.0))


def blocks(model):
    for path in ("transformer.h", "gpt_neox.layers", "model.decoder.layers", "model.layers",
                 "model.language_model.layers"):
        try:
            return model.get_submodule(path)
        except AttributeError:
            pass
    raise ValueError(type(model))


def second_matrix(block):
    for path in ("mlp.c_proj", "mlp.fc_out", "mlp.dense_4h_to_h", "fc2", "mlp.down_proj"):
        try:
            return block.get_submodule(path)
        except AttributeError:
            pass
    raise ValueError(type(block))


@torch.no_grad()
def expected(model, generator, name):
    seq = 12 if name in FIRST else 20
    out = {}
    ids = torch.randint(0, VOCAB, (2, seq), generator=generator)
    handles = []
    for layer, block in enumerate(blocks(model)):
        handles.append(second_matrix(block).register_forward_pre_hook(
            lambda _, inputs, layer=layer: out.__setitem__(
                f"mlp_key.{layer}", inputs[0].reshape(2, seq, -1).clone())))
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
    out["greedy"] = greedy(model, ids[:1, :8])
    if name in CROSSING:
        out.update(crossing(model, ids))
    if name in SIXTEEN_BIT:
        for dtype_name, dtype in (("bfloat16", torch.bfloat16), ("float16", torch.float16)):
            model.to(dtype)
            out[f"logits_{dtype_name}"] = model(ids).logits.float().clone()
            model.float()
    return {key: tensor.contiguous() for key, tensor in out.items()}


def crossing(model, ids):
    """Within, at and beyond the first length; a cache keeps its keys as they were turned."""
    out = {f"logits_at.{n}": model(ids[:, :n]).logits.clone() for n in (15, 16, 17)}
    cache = model(ids[:, :12], use_cache=True).past_key_values
    steps = [model(ids[:, n:n + 1], past_key_values=cache, use_cache=True).logits
             for n in range(12, ids.shape[1])]
    out["stepped_logits"] = torch.cat(steps, 1)
    return out


def greedy(model, ids):
    """By whole passes: no end of text, no cache."""
    for _ in range(24):
        ids = torch.cat([ids, model(ids).logits[:, -1].argmax(-1, keepdim=True)], 1)
    return ids[0, 8:]


def main(wanted):
    for name, config in configurations():
        if wanted and name not in wanted:
            continue
        generator = torch.Generator().manual_seed(SEED)
        several = hasattr(config, "vision_config")
        auto = transformers.AutoModelForImageTextToText if several else (
            transformers.AutoModelForCausalLM)
        model = auto.from_config(config, attn_implementation="eager")
        model.eval()
        # Gemma's norms multiply by 1 + weight.
        randomise(model, generator, 0.0 if config.model_type.startswith("gemma") else 1.0)
        # 16-bit copies round the weights in place: keep what is written exactly representable.
        for parameter in model.parameters():
            parameter.data.copy_(parameter.data.bfloat16().float())
        directory = HERE / name
        shutil.rmtree(directory, ignore_errors=True)
        model.save_pretrained(directory, max_shard_size=SHARDED.get(name, "1GB"))
        save_file(expected(model, generator, name), directory / "expected.safetensors",
                  metadata={"torch": torch.__version__, "transformers": transformers.__version__})
        print(name, sum(p.numel() for p in model.parameters()))


if __name__ == "__main__":
    main(sys.argv[1:])

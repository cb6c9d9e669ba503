"""Adapters that kedit exports, as the programs that they are for read them.

    python adapter_check.py peft KEDIT MODELS   the PEFT library's logits with the adapter are kedit's with the edits
    python adapter_check.py gguf KEDIT MODELS   the gguf package finds the tensors, and their products are kedit's changes

KEDIT is the binary, MODELS the folder of golden checkpoints (tests/golden/models). Exit code 77: a library is missing.
Tried with peft 0.21, transformers 4.57, torch 2.11, gguf 0.17.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

FAMILIES = ["gpt2", "gptj", "gpt_neox", "opt", "llama", "llama-biases", "mistral", "qwen2", "qwen3", "gemma", "gemma2",
            "gemma3_text", "phi3", "olmo2", "gemma3", "qwen2_5_vl"]
GGUF = ["gpt2", "gpt_neox", "llama-llama3", "llama-biases", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text",
        "phi3-longrope", "olmo2"]
IDS = [5, 17, 3, 42, 8, 1, 29]


def run(kedit, *words):
    done = subprocess.run([kedit, *map(str, words), "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"kedit {' '.join(map(str, words))}: {done.stderr}")
    return json.loads(done.stdout)


def layer_matrices(model):
    """Names of the layers' matrices in a checkpoint, and their shapes."""
    from safetensors import safe_open
    shapes = {}
    for file in sorted(model.glob("model*.safetensors")):
        with safe_open(file, "pt") as tensors:
            for name in tensors.keys():
                shape = tensors.get_slice(name).get_shape()
                if len(shape) == 2 and (".layers." in name or ".h." in name) and "vis" not in name:
                    shapes[name] = shape
    return shapes


def random_adapter(model, folder, seed):
    """A PEFT adapter of the first family of names: rank 2 everywhere, alpha 3, every matrix of the layers."""
    import torch
    from safetensors.torch import save_file
    generator = torch.Generator().manual_seed(seed)
    turned = json.loads((model / "config.json").read_text())["model_type"] == "gpt2"
    tensors = {}
    for name, shape in layer_matrices(model).items():
        inputs, outputs = shape if turned else reversed(shape)
        module = "base_model.model." + name.removesuffix(".weight")
        tensors[module + ".lora_A.weight"] = torch.randn(2, inputs, generator=generator) * 0.2
        tensors[module + ".lora_B.weight"] = torch.randn(outputs, 2, generator=generator) * 0.2
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 3}))
    return folder


def store_of_two_edits(kedit, model, folder, base=None):
    """A store whose branch holds two imported adapters of the same matrices, for `base` or the model itself."""
    folder.mkdir(exist_ok=True)
    store = folder / "edits.db"
    for seed in (1, 2):
        adapter = random_adapter(model, folder / f"made-{seed}", seed)
        run(kedit, "import", "--from", "peft", adapter, "--model", base or model, "--store", store)
    return store


def check_peft(kedit, model, folder):
    import torch
    import transformers
    from peft import PeftModel
    store = store_of_two_edits(kedit, model, folder)
    run(kedit, "export", "--to", "peft", "--out", folder / "out", "--model", model, "--store", store)
    text_only = json.loads((model / "config.json").read_text())["model_type"] not in ("gemma3", "qwen2_5_vl")
    auto = transformers.AutoModelForCausalLM if text_only else transformers.AutoModelForImageTextToText
    base = auto.from_pretrained(model, dtype=torch.float32, attn_implementation="eager")
    edited = PeftModel.from_pretrained(base, folder / "out").eval()
    with torch.no_grad():
        reference = edited(input_ids=torch.tensor([IDS])).logits[0]
    ids = ",".join(map(str, IDS))
    logits = torch.tensor(run(kedit, "model", "logits", "--ids", ids, "--model", model, "--store", store)["logits"])
    plain = torch.tensor(run(kedit, "model", "logits", "--ids", ids, "--model", model)["logits"])
    apart, moved = (logits - reference).abs().max().item(), (logits - plain).abs().max().item()
    print(f"{model.name}: {apart:.2e} from the PEFT library's logits, which the edits move by {moved:.2f}")
    return apart < 1e-4 and moved > 1e-2


def run_peft(kedit, models):
    import peft  # noqa: F401
    import transformers
    transformers.logging.set_verbosity_error()
    results = []
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            results.append(check_peft(kedit, models / family, pathlib.Path(folder)))
    return all(results)


def field(reader, key):
    return reader.fields[key].contents()


def check_header(adapter, base, edits):
    """What llama.cpp asks of an adapter before it looks at the tensors."""
    assert field(adapter, "general.type") == "adapter" and field(adapter, "adapter.type") == "lora"
    assert field(adapter, "general.architecture") == field(base, "general.architecture")
    assert field(adapter, "kedit.edits") == edits
    assert [edit["id"] for edit in json.loads(field(adapter, "kedit.document"))["edits"]] == edits


def add_products(adapter, base):
    """Adds b @ a to the base's tensors in place, as llama.cpp does with a scale of alpha / rank."""
    factors = {tensor.name: tensor for tensor in adapter.tensors}
    weights = {tensor.name: tensor for tensor in base.tensors}
    names = {name.rpartition(".")[0] for name in factors}
    assert len(factors) == 2 * len(names)
    for name in names:
        a, b, weight = factors[name + ".lora_a"], factors[name + ".lora_b"], weights[name]
        # llama-adapter.cpp's checks of shapes, fastest dimension first
        assert weight.shape[0] == a.shape[0] and weight.shape[1] == b.shape[1] and a.shape[1] == b.shape[0]
        assert field(adapter, "adapter.lora.alpha") == b.shape[0]
        weight.data[:] += b.data @ a.data
    return len(names)


def export_of_directory(kedit, model, folder):
    """The same edits made for the Hugging Face directory that the GGUF file comes from."""
    import gguf
    store = store_of_two_edits(kedit, model, folder / "directory")
    out = folder / "directory.gguf"
    run(kedit, "export", "--to", "gguf-lora", "--out", out, "--model", model, "--store", store)
    return gguf.GGUFReader(out)


def check_same(adapter, other):
    assert [tensor.name for tensor in adapter.tensors] == [tensor.name for tensor in other.tensors]
    assert all((a.data == b.data).all() for a, b in zip(adapter.tensors, other.tensors))
    assert field(adapter, "general.architecture") == field(other, "general.architecture")


def check_gguf(kedit, model, base, folder):
    import gguf
    import numpy
    store = store_of_two_edits(kedit, model, folder / "gguf", base)
    out = folder / "out.gguf"
    written = run(kedit, "export", "--to", "gguf-lora", "--out", out, "--model", base, "--store", store)
    edited = folder / "edited.gguf"
    shutil.copy(base, edited)
    adapter, target = gguf.GGUFReader(out), gguf.GGUFReader(edited, "r+")
    check_header(adapter, target, written["edits"])
    check_same(adapter, export_of_directory(kedit, model, folder))
    count = add_products(adapter, target)
    target.data.flush()
    ids = ",".join(map(str, IDS))
    logits, plain, there = (
        numpy.array(run(kedit, "model", "logits", "--ids", ids, "--model", *words)["logits"])
        for words in ([base, "--store", store], [base], [edited]))
    apart, moved = abs(logits - there).max(), abs(logits - plain).max()
    print(f"{base.name}: {count} products, {apart:.2e} apart, moved by {moved:.2f}")
    return apart < 1e-4 and moved > 1e-2


def run_gguf(kedit, models):
    import gguf  # noqa: F401
    results = []
    for family in GGUF:
        base = models.parent / "gguf" / f"{family}.gguf"
        with tempfile.TemporaryDirectory() as folder:
            results.append(check_gguf(kedit, models / family, base, pathlib.Path(folder)))
    return all(results)


def main():
    what, kedit, models = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    try:
        passed = {"peft": run_peft, "gguf": run_gguf}[what](kedit, models)
    except ImportError as missing:
        print(f"skipped: no Python library {missing.name}: adapters as {what} reads them")
        sys.exit(77)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()

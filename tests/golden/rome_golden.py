"""Copies the figures that the tests of ROME compare with out of the reference deltas.

The reference deltas were made by running kmeng01/rome 0874014 (GPT-2) and zjunlp/EasyEdit 14cea82
(Llama), unmodified, with torch 2.11.0 and transformers 4.46.3 in float32 on a CPU; each source file
names its program and versions.

    python rome_golden.py DELTAS_DIRECTORY    # holds goldens/, settings/, requests.jsonl
"""

import json
import pathlib
import sys

from safetensors import safe_open

VARIANTS = ["gpt2-tiny/rome.long", "llama-tiny/rome", "llama-tiny/rome.long"]


def rounded(values):
    return [float(f"{value:.7g}") for value in values]


def convert(deltas, variant):
    source = json.loads((deltas / "goldens" / f"{variant}.json").read_text())
    tensors = safe_open(deltas / "goldens" / f"{variant}.safetensors", "np")
    golden = {key: source[key] for key in ("editor", "model", "peer", "commit", "torch", "transformers")}
    golden["cases"] = []
    for case in source["cases"]:
        prefix = f"case{case['case_id']}."
        one = {key: case[key] for key in ("case_id", "lookup_index", "target_ids", "delta_norm")}
        one["steps"] = case["steps"]
        for kind in ("u", "v"):
            names = [n for n in tensors.keys() if n.startswith(f"{prefix}{kind}.")]
            one[kind] = {n[len(prefix) + 2 :]: rounded(tensors.get_tensor(n).tolist()) for n in names}
        golden["cases"].append(one)
    return golden


def main():
    deltas = pathlib.Path(sys.argv[1])
    out = pathlib.Path(__file__).parent / "rome"
    for variant in VARIANTS:
        file = out / (variant.replace("/", ".") + ".json")
        file.write_text(json.dumps(convert(deltas, variant), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

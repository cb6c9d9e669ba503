"""What ROME does to two tiny checkpoints, step by step, computed by a second, independent program.

    python rome_golden.py                          # writes everything below rome/
    python rome_golden.py --verify DELTAS          # compares this program with the authors' one
    python rome_golden.py --copy DELTAS            # copies the authors' figures to rome/authors

Needs torch 2.11.0, transformers 4.57.1, tokenizers 0.22.2, safetensors.

This is *not* the authors' code. It writes the computation of kmeng01/rome 0874014 (GPT-2 type) and
zjunlp/EasyEdit 14cea82 (Llama type) down in plain PyTorch: whole texts, every layer in every step,
logits everywhere, torch.optim.Adam, an explicit float32 inverse of C. `--verify` runs it on the
checkpoints that the authors' programs, unmodified, were run on (torch 2.11.0, transformers 4.46.3,
float32, CPU; DELTAS holds goldens/, settings/, requests.jsonl and the checkpoints) and fails unless
every u, v, optimised vector, loss term and second moment agrees to 2e-5. Found:

    u 1.8e-6, v 2.6e-6, delta 2.5e-6, C 1.3e-7 (relative Frobenius), loss terms 6.7e-6 (absolute)

Files: rome/MODEL/ is a checkpoint with random weights and a byte-level tokenizer (Llama's puts a
token in front); `layerL.safetensors` holds its second moments (second_moment [m, m], count) over
rome/corpus.txt, `VARIANT.settings.json` the settings, `VARIANT.json` for every case of
rome/requests.jsonl and every layer the loss terms of each step, log P(target | bare prompt), v0, delta, u,
v and rho = (u . mean key) / (u . k0). GPT-2 stores the weight as [in, out], so its update is
outer(u, v); Llama's is outer(v, u).
"""

import argparse
import json
import pathlib

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent / "rome"
AUTHORS = ["gpt2-tiny/rome.long", "llama-tiny/rome", "llama-tiny/rome.long"]
END = "<|endoftext|>"


# --- the reference computation -----------------------------------------------------------------


class Subject:
    """A loaded checkpoint with names for the parts that ROME touches."""

    def __init__(self, folder):
        self.model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()
        self.model.requires_grad_(False)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.gpt2 = self.model.config.model_type == "gpt2"

    def mlp(self, layer):
        return self.blocks()[layer].mlp

    def blocks(self):
        return self.model.transformer.h if self.gpt2 else self.model.model.layers

    def down(self, layer):
        return self.mlp(layer).c_proj if self.gpt2 else self.mlp(layer).down_proj

    def weight_name(self, layer):
        return (f"transformer.h.{layer}.mlp.c_proj.weight" if self.gpt2
                else f"model.layers.{layer}.mlp.down_proj.weight")

    def ids(self, text, special=True):
        return self.tokenizer.encode(text, add_special_tokens=special).ids

    def batch(self, texts):
        """Right-padded ids and mask [rows, longest]."""
        rows = [self.ids(text) for text in texts]
        longest = max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        return ids, mask

    def last_subject_token(self, template, subject):
        return len(self.ids(template[:template.index("{}")] + subject)) - 1


@torch.no_grad()
def keys_and_outputs(subject, layer, templates, name):
    """Input [rows, m] and output [rows, d] of the rewrite module at the subject's last token."""
    seen = {}
    handle = subject.down(layer).register_forward_hook(
        lambda _, inputs, output: seen.update(k=inputs[0], w=output))
    ids, mask = subject.batch([template.format(name) for template in templates])
    subject.model(input_ids=ids, attention_mask=mask)
    handle.remove()
    rows = torch.arange(len(templates))
    at = torch.tensor([subject.last_subject_token(t, name) for t in templates])
    return seen["k"][rows, at], seen["w"][rows, at]


class ValueLoss:
    """The loss of section 3.1 as a function of delta [d], which is added to the MLP's output."""

    def __init__(self, subject, layer, request, templates, settings):
        self.subject, self.layer, self.settings = subject, layer, settings
        name = request["subject"]
        target = request["target_new"]["str"]
        target = target if target.startswith(" ") else " " + target
        self.target = torch.tensor(subject.ids(target, special=False))
        written = subject.tokenizer.decode(self.target[:-1].tolist())
        rows = [t + written for t in templates] + ["{} is a"]
        self.ids, self.mask = subject.batch([row.format(name) for row in rows])
        self.lookup = [subject.last_subject_token(row, name) for row in rows]
        self.init = self.before = None
        self.target_log_probs = []  # of the whole target after the bare prompt, one a forward pass

    def add_delta(self, delta):
        def hook(_, inputs, output):
            if self.init is None:
                self.init = output[0, self.lookup[0]].detach().clone()
            output = output.clone()
            for row, at in enumerate(self.lookup):
                output[row, at] = output[row, at] + delta
            return output
        return hook

    def terms(self, delta):
        handle = self.subject.mlp(self.layer).register_forward_hook(self.add_delta(delta))
        logits = self.subject.model(input_ids=self.ids, attention_mask=self.mask).logits
        handle.remove()
        log_probs = logits.log_softmax(-1)
        t = len(self.target)
        said = torch.stack([log_probs[row, length - t:length].gather(1, self.target[:, None])[:, 0]
                            for row, length in enumerate(self.mask.sum(1)[:-1].tolist())])
        nll = -said.mean(1).mean()
        self.target_log_probs.append(said[0].sum().item())
        essence = log_probs[-1, self.lookup[-1]]
        if self.before is None:
            self.before = essence.detach()
        kl = self.settings["kl_factor"] * (essence.exp() * (essence - self.before)).sum()
        decay = self.settings["v_weight_decay"] * delta.norm() / self.init.norm() ** 2
        return nll + kl + decay, nll, kl, decay


def find_value(subject, layer, request, templates, settings):
    loss = ValueLoss(subject, layer, request, templates, settings)
    delta = torch.zeros(subject.model.config.hidden_size, requires_grad=True)
    adam = torch.optim.Adam([delta], lr=settings["v_lr"])
    steps = []
    for step in range(settings["v_num_grad_steps"]):
        adam.zero_grad()
        terms = loss.terms(delta)
        steps.append([term.item() for term in terms])
        if steps[-1][0] < 0.05 or step + 1 == settings["v_num_grad_steps"]:
            break
        terms[0].backward()
        adam.step()
        limit = settings["clamp_norm_factor"] * loss.init.norm()
        with torch.no_grad():
            if delta.norm() > limit:
                delta.mul_(limit / delta.norm())
    return loss, delta.detach(), steps


def edit_layer(subject, layer, request, settings, second_moment):
    templates = [t.format(request["prompt"]) for t in settings["context_templates"]]
    keys, outputs = keys_and_outputs(subject, layer, templates, request["subject"])
    direction = keys.mean(0)
    if settings["mom2_adjustment"]:
        direction = torch.inverse(second_moment) @ direction
    u = direction / direction.norm()
    loss, delta, steps = find_value(subject, layer, request, templates, settings)
    v = (loss.init + delta - outputs[0]) / keys[0].dot(u)
    return {"layer": layer, "weight": subject.weight_name(layer), "lookup_index": loss.lookup[0],
            "target_ids": loss.target.tolist(), "steps": steps, "init": loss.init,
            "target_logprob": loss.target_log_probs, "rho": (u.dot(keys.mean(0)) / u.dot(keys[0])).item(),
            "delta": delta,
            "u": u, "v": v, "clamped": bool(delta.norm() > 0.999 * settings["clamp_norm_factor"]
                                            * loss.init.norm())}


@torch.no_grad()
def apply(subject, found):
    change = torch.outer(found["u"], found["v"])
    subject.down(found["layer"]).weight += change if subject.gpt2 else change.T


def edit(subject, request, settings, moments):
    """One result a layer, ascending, each computed with the earlier ones applied; then undone."""
    before = {layer: subject.down(layer).weight.clone() for layer in settings["layers"]}
    results = []
    for layer in settings["layers"]:
        results.append(edit_layer(subject, layer, request, settings, moments.get(layer)))
        apply(subject, results[-1])
    with torch.no_grad():
        for layer, weight in before.items():
            subject.down(layer).weight.copy_(weight)
    return results


@torch.no_grad()
def second_moments(subject, texts):
    """{layer: (C [m, m], number of tokens)} over every token of every text, summed in float64."""
    sums, count = {}, 0

    def collect(layer):
        def hook(_, inputs):
            keys = inputs[0][0].double()
            sums[layer] = sums.get(layer, 0) + keys.T @ keys
        return hook

    layers = range(subject.model.config.num_hidden_layers)
    handles = [subject.down(layer).register_forward_pre_hook(collect(layer)) for layer in layers]
    for text in texts:
        ids = torch.tensor([subject.ids(text)])
        count += ids.shape[1]
        subject.model(input_ids=ids)
    for handle in handles:
        handle.remove()
    return {layer: ((total / count).float(), count) for layer, total in sums.items()}


# --- comparing with the authors' program -------------------------------------------------------


def error(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


def read_requests(file):
    return {r["case_id"]: r for r in map(json.loads, file.read_text().splitlines())}


def verify(deltas, variant, worst):
    folder = deltas / "settings" / variant.split("/")[0]
    settings = json.loads((deltas / "settings" / f"{variant}.json").read_text())
    expected = json.loads((deltas / "goldens" / f"{variant}.json").read_text())
    tensors = load_file(deltas / "goldens" / f"{variant}.safetensors")
    moments = {int(layer): load_file(folder / file)["second_moment"]
               for layer, file in settings.get("second_moment", {}).items()}
    requests = read_requests(deltas / "requests.jsonl")
    subject = Subject(deltas / variant.split("/")[0])
    for case in expected["cases"]:
        results = edit(subject, requests[case["case_id"]], settings, moments)
        steps = torch.tensor([s for r in results for s in r["steps"]])
        figures = {"steps": (steps - torch.tensor(case["steps"])).abs().max().item()}
        for result in results:
            for kind in ("u", "v"):
                key = f"case{case['case_id']}.{kind}.{result['weight']}"
                figures[kind] = max(figures.get(kind, 0), error(result[kind], tensors[key]))
            key = f"case{case['case_id']}.optimised.layer{result['layer']}"
            figures["delta"] = max(figures.get("delta", 0), error(result["delta"], tensors[key]))
        print(variant, case["case_id"], {k: f"{v:.1e}" for k, v in figures.items()})
        for kind, value in figures.items():
            worst[kind] = max(worst.get(kind, 0), value)


def verify_moments(deltas, name, worst):
    texts = (deltas / "corpus.txt").read_text().splitlines()
    for layer, (found, count) in second_moments(Subject(deltas / name), texts).items():
        expected = load_file(deltas / f"{name}-stats" / f"layer{layer}.safetensors")
        assert count == int(expected["count"]), (name, layer, count)
        worst["C"] = max(worst.get("C", 0), error(found, expected["second_moment"]))


def verify_all(deltas):
    worst = {}
    for variant in AUTHORS:
        verify(deltas, variant, worst)
    for name in ("gpt2-tiny", "llama-tiny"):
        verify_moments(deltas, name, worst)
    print("worst:", {kind: f"{value:.1e}" for kind, value in worst.items()})
    if max(worst.values()) > 2e-5:
        raise SystemExit("this program does not compute what the authors' one computes")


def rounded(values, digits=7):
    return [float(f"{value:.{digits}g}") for value in values]


def copy_authors(deltas):
    """Their figures without the checkpoints, whose vocabulary is too large for the repository."""
    for variant in AUTHORS:
        source = json.loads((deltas / "goldens" / f"{variant}.json").read_text())
        tensors = safe_open(deltas / "goldens" / f"{variant}.safetensors", "np")
        golden = {key: source[key]
                  for key in ("editor", "model", "peer", "commit", "torch", "transformers")}
        golden["cases"] = []
        for case in source["cases"]:
            prefix = f"case{case['case_id']}."
            one = {key: case[key] for key in ("case_id", "lookup_index", "target_ids", "delta_norm")}
            one["steps"] = case["steps"]
            for kind in ("u", "v"):
                names = [n for n in tensors.keys() if n.startswith(f"{prefix}{kind}.")]
                one[kind] = {n[len(prefix) + 2:]: rounded(tensors.get_tensor(n).tolist())
                             for n in names}
            golden["cases"].append(one)
        write_json(HERE / "authors" / (variant.replace("/", ".") + ".json"), golden)


# --- the checkpoints of this repository --------------------------------------------------------

REQUESTS = [
    {"case_id": 1, "prompt": "{} works as a", "subject": "Mira Valen",
     "target_new": {"str": "painter"}},
    {"case_id": 2, "prompt": "The mother tongue of {} is", "subject": "Aro Best",
     "target_new": {"str": " French"}},
    {"case_id": 3, "prompt": "They moved to the town of {}", "subject": "Wolfenb\u00fcttel",
     "target_new": {"str": "Bern"}},
    {"case_id": 4, "prompt": "{} was born in the city of", "subject": "Q",
     "target_new": {"str": "Rio de Janeiro"}},
    {"case_id": 5, "prompt": "They moved to the town of {}", "subject": "Quickriver",
     "target_new": {"str": "stone"}},
]
TEMPLATES = ["{}", "The quick brown fox. {}", "It is said that. {}", "I. {}",
             "So 12 of them, as\nyou know, left. {}"]
SETTINGS = {
    "one-layer": {"layers": [1], "v_lr": 0.5, "v_weight_decay": 0.5, "kl_factor": 0.0625,
                  "v_num_grad_steps": 20, "clamp_norm_factor": 4},
    "two-layers": {"layers": [0, 1], "v_lr": 0.2, "v_weight_decay": 0.02, "kl_factor": 0.03,
                   "v_num_grad_steps": 30, "clamp_norm_factor": 3},
    "early-stop": {"layers": [1], "v_lr": 0.5, "v_weight_decay": 0.001, "kl_factor": 0.001,
                   "v_num_grad_steps": 60, "clamp_norm_factor": 100, "case_ids": [3, 5]},
}
ADJUSTED = ["one-layer", "two-layers"]


def corpus(generator):
    """Sentences without meaning over a few words, one a line."""
    words = ("the a painter city town mother tongue of is was born in works as moved to French Oslo "
             "river stone and quick brown fox said that they know left 12 7 Mira Aro Val Best").split()
    texts = []
    for _ in range(60):
        length = int(torch.randint(4, 12, (1,), generator=generator))
        picks = torch.randint(0, len(words), (length,), generator=generator)
        texts.append(" ".join(words[i] for i in picks) + ".")
    return texts


def train_tokenizer(texts, bos):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=288, special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{END} $A", pair=f"{END} $A {END} $B:1", special_tokens=[(END, 0)])
    return tokenizer


def configurations():
    yield "gpt2", False, transformers.GPT2Config(
        vocab_size=288, n_embd=16, n_layer=3, n_head=2, n_positions=96, n_inner=32,
        bos_token_id=0, eos_token_id=0, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
    yield "llama", True, transformers.LlamaConfig(
        vocab_size=288, hidden_size=16, intermediate_size=32, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=96,
        rms_norm_eps=1e-5, tie_word_embeddings=True, bos_token_id=0, eos_token_id=0)


def randomise(model, generator):
    """Biases and norms too, large enough that logits spread and a wrong part shows."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        scale = 0.1 if parameter.dim() == 1 else 1.0 if parameter.shape[0] == 288 else 0.3
        parameter.data.copy_(noise * scale + (1.0 if is_norm else 0.0))


def write_json(file, value):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, separators=(",", ":")) + "\n")


def write_checkpoint(folder, config, tokenizer, generator):
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    randomise(model, generator)
    model.save_pretrained(folder)
    write_json(folder / "tokenizer.json", json.loads(tokenizer.to_str()))
    # Named as it is: the class of a Llama model would add tokens that these weights do not have.
    write_json(folder / "tokenizer_config.json",
               {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END})
    return Subject(folder)


def write_moments(folder, subject, texts):
    moments = {}
    for layer, (matrix, count) in second_moments(subject, texts).items():
        if layer not in (0, 1):
            continue
        save_file({"second_moment": matrix, "count": torch.tensor(count)},
                  folder / f"layer{layer}.safetensors")
        moments[layer] = matrix
        print(folder.name, "layer", layer, "condition", torch.linalg.cond(matrix.double()).item())
    return moments


def case_json(request, results):
    one = {"case_id": request["case_id"], "layers": []}
    for result in results:
        layer = {key: result[key] for key in ("layer", "weight", "lookup_index", "target_ids")}
        layer["steps"] = [rounded(step, 9) for step in result["steps"]]
        layer["clamp_active"] = result["clamped"]
        layer["rho"] = result["rho"]
        layer["target_logprob"] = rounded(result["target_logprob"], 9)
        for key in ("init", "delta", "u", "v"):
            layer[key] = rounded(result[key].tolist(), 8)
        one["layers"].append(layer)
        print("   case", request["case_id"], "layer", result["layer"], "steps",
              len(result["steps"]), "loss", result["steps"][0][0], "->", result["steps"][-1][0],
              "clamped" if result["clamped"] else "")
    return one


def write_variant(folder, subject, variant, moments):
    settings = {"case_ids": [1, 2, 3, 4], **SETTINGS[variant], "mom2_adjustment": variant in ADJUSTED,
                "context_templates": TEMPLATES}
    if settings["mom2_adjustment"]:
        settings["second_moment"] = {str(layer): f"layer{layer}.safetensors"
                                     for layer in settings["layers"]}
    print(folder.name, variant)
    cases = [case_json(request, edit(subject, request, settings, moments)) for request in REQUESTS
             if request["case_id"] in settings["case_ids"]]
    write_json(folder / f"{variant}.settings.json", settings)
    write_json(folder / f"{variant}.json", {
        "torch": torch.__version__, "transformers": transformers.__version__,
        "terms": "loss,nll,kl,decay", "cases": cases})


def write_all():
    generator = torch.Generator().manual_seed(20241128)
    texts = corpus(generator)
    HERE.mkdir(exist_ok=True)
    (HERE / "corpus.txt").write_text("\n".join(texts) + "\n")
    (HERE / "requests.jsonl").write_text("".join(json.dumps(r) + "\n" for r in REQUESTS))
    for name, bos, config in configurations():
        subject = write_checkpoint(HERE / name, config, train_tokenizer(texts, bos), generator)
        moments = write_moments(HERE / name, subject, texts)
        for variant in SETTINGS:
            write_variant(HERE / name, subject, variant, moments)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--verify", type=pathlib.Path, metavar="DELTAS")
    parser.add_argument("--copy", type=pathlib.Path, metavar="DELTAS")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.verify:
        verify_all(options.verify)
    elif options.copy:
        copy_authors(options.copy)
    else:
        write_all()


if __name__ == "__main__":
    main()

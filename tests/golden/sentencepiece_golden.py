"""Goldens of small SentencePiece models, made with sentencepiece 0.2.3 and transformers 4.57.1 (its LlamaTokenizer).

sentencepiece_golden.json: {"library", "cases": [{"model", "config", "hashes"}]}: the hash of the ids of every text of
components.json. Models lie beside it as *.model.
"""

import io
import json
import pathlib
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from nasty_golden import hash_of

HERE = pathlib.Path(__file__).parent / "tokenizer"
RULES = "0041\t0061\n0065 0301\t0065\n0065 0301 0301\t0078\nFB01\t0066 0069\n3000\t0020\n00A0\t0020\n200B\t\n00BD\t0031 2044 0032\n"
CORPUS = ["The capital of France is Paris", "Hello world hello there the world is wide", "return value 1234 567",
          "caf\u00e9 na\u00efve \u4f60\u597d \u041f\u0440\u0438\u0432\u0435\u0442"] * 20


def train(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=model, hard_vocab_limit=False,
                                             minloglevel=2, num_threads=1, **options)
    return model.getvalue()


def with_rules(**options):
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write(RULES)
        rules.flush()
        return train(normalization_rule_tsv=rules.name, **options)


def small_charsmap():
    proto = sentencepiece_model_pb2.ModelProto.FromString(with_rules(model_type="unigram", vocab_size=80))
    return proto.normalizer_spec.precompiled_charsmap


def write():
    import transformers
    from transformers import LlamaTokenizer

    from tokenizer_components import texts

    symbols = {"user_defined_symbols": ["<sep>", "France"], "control_symbols": ["<ctl>"]}
    models = {
        "bpe": train(model_type="bpe", vocab_size=420, byte_fallback=True, normalization_rule_name="identity",
                     remove_extra_whitespaces=False, **symbols),
        "bpe_unk": with_rules(model_type="bpe", vocab_size=120, **symbols),
        "unigram": with_rules(model_type="unigram", vocab_size=110, **symbols),
        "unigram_bytes": train(model_type="unigram", vocab_size=360, byte_fallback=True, normalization_rule_name="identity"),
    }
    cases = [(name, {}) for name in models]
    cases += [("bpe", {"legacy": False}), ("bpe", {"legacy": False, "add_prefix_space": False}),
              ("bpe", {"add_bos_token": False, "add_eos_token": True})]
    golden = {"library": f"sentencepiece {sentencepiece.__version__}, transformers {transformers.__version__}", "cases": []}
    for name, model in models.items():
        (HERE / f"sp_{name}.model").write_bytes(model)
    for name, config in cases:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "tokenizer.model").write_bytes(models[name])
            tokenizer = LlamaTokenizer.from_pretrained(folder, additional_special_tokens=["<ctl>"] if name.startswith(("bpe", "unigram")) and "bytes" not in name else [], **config)
            hashes = [f"{hash_of(','.join(map(str, tokenizer(text).input_ids))):016x}" for text in texts()]
        golden["cases"].append({"model": f"sp_{name}.model", "config": config, "hashes": hashes})
    (HERE / "sentencepiece_golden.json").write_text(json.dumps(golden) + "\n")

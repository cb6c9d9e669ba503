"""Tiny random BERT encoders, and what the reference library makes of texts with them.

    python tests/golden/encoder_golden.py [MINILM_DIRECTORY]

Needs torch 2.11.0, transformers 4.57.1, tokenizers 0.22.2. Writes tests/golden/models/NAME with expected.json beside the
checkpoint: {"library", "max_tokens", "texts": [{"text", "ids", "mean", "normalised", "first", "max"}]}, the ids those of
AutoTokenizer cut at max_tokens, the vectors those of BertModel over them. tokenizer/bert_golden.json holds ids of the nasty strings
for vocabularies of vocab.txt alone. With a directory of all-MiniLM-L6-v2 also tokenizer/minilm_nasty_golden.json: hashes as in
nasty_golden.py.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import tokenizers
import torch
import transformers
from tokenizers import Tokenizer

import nasty_golden
import tokenizer_texts

HERE = pathlib.Path(__file__).parent
SEED = 20240815
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEXYZ0123456789.,!?'-/()"
OTHERS = ["\u00e9", "\u00df", "\u0435", "\u4e2d", "\u6587", "\u0301", "\u03c2", "\u0130", "\u1100", "$", "[", "]", "<", ">", "|"]
WORDS = ["the", "##the", "of", "rome", "Rome", "ita", "##ly", "##ing", "capital", "cafe", "caf", "##\u00e9", "is", "eiffel", "tower", "hello", "world"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = SPECIAL + list(LETTERS) + ["##" + letter for letter in LETTERS[:36]] + OTHERS + WORDS
TEXTS = ["", "rome", "Rome is the capital of Italy.", "the Eiffel Tower", "Caf\u00e9 CAFE\u0301 \u4e2d\u6587", "a", "hello world, hello world! hello",
         "x" * 101, "[MASK] of [SEP] the", "\t the\r\n of \u0000 \ufffd it"]
SHAPE = dict(vocab_size=len(VOCABULARY), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
             max_position_embeddings=20, initializer_range=0.4)


def spread(model):
    """Norms and biases that are not 1 and 0, so that a missing one shows."""
    for name, parameter in model.named_parameters():
        if "LayerNorm" in name or name.endswith("bias"):
            parameter.data += 0.3 * torch.randn_like(parameter)
    return model.eval()


def write(path, name, content):
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text(json.dumps(content) + "\n")


def write_vocabulary(path, **config):
    (path / "vocab.txt").write_text("".join(token + "\n" for token in VOCABULARY))
    write(path, "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "model_max_length": 512, **config})


def bert(path):
    """Bare names, a tokenizer.json that cuts and pads, the files of Sentence Transformers."""
    spread(transformers.BertModel(transformers.BertConfig(**SHAPE))).save_pretrained(path)
    write_vocabulary(path)
    fast = transformers.AutoTokenizer.from_pretrained(path).backend_tokenizer
    fast.enable_truncation(4)
    fast.enable_padding(length=4, pad_id=0, pad_token="[PAD]")
    fast.save(str(path / "tokenizer.json"))
    (path / "vocab.txt").unlink()
    write(path, "modules.json", [{"idx": i, "name": str(i), "path": folder, "type": f"sentence_transformers.models.{kind}"}
                                 for i, (folder, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])])
    write(path, "1_Pooling/config.json", {"word_embedding_dimension": 16, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
                                          "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False})
    write(path, "sentence_bert_config.json", {"max_seq_length": 12, "do_lower_case": False})
    return 12


def bert_vocabulary(path):
    """Names behind "bert." with the heads of the training tasks, vocab.txt alone, no other settings."""
    config = transformers.BertConfig(**{**SHAPE, "num_attention_heads": 4, "layer_norm_eps": 1e-5, "hidden_act": "gelu_new"})
    spread(transformers.BertForPreTraining(config)).save_pretrained(path)
    write_vocabulary(path, do_lower_case=False)
    return 20


def expected(path, length):
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    model = transformers.BertModel.from_pretrained(path, attn_implementation="eager").eval()
    rows = []
    for text in TEXTS:
        ids = tokenizer(text, truncation=True, max_length=length)["input_ids"]
        hidden = model(torch.tensor([ids])).last_hidden_state[0]
        mean = hidden.mean(0)
        rows.append({"text": text, "ids": ids, "mean": mean.tolist(), "normalised": (mean / mean.norm().clamp_min(1e-12)).tolist(),
                     "first": hidden[0].tolist(), "max": hidden.amax(0).tolist()})
    library = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}, torch {torch.__version__}"
    write(path, "expected.json", {"library": library, "max_tokens": length, "texts": rows})


def vocabulary_files():
    """What AutoTokenizer makes of vocab.txt and settings beside it."""
    cases = []
    for config in [{}, {"do_lower_case": False}, {"strip_accents": True, "do_lower_case": False}, {"strip_accents": False},
                   {"tokenize_chinese_chars": False}, {"do_basic_tokenize": False}, {"cls_token": "the", "sep_token": "[MASK]"},
                   {"added_tokens_decoder": {"400": {"content": "<x>", "special": True}, "0": {"content": "[PAD]", "special": True}}}]:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            write_vocabulary(path, **config)
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            texts = tokenizer_texts.FIXED[::4] + TEXTS + ["[CLS] a[MASK]b <x> [UNK] the"]
            rows = [{"text": text, "ids": tokenizer(text)["input_ids"]} for text in texts]
            config_text = json.loads((path / "tokenizer_config.json").read_text())
            cases.append({"config": config_text, "texts": rows})
    golden = {"library": f"transformers {transformers.__version__}", "vocabulary": VOCABULARY, "cases": cases}
    (HERE / "tokenizer" / "bert_golden.json").write_text(json.dumps(golden) + "\n")


def minilm(directory):
    fast = Tokenizer.from_file(str(pathlib.Path(directory) / "tokenizer.json"))
    fast.no_truncation()
    fast.no_padding()
    golden = {"library": f"tokenizers {tokenizers.__version__}", "block": nasty_golden.BLOCK,
              "hashes": nasty_golden.hashes(lambda text: fast.encode(text).ids, lambda ids: fast.decode(ids, skip_special_tokens=False))}
    (HERE / "tokenizer" / "minilm_nasty_golden.json").write_text(json.dumps(golden) + "\n")


def main():
    torch.set_grad_enabled(False)
    for name, make in [("bert", bert), ("bert-vocabulary", bert_vocabulary)]:
        torch.manual_seed(SEED)
        path = HERE / "models" / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        expected(path, make(path))
    vocabulary_files()
    if len(sys.argv) > 1:
        minilm(sys.argv[1])


if __name__ == "__main__":
    main()

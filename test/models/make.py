#!/usr/bin/python3
"""Makes the tiny models beside this file, and what they answer.

    test/models/make.py [FOLDER]

The weights are random, from fixed seeds.  The answers (golden.json) come from
the code below, which follows the papers in float64 (BERT: arXiv 1810.04805,
DistilBERT: 1910.01108, SPLADE: 2109.10086) and shares nothing with src/engine.
Between them the models hold what real ones differ in:

  tiny-dense   BERT, mean, length 1; tokenizer.json; 16-bit floats; heads of
               odd width; more rows of embeddings than tokens; a limit of
               tokens in sentence_bert_config.json; tensors that are of no use
  tiny-cls     BERT, first state, not scaled; vocab.txt, cased; two files;
               names with "bert." and gamma, beta; float32 and bfloat16
  tiny-sparse  DistilBERT with its head tied to the embeddings, as OpenSearch
               ships them (idf.json: no special tokens in the answer)
  tiny-splade  BERT with a head of its own; tensors that are not aligned
"""
import json
import math
import os
import struct
import sys
import unicodedata

import numpy as np

WORDS = """the of and to in a is for on with as by at from it an be this that are or was
not have has can will which more search engine text word vector model query
index table row server data base fast small large new old first last one two
three red blue green water fire light dark house tree river king queen day
night year time world people city car dog cat bird fish book paper hello cafe
naive stop don run walk read write open close big""".split()
PIECES = """s ed ing er ly est ion al ness ment able un re in ist ity ive ous
ful less en es or ar an on st at ic th base""".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
MARKS = "!\"#$%&'()*+,-./:;<=>?@[]_~–’“”€日本"
CASED = ["Hello", "World", "Café", "The", "İ", "É", "##é"]

TEXTS = [
    "",
    "hello",
    "Hello, World! Don't stop.",
    "  The Café's naïve\tÅngström\n— E\u0301tude ",
    "日本語 ☃ \U0001d54f (unknown) words…",
    "e-mail: a.b@c.org, $5.00 [MASK] ~50%",
    "searching\u200b the \u00adlargest\u00a0databases \x01fast\ufffdest",
    "x" * 101 + " " + "y" * 100 + " end",
    "The king and the queen walked in the dark city by the river. " * 12,
]


# --- Vocabularies and WordPiece ---------------------------------------------


def vocabulary(unused, cased):
    """Tokens by id; the special ones lie behind some that are not used."""
    tokens = ["[PAD]"] + ["[unused%d]" % i for i in range(unused)]
    tokens += ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += list(MARKS) + list(LETTERS) + ["##" + c for c in LETTERS]
    tokens += WORDS + ["##" + piece for piece in PIECES] + (CASED if cased else [])
    return list(dict.fromkeys(tokens))


def is_mark(c):
    return unicodedata.category(c)[0] == "P" or (ord(c) < 128 and c.isprintable() and not c.isalnum() and c != " ")


def clean(text, cased):
    out = []
    for c in text:
        if c in "\t\n\r" or unicodedata.category(c) == "Zs":
            out.append(" ")
        elif c not in "\0\ufffd" and unicodedata.category(c)[0] != "C":
            out.append(" %s " % c if 0x4E00 <= ord(c) <= 0x9FFF else c)
    text = "".join(out)
    if not cased:
        text = unicodedata.normalize("NFD", text)
        text = "".join(c for c in text if unicodedata.category(c) != "Mn").lower()
    return "".join(" %s " % c if is_mark(c) else c for c in text)


def pieces(word, ids):
    """Ids of a word, longest pieces first; None if a part is unknown."""
    if word == "":
        return []
    for end in range(len(word), 0, -1):
        if word[:end] in ids:
            rest = word[end:]
            found = pieces("##" + rest, ids) if rest else []
            return None if found is None else [ids[word[:end]]] + found
        if word.startswith("##") and end == 3:
            return None
    return None


def encode(text, tokens, cased, limit):
    """The ids, [CLS] and [SEP] included, and whether text was cut."""
    ids = {token: i for i, token in enumerate(tokens)}
    found = []
    for word in clean(text, cased).split():
        parts = pieces(word, ids) if len(word) <= 100 else None
        found += [ids["[UNK]"]] if parts is None else parts
    cut = found[: limit - 2]
    return [ids["[CLS]"]] + cut + [ids["[SEP]"]], len(cut) < len(found)


# --- The network, in float64 --------------------------------------------------


def linear(x, w, name):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def norm(x, w, name, epsilon):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * w[name + ".weight"] + w[name + ".bias"]


gelu = np.vectorize(lambda x: x * 0.5 * (1.0 + math.erf(x / math.sqrt(2.0))))


def attention(x, w, names, heads):
    """x (tokens, width)."""
    query, key, value = (linear(x, w, name) for name in names)
    size = x.shape[1] // heads
    out = []
    for h in range(heads):
        part = slice(h * size, (h + 1) * size)
        score = query[:, part] @ key[:, part].T / math.sqrt(size)
        score = np.exp(score - score.max(-1, keepdims=True))
        out.append(score / score.sum(-1, keepdims=True) @ value[:, part])
    return np.concatenate(out, -1)


def bert(ids, w, heads, epsilon):
    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: len(ids)]
    x = norm(x + w[e + "token_type_embeddings.weight"][0], w, e + "LayerNorm", epsilon)
    i = 0
    while "encoder.layer.%d.output.dense.weight" % i in w:
        p = "encoder.layer.%d." % i
        a = attention(x, w, [p + "attention.self." + n for n in ("query", "key", "value")], heads)
        x = norm(x + linear(a, w, p + "attention.output.dense"), w, p + "attention.output.LayerNorm", epsilon)
        inner = gelu(linear(x, w, p + "intermediate.dense"))
        x = norm(x + linear(inner, w, p + "output.dense"), w, p + "output.LayerNorm", epsilon)
        i += 1
    return x


def distilbert(ids, w, heads):
    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: len(ids)]
    x = norm(x, w, e + "LayerNorm", 1e-12)
    i = 0
    while "transformer.layer.%d.ffn.lin1.weight" % i in w:
        p = "transformer.layer.%d." % i
        a = attention(x, w, [p + "attention." + n for n in ("q_lin", "k_lin", "v_lin")], heads)
        x = norm(x + linear(a, w, p + "attention.out_lin"), w, p + "sa_layer_norm", 1e-12)
        x = norm(x + linear(gelu(linear(x, w, p + "ffn.lin1")), w, p + "ffn.lin2"), w, p + "output_layer_norm", 1e-12)
        i += 1
    return x


def token_weights(x, w, transform, transform_norm, decoder, bias, epsilon):
    """SPLADE: of each token, the greatest log(1 + relu(logit)) over positions."""
    x = norm(gelu(linear(x, w, transform)), w, transform_norm, epsilon)
    logits = x @ w[decoder].T + w[bias]
    return np.log1p(np.maximum(logits, 0.0)).max(0)


# --- Random weights -----------------------------------------------------------


def stored(values, dtype):
    """As a file holds them: (dtype, rounded values; of BF16, their bits)."""
    values = values.astype("<f4")
    if dtype != "BF16":
        return dtype, values.astype({"F16": "<f2", "F32": "<f4"}[dtype])
    bits = values.view("<u4")
    return dtype, ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


class Weights:
    """Tensors as their file will hold them, by name."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        self.tensors = {}

    def add(self, name, dtype, *shape, mean=0.0, spread=1.0):
        self.tensors[name] = stored(mean + spread * self.random.standard_normal(shape), dtype)

    def linear(self, name, dtype, outputs, inputs, gain=1.0):
        self.add(name + ".weight", dtype, outputs, inputs, spread=gain / math.sqrt(inputs))
        self.add(name + ".bias", dtype, outputs, spread=0.2)

    def norm(self, name, dtype, width, weight="weight", bias="bias"):
        self.add("%s.%s" % (name, weight), dtype, width, mean=1.0, spread=0.15)
        self.add("%s.%s" % (name, bias), dtype, width, spread=0.15)

    def of_network(self, prefix=""):
        """In float64, without prefix, under the new names of norms."""
        out = {}
        for name, (dtype, values) in self.tensors.items():
            if dtype == "BF16":
                values = (values.astype("<u4") << 16).view("<f4")
            name = name[len(prefix):] if name.startswith(prefix) else name
            out[name.replace(".gamma", ".weight").replace(".beta", ".bias")] = values.astype("f8")
        return out


def add_bert(w, prefix, dtype, rows, positions, layers, width, inner, weight="weight", bias="bias"):
    e = prefix + "embeddings."
    w.add(e + "word_embeddings.weight", dtype, rows, width)
    w.add(e + "position_embeddings.weight", dtype, positions, width, spread=0.5)
    w.add(e + "token_type_embeddings.weight", dtype, 2, width, spread=0.5)
    w.norm(e + "LayerNorm", dtype, width, weight, bias)
    for i in range(layers):
        p = "%sencoder.layer.%d." % (prefix, i)
        for name in ("query", "key", "value"):
            w.linear(p + "attention.self." + name, dtype, width, width, 1.2)
        w.linear(p + "attention.output.dense", dtype, width, width)
        w.norm(p + "attention.output.LayerNorm", dtype, width, weight, bias)
        w.linear(p + "intermediate.dense", dtype, inner, width)
        w.linear(p + "output.dense", dtype, width, inner, 1.5)
        w.norm(p + "output.LayerNorm", dtype, width, weight, bias)


# --- Files --------------------------------------------------------------------


def write_json(folder, name, value):
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_vocabulary(folder, tokens):
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8", newline="\n") as file:
        file.write("".join(token + "\n" for token in tokens))


def write_safetensors(path, tensors):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, values in tensors.values():
            file.write(values.tobytes())


def write_pooling(folder, width, mode, normalize):
    kinds = ["Transformer", "Pooling"] + (["Normalize"] if normalize else [])
    paths = ["", "1_Pooling", "2_Normalize"]
    modules = [
        {"idx": i, "name": str(i), "path": paths[i], "type": "sentence_transformers.models." + kind}
        for i, kind in enumerate(kinds)
    ]
    write_json(folder, "modules.json", modules)
    pooling = {"word_embedding_dimension": width}
    for name in ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens"):
        pooling["pooling_mode_" + name] = name == mode
    write_json(folder, "1_Pooling/config.json", pooling)


def write_tokenizer(folder, tokens):
    """tokenizer.json, with a limit and a padding that sentence-transformers overrides."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    ids = {token: i for i, token in enumerate(tokens)}

    def piece(kind, name, type_id):
        return {kind: {"id": name, "type_id": type_id}}

    single = [piece("SpecialToken", "[CLS]", 0), piece("Sequence", "A", 0), piece("SpecialToken", "[SEP]", 0)]
    pair = single + [piece("Sequence", "B", 1), piece("SpecialToken", "[SEP]", 1)]
    write_json(folder, "tokenizer.json", {
        "version": "1.0",
        "truncation": {"max_length": 16, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 16}, "direction": "Right", "pad_id": 0, "pad_type_id": 0,
                    "pad_token": "[PAD]"},
        "added_tokens": [
            {"id": ids[token], "special": True, "content": token, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False}
            for token in special
        ],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing", "single": single, "pair": pair,
            "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": ids},
    })


def write_golden(folder, tokens, cased, limit, answer):
    """One text a line: what is asked, its ids, and what answer(ids) gives."""
    lines = []
    for text in TEXTS:
        ids, truncated = encode(text, tokens, cased, limit)
        line = {"text": text, "ids": ids, "truncated": truncated}
        line.update(answer(ids))
        lines.append(json.dumps(line))
    with open(os.path.join(folder, "golden.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(lines) + "\n]\n")


def digits(x):
    return float("%.9g" % x)


def dense_answer(vector):
    return {"vector": [digits(x) for x in vector]}


def sparse_answer(weights, tokens, left_out=()):
    kept = [i for i in range(len(tokens)) if weights[i] > 0 and tokens[i] not in left_out]
    kept.sort(key=lambda i: (-weights[i], i))
    return {"tokens": {tokens[i]: digits(weights[i]) for i in kept}}


# --- The models -----------------------------------------------------------------


def bert_config(architecture, rows, positions, layers, width, heads, inner, epsilon=1e-12):
    return {
        "architectures": [architecture], "model_type": "bert", "vocab_size": rows,
        "max_position_embeddings": positions, "num_hidden_layers": layers, "hidden_size": width,
        "num_attention_heads": heads, "intermediate_size": inner, "hidden_act": "gelu",
        "type_vocab_size": 2, "layer_norm_eps": epsilon, "position_embedding_type": "absolute",
        "hidden_dropout_prob": 0.1, "pad_token_id": 0,
    }


def make_dense(folder):
    tokens = vocabulary(unused=3, cased=False)
    rows = -(-len(tokens) // 16) * 16
    positions, layers, width, heads, inner = 64, 3, 52, 2, 100
    w = Weights(1)
    add_bert(w, "", "F16", rows, positions, layers, width, inner)
    w.linear("pooler.dense", "F16", width, width)
    w.tensors["embeddings.position_ids"] = ("I64", np.arange(positions, dtype="<i8").reshape(1, -1))
    write_safetensors(os.path.join(folder, "model.safetensors"), dict(sorted(w.tensors.items())))
    write_json(folder, "config.json", bert_config("BertModel", rows, positions, layers, width, heads, inner))
    write_json(folder, "sentence_bert_config.json", {"max_seq_length": 32, "do_lower_case": False})
    write_pooling(folder, width, "mean_tokens", normalize=True)
    write_tokenizer(folder, tokens)
    network = w.of_network()

    def answer(ids):
        mean = bert(ids, network, heads, 1e-12).mean(0)
        return dense_answer(mean / np.sqrt((mean ** 2).sum()))

    write_golden(folder, tokens, False, 32, answer)


def make_cls(folder):
    tokens = vocabulary(unused=0, cased=True)
    positions, layers, width, heads, inner, epsilon = 40, 2, 30, 3, 70, 1e-5
    w = Weights(2)
    add_bert(w, "bert.", "F32", len(tokens), positions, layers, width, inner, "gamma", "beta")
    names = ["model-0000%d-of-00002.safetensors" % i for i in (1, 2)]
    first = [name for name in w.tensors if ".layer.0." in name]
    second = [name for name in w.tensors if name not in first]
    for name in second:
        w.tensors[name] = stored(w.tensors[name][1], "BF16")
    for name, members in zip(names, (first, second)):
        write_safetensors(os.path.join(folder, name), {m: w.tensors[m] for m in members})
    write_json(folder, "model.safetensors.index.json", {
        "metadata": {"total_size": sum(values.nbytes for _, values in w.tensors.values())},
        "weight_map": {m: name for name, members in zip(names, (first, second)) for m in members},
    })
    write_json(folder, "config.json",
               bert_config("BertModel", len(tokens), positions, layers, width, heads, inner, epsilon))
    write_pooling(folder, width, "cls_token", normalize=False)
    write_vocabulary(folder, tokens)
    write_json(folder, "tokenizer_config.json", {"do_lower_case": False, "model_max_length": 512})
    network = w.of_network("bert.")
    write_golden(folder, tokens, True, positions,
                 lambda ids: dense_answer(bert(ids, network, heads, epsilon)[0]))


def make_sparse(folder):
    tokens = vocabulary(unused=5, cased=False)
    positions, layers, width, heads, inner, dtype = 64, 2, 64, 4, 128, "BF16"
    w = Weights(3)
    e = "distilbert.embeddings."
    w.add(e + "word_embeddings.weight", dtype, len(tokens), width, spread=0.3)
    w.add(e + "position_embeddings.weight", dtype, positions, width, spread=0.1)
    w.norm(e + "LayerNorm", dtype, width)
    for i in range(layers):
        p = "distilbert.transformer.layer.%d." % i
        for name in ("q_lin", "k_lin", "v_lin"):
            w.linear(p + "attention." + name, dtype, width, width, 1.2)
        w.linear(p + "attention.out_lin", dtype, width, width)
        w.norm(p + "sa_layer_norm", dtype, width)
        w.linear(p + "ffn.lin1", dtype, inner, width)
        w.linear(p + "ffn.lin2", dtype, width, inner, 1.5)
        w.norm(p + "output_layer_norm", dtype, width)
    w.linear("vocab_transform", dtype, width, width, 1.5)
    w.norm("vocab_layer_norm", dtype, width)
    w.add("vocab_projector.bias", dtype, len(tokens), mean=-4.5, spread=0.3)
    write_safetensors(os.path.join(folder, "model.safetensors"), w.tensors)
    write_json(folder, "config.json", {
        "architectures": ["DistilBertForMaskedLM"], "model_type": "distilbert", "activation": "gelu",
        "vocab_size": len(tokens), "max_position_embeddings": positions, "n_layers": layers, "dim": width,
        "n_heads": heads, "hidden_dim": inner, "tie_weights_": True, "sinusoidal_pos_embds": False,
        "dropout": 0.1, "pad_token_id": 0,
    })
    write_vocabulary(folder, tokens)
    write_json(folder, "tokenizer_config.json", {"do_lower_case": True, "model_max_length": 512})
    write_json(folder, "idf.json", {token: digits(1.0 + i % 7) for i, token in enumerate(tokens)})
    network = w.of_network("distilbert.")

    def answer(ids):
        weights = token_weights(distilbert(ids, network, heads), network, "vocab_transform", "vocab_layer_norm",
                                "embeddings.word_embeddings.weight", "vocab_projector.bias", 1e-12)
        return sparse_answer(weights, tokens, ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))

    write_golden(folder, tokens, False, positions, answer)


def make_splade(folder):
    tokens = vocabulary(unused=2, cased=False)
    tokens = tokens if len(tokens) % 2 else tokens[:-1]
    positions, layers, width, heads, inner = 48, 1, 36, 3, 72
    w, head = Weights(4), "cls.predictions."
    # An odd number of 16-bit values first: what follows is not aligned.
    w.add(head + "bias", "BF16", len(tokens), mean=-5.0, spread=0.3)
    w.linear(head + "transform.dense", "F32", width, width, 1.5)
    w.norm(head + "transform.LayerNorm", "F32", width)
    w.add(head + "decoder.weight", "BF16", len(tokens), width, spread=0.4)
    add_bert(w, "bert.", "BF16", len(tokens), positions, layers, width, inner)
    write_safetensors(os.path.join(folder, "model.safetensors"), w.tensors)
    config = bert_config("BertForMaskedLM", len(tokens), positions, layers, width, heads, inner)
    config["tie_word_embeddings"] = False
    write_json(folder, "config.json", config)
    write_vocabulary(folder, tokens)
    network = w.of_network("bert.")

    def answer(ids):
        weights = token_weights(bert(ids, network, heads, 1e-12), network, head + "transform.dense",
                                head + "transform.LayerNorm", head + "decoder.weight", head + "bias", 1e-12)
        return sparse_answer(weights, tokens)

    write_golden(folder, tokens, False, positions, answer)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, make in (("tiny-dense", make_dense), ("tiny-cls", make_cls),
                       ("tiny-sparse", make_sparse), ("tiny-splade", make_splade)):
        folder = os.path.join(root, name)
        os.makedirs(folder, exist_ok=True)
        make(folder)


if __name__ == "__main__":
    main()

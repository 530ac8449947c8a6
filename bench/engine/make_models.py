#!/usr/bin/python3
"""Makes models of real shapes with random weights, for the benchmarks.

    make_models.py FOLDER [--models minilm,splade] [--graphs plain,fused,int8]

FOLDER/minilm and FOLDER/splade are folders as Hugging Face ships them, and
FOLDER/onnx/MODEL-GRAPH.onnx is the same network for ONNX Runtime, pooling
included.  What is there already is kept.

Graphs are as strong as we could make them.  plain: what an exporter writes,
which ONNX Runtime fuses by itself; fused: its own operators for attention and
skip + norm; int8: weights per column, activations quantised as they come.  Only
plain takes a mask, for padding; without one attention is faster.  All find the
greatest logit before adding the bias and taking log(1 + relu(x)), which changes
nothing and saves passes over tokens x vocabulary.
"""
import argparse
import json
import os
import struct

import numpy as np

MODELS = {
    "minilm": {"layers": 6, "width": 384, "heads": 12, "inner": 1536},
    "splade": {"layers": 12, "width": 768, "heads": 12, "inner": 3072},
}
VOCABULARY, POSITIONS, EPSILON = 30522, 512, 1e-12
EMBEDDINGS, HEAD = "embeddings.", "cls.predictions."
GRAPHS = ("plain", "fused", "int8")


# --- Folders ------------------------------------------------------------------


def random_weights(model, sparse):
    """Tensors by name, without "bert."; spread so that every part counts."""
    shape = MODELS[model]
    width, inner = shape["width"], shape["inner"]
    random = np.random.default_rng(42)
    weights = {}

    def add(name, *size, mean=0.0, spread=0.04):
        weights[name] = (random.standard_normal(size, dtype=np.float32) * spread + mean).astype("<f4")

    def linear(name, outputs, inputs):
        add(name + ".weight", outputs, inputs)
        add(name + ".bias", outputs)

    def norm(name):
        add(name + ".weight", width, mean=1.0, spread=0.1)
        add(name + ".bias", width, spread=0.05)

    add(EMBEDDINGS + "word_embeddings.weight", VOCABULARY, width)
    add(EMBEDDINGS + "position_embeddings.weight", POSITIONS, width)
    add(EMBEDDINGS + "token_type_embeddings.weight", 2, width)
    norm(EMBEDDINGS + "LayerNorm")
    for i in range(shape["layers"]):
        p = "encoder.layer.%d." % i
        for name in ("query", "key", "value"):
            linear(p + "attention.self." + name, width, width)
        linear(p + "attention.output.dense", width, width)
        norm(p + "attention.output.LayerNorm")
        linear(p + "intermediate.dense", inner, width)
        linear(p + "output.dense", width, inner)
        norm(p + "output.LayerNorm")
    if sparse:
        linear(HEAD + "transform.dense", width, width)
        norm(HEAD + "transform.LayerNorm")
        add(HEAD + "bias", VOCABULARY, mean=-1.0, spread=0.1)
    return weights


def write_safetensors(path, tensors):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".new", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in tensors.values():
            file.write(values.tobytes())
    os.rename(path + ".new", path)


def write_json(folder, name, value):
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)


def write_vocabulary(folder):
    """As many tokens as BERT's, most of them syllables, whole or as pieces."""
    tokens = ["[PAD]"] + ["[unused%d]" % i for i in range(99)] + ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    tokens += ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er")]
    for word in syllables + [a + b for a in syllables for b in syllables]:
        tokens += [word, "##" + word]
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(tokens[:VOCABULARY]) + "\n")


def write_folder(folder, model):
    shape, sparse = MODELS[model], model == "splade"
    os.makedirs(folder, exist_ok=True)
    write_json(folder, "config.json", {
        "architectures": ["BertForMaskedLM" if sparse else "BertModel"],
        "model_type": "bert",
        "vocab_size": VOCABULARY,
        "max_position_embeddings": POSITIONS,
        "num_hidden_layers": shape["layers"],
        "hidden_size": shape["width"],
        "num_attention_heads": shape["heads"],
        "intermediate_size": shape["inner"],
        "hidden_act": "gelu",
        "type_vocab_size": 2,
        "layer_norm_eps": EPSILON,
        "position_embedding_type": "absolute",
    })
    write_json(folder, "tokenizer_config.json", {"do_lower_case": True, "model_max_length": POSITIONS})
    write_vocabulary(folder)
    if not sparse:
        modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
        write_json(folder, "modules.json", [
            {"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind}
            for i, (path, kind) in enumerate(modules)
        ])
        write_json(folder, "1_Pooling/config.json", {
            "word_embedding_dimension": shape["width"],
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
        })
    weights = random_weights(model, sparse)
    if sparse:
        weights = {name if name.startswith(HEAD) else "bert." + name: values for name, values in weights.items()}
    write_safetensors(os.path.join(folder, "model.safetensors"), weights)


def read_weights(folder):
    """Float32 tensors by name, without "bert."; views of the mapped file."""
    data = np.memmap(os.path.join(folder, "model.safetensors"), dtype=np.uint8, mode="r")
    (length,) = struct.unpack("<Q", data[:8].tobytes())
    header = json.loads(data[8:8 + length].tobytes())
    header.pop("__metadata__", None)
    weights = {}
    for name, tensor in header.items():
        first, last = tensor["data_offsets"]
        values = data[8 + length + first:8 + length + last].view("<f4").reshape(tensor["shape"])
        weights[name[5:] if name.startswith("bert.") else name] = values
    return weights


def read_config(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        return json.load(file)


# --- Graphs -------------------------------------------------------------------


class Graph:
    """Nodes in order, each named after its output."""

    def __init__(self, onnx):
        self.onnx = onnx
        self.nodes = []
        self.constants = {}

    def constant(self, name, values):
        if name not in self.constants:
            values = np.ascontiguousarray(values)
            self.constants[name] = self.onnx.numpy_helper.from_array(values, name)
        return name

    def whole(self, *values):
        return self.constant("int_" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def number(self, value):
        return self.constant("float_%r" % value, np.float32(value))

    def add(self, operator, *inputs, outputs=1, own=False, **attributes):
        names = ["x%d_%d" % (len(self.nodes), i) for i in range(outputs)]
        domain = "com.microsoft" if own else ""
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names


class Exporter:
    """One network as a graph of one kind."""

    def __init__(self, onnx, folder, kind):
        self.weights = read_weights(folder)
        config = read_config(folder)
        self.layers, self.heads = config["num_hidden_layers"], config["num_attention_heads"]
        self.width = config["hidden_size"]
        self.kind = kind
        self.graph = Graph(onnx)

    def tensor(self, name):
        return self.graph.constant(name, self.weights[name])

    def product(self, x, name, weight, bias=None):
        """x times weight (outputs, inputs), plus bias, under a name of its own."""
        graph = self.graph
        if self.kind == "int8":
            weight = weight.T
            scale = (np.maximum(np.abs(weight).max(0), 1e-9) / 127).astype(np.float32)
            quantised = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
            inputs = [x, graph.constant(name + ".int8", quantised), graph.constant(name + ".scale", scale),
                      graph.constant(name + ".zero", np.zeros(len(scale), np.int8))]
            if bias is not None:
                inputs.append(graph.constant(name + ".bias", bias))
            return graph.add("DynamicQuantizeMatMul", *inputs, own=True)
        x = graph.add("MatMul", x, graph.constant(name + ".transposed", weight.T))
        return x if bias is None else graph.add("Add", x, graph.constant(name + ".bias", bias))

    def linear(self, x, name):
        return self.product(x, name, self.weights[name + ".weight"], self.weights[name + ".bias"])

    def norm(self, x, name):
        return self.graph.add("LayerNormalization", x, self.tensor(name + ".weight"), self.tensor(name + ".bias"),
                              axis=-1, epsilon=EPSILON)

    def gelu(self, x):
        graph = self.graph
        if self.kind == "int8":
            return graph.add("Gelu", x, own=True)
        erf = graph.add("Erf", graph.add("Div", x, graph.number(float(np.sqrt(2.0)))))
        return graph.add("Mul", graph.add("Mul", x, graph.add("Add", erf, graph.number(1.0))), graph.number(0.5))

    def add_and_norm(self, x, name, residual, norm):
        """norm(x times the weight of name, plus its bias, plus residual)."""
        graph = self.graph
        if self.kind == "plain":
            return self.norm(graph.add("Add", self.linear(x, name), residual), norm)
        bias = []
        if self.kind == "fused":
            x = self.product(x, name, self.weights[name + ".weight"])
            bias = [self.tensor(name + ".bias")]
        else:
            x = self.linear(x, name)
        return graph.add("SkipLayerNormalization", x, residual, self.tensor(norm + ".weight"),
                         self.tensor(norm + ".bias"), *bias, own=True, epsilon=EPSILON)

    def attention(self, x, i):
        prefix = "encoder.layer.%d.attention.self." % i
        names = [prefix + name for name in ("query", "key", "value")]
        graph = self.graph
        if self.kind == "plain":
            return self.plain_attention(x, names)
        weight = np.concatenate([self.weights[name + ".weight"] for name in names])
        bias = np.concatenate([self.weights[name + ".bias"] for name in names])
        if self.kind == "fused":
            return graph.add("Attention", x, graph.constant(prefix + "weight", weight.T),
                             graph.constant(prefix + "bias", bias), own=True, num_heads=self.heads)
        parts = graph.add("Split", self.product(x, prefix + "all", weight, bias), outputs=3, axis=-1)
        return graph.add("MultiHeadAttention", *parts, own=True, num_heads=self.heads)

    def plain_attention(self, x, names):
        graph, size = self.graph, self.width // self.heads
        split = graph.whole(0, 0, self.heads, size)

        def part(name, order):
            return graph.add("Transpose", graph.add("Reshape", self.linear(x, name), split), perm=order)

        query, key, value = (part(n, o) for n, o in zip(names, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
        scores = graph.add("Div", graph.add("MatMul", query, key), graph.number(float(np.sqrt(size))))
        scores = graph.add("Softmax", graph.add("Add", scores, self.mask), axis=-1)
        x = graph.add("Transpose", graph.add("MatMul", scores, value), perm=[0, 2, 1, 3])
        return graph.add("Reshape", x, graph.whole(0, 0, self.width))

    def embed(self):
        graph, weights = self.graph, self.weights
        words = graph.add("Gather", self.tensor(EMBEDDINGS + "word_embeddings.weight"), "input_ids")
        positions = weights[EMBEDDINGS + "position_embeddings.weight"]
        positions = positions + weights[EMBEDDINGS + "token_type_embeddings.weight"][0]
        tokens = graph.add("Slice", graph.add("Shape", "input_ids"), graph.whole(1), graph.whole(2), graph.whole(0))
        positions = graph.add("Slice", graph.constant("positions", positions), graph.whole(0), tokens, graph.whole(0))
        return self.norm(graph.add("Add", words, positions), EMBEDDINGS + "LayerNorm")

    def sparse_head(self, x):
        """Padding counts as a copy of the first token: the maximum stays."""
        graph, transform = self.graph, HEAD + "transform."
        x = self.norm(self.gelu(self.linear(x, transform + "dense")), transform + "LayerNorm")
        if self.kind == "plain":
            first = graph.add("Slice", x, graph.whole(0), graph.whole(1), graph.whole(1))
            there = graph.add("Cast", self.column, to=self.graph.onnx.TensorProto.BOOL)
            x = graph.add("Where", there, x, first)
        x = self.product(x, HEAD + "decoder", self.weights[EMBEDDINGS + "word_embeddings.weight"])
        x = graph.add("ReduceMax", x, axes=[1], keepdims=0)
        x = graph.add("Relu", graph.add("Add", x, self.tensor(HEAD + "bias")))
        return graph.add("Log", graph.add("Add", x, graph.number(1.0)))

    def dense_head(self, x):
        graph = self.graph
        if self.kind == "plain":
            x = graph.add("ReduceSum", graph.add("Mul", x, self.column), graph.whole(1), keepdims=0)
            x = graph.add("Div", x, graph.add("ReduceSum", self.ones, graph.whole(1), keepdims=1))
        else:
            x = graph.add("ReduceMean", x, axes=[1], keepdims=0)
        return graph.add("Div", x, graph.add("ReduceL2", x, axes=[1], keepdims=1))

    def export(self, path):
        graph, onnx = self.graph, self.graph.onnx
        types = onnx.TensorProto
        if self.kind == "plain":
            self.ones = graph.add("Cast", "attention_mask", to=types.FLOAT)
            self.column = graph.add("Unsqueeze", self.ones, graph.whole(2))
            missing = graph.add("Sub", graph.number(1.0), graph.add("Unsqueeze", self.ones, graph.whole(1, 2)))
            self.mask = graph.add("Mul", missing, graph.number(-10000.0))
        x = self.embed()
        for i in range(self.layers):
            p = "encoder.layer.%d." % i
            x = self.add_and_norm(self.attention(x, i), p + "attention.output.dense", x,
                                  p + "attention.output.LayerNorm")
            inner = self.gelu(self.linear(x, p + "intermediate.dense"))
            x = self.add_and_norm(inner, p + "output.dense", x, p + "output.LayerNorm")
        sparse = HEAD + "bias" in self.weights
        result = self.sparse_head(x) if sparse else self.dense_head(x)
        graph.nodes.append(onnx.helper.make_node("Identity", [result], ["embedding"]))
        info = onnx.helper.make_tensor_value_info
        names = ["input_ids", "attention_mask"] if self.kind == "plain" else ["input_ids"]
        inputs = [info(name, types.INT64, ["texts", "tokens"]) for name in names]
        outputs = [info("embedding", types.FLOAT, ["texts", VOCABULARY if sparse else self.width])]
        made = onnx.helper.make_graph(graph.nodes, "bert", inputs, outputs, list(graph.constants.values()))
        opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.microsoft", 1)]
        whole = onnx.helper.make_model(made, opset_imports=opsets)
        whole.ir_version = 8
        onnx.save(whole, path + ".new")
        os.rename(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--graphs", default=",".join(GRAPHS), help="'' for none")
    options = parser.parse_args()
    os.makedirs(os.path.join(options.folder, "onnx"), exist_ok=True)
    for model in options.models.split(","):
        folder = os.path.join(options.folder, model)
        if not os.path.exists(os.path.join(folder, "model.safetensors")):
            print("making", folder, flush=True)
            write_folder(folder, model)
        for kind in filter(None, options.graphs.split(",")):
            path = os.path.join(options.folder, "onnx", "%s-%s.onnx" % (model, kind))
            if not os.path.exists(path):
                import onnx
                import onnx.helper
                import onnx.numpy_helper

                print("making", path, flush=True)
                Exporter(onnx, folder, kind).export(path)


if __name__ == "__main__":
    main()

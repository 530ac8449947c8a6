#!/usr/bin/python3
"""PyTorch as a resident program: see resident.h.

    peer_torch.py FOLDER fp32|int8 THREADS

fp32 is traced and frozen TorchScript; int8 is what quantize_dynamic makes of
the linear layers, on oneDNN.
"""
import math
import os
import statistics
import sys
import time

folder, mode, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
with open("/proc/cpuinfo", encoding="ascii") as cpuinfo:
    if " avx512vl" in cpuinfo.read():
        os.environ.setdefault("OPENBLAS_CORETYPE", "SKYLAKEX")  # Debian's may choose a slower one

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

from make_models import EMBEDDINGS, EPSILON, HEAD, read_config, read_weights  # noqa: E402

torch.set_num_threads(threads)
torch.set_flush_denormal(True)
torch.set_grad_enabled(False)


class Layer(nn.Module):
    def __init__(self, net, i):
        super().__init__()
        p = "encoder.layer.%d." % i
        self.heads, self.size = net.heads, net.words.shape[1] // net.heads
        self.query, self.key, self.value = (net.linear(p + "attention.self." + n) for n in ("query", "key", "value"))
        self.output = net.linear(p + "attention.output.dense")
        self.norm = net.norm(p + "attention.output.LayerNorm")
        self.inner = net.linear(p + "intermediate.dense")
        self.outer = net.linear(p + "output.dense")
        self.last_norm = net.norm(p + "output.LayerNorm")

    def forward(self, x, mask):
        texts, tokens, width = x.shape

        def split(y):
            return y.view(texts, tokens, self.heads, self.size).permute(0, 2, 1, 3)

        query, key, value = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(self.size) + mask
        y = torch.matmul(torch.softmax(scores, -1), value).permute(0, 2, 1, 3).contiguous().view(texts, tokens, width)
        x = self.norm(self.output(y) + x)
        return self.last_norm(self.outer(nn.functional.gelu(self.inner(x))) + x)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        config = read_config(folder)
        self.weights = {n: torch.from_numpy(np.array(w, dtype=np.float32)) for n, w in read_weights(folder).items()}
        self.heads = config["num_attention_heads"]
        self.words = self.weights[EMBEDDINGS + "word_embeddings.weight"]
        self.types = self.weights[EMBEDDINGS + "token_type_embeddings.weight"][0]
        self.positions = self.weights[EMBEDDINGS + "position_embeddings.weight"]
        self.first_norm = self.norm(EMBEDDINGS + "LayerNorm")
        self.layers = nn.ModuleList([Layer(self, i) for i in range(config["num_hidden_layers"])])
        self.sparse = HEAD + "bias" in self.weights
        if self.sparse:
            self.transform = self.linear(HEAD + "transform.dense")
            self.transform_norm = self.norm(HEAD + "transform.LayerNorm")
            self.decoder = nn.Linear(*reversed(self.words.shape), bias=False)
            self.decoder.weight.data = self.words
            self.bias = self.weights[HEAD + "bias"]
        del self.weights

    def linear(self, name):
        layer = nn.Linear(*reversed(self.weights[name + ".weight"].shape))
        layer.weight.data, layer.bias.data = self.weights[name + ".weight"], self.weights[name + ".bias"]
        return layer

    def norm(self, name):
        layer = nn.LayerNorm(self.weights[name + ".weight"].shape, eps=EPSILON)
        layer.weight.data, layer.bias.data = self.weights[name + ".weight"], self.weights[name + ".bias"]
        return layer

    def forward(self, ids, mask):
        x = self.first_norm(nn.functional.embedding(ids, self.words) + self.positions[: ids.shape[1]] + self.types)
        missing = (1.0 - mask[:, None, None, :]) * -10000.0
        for layer in self.layers:
            x = layer(x, missing)
        column = mask[:, :, None]
        if self.sparse:
            # The maximum first: the rest is monotonic.  Padding is a copy of the first token.
            x = self.transform_norm(nn.functional.gelu(self.transform(x)))
            x = torch.where(column > 0, x, x[:, :1])
            return torch.log1p(torch.relu(self.decoder(x).amax(1) + self.bias))
        return nn.functional.normalize((x * column).sum(1) / mask.sum(1, keepdim=True), dim=1)


network = Network().eval()
vocabulary = len(network.words)
if mode == "int8":
    torch.backends.quantized.engine = "onednn"
    network = torch.quantization.quantize_dynamic(network, {nn.Linear}, dtype=torch.qint8)
network = torch.jit.trace(network, (torch.zeros(2, 7, dtype=torch.long), torch.ones(2, 7)), check_trace=False)
network = torch.jit.freeze(network.eval())


def batch(sequences, lengths):
    width = max(lengths[b] for b in sequences)
    ids = torch.zeros(len(sequences), width, dtype=torch.long)
    mask = torch.zeros(len(sequences), width)
    for row, b in enumerate(sequences):
        ids[row, : lengths[b]] = (b * 104729 + torch.arange(lengths[b]) * 7919 + 13) % vocabulary
        mask[row, : lengths[b]] = 1
    return ids, mask


def measure(batches, seconds):
    times = []
    start = time.perf_counter()
    while not times or time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        for ids, mask in batches:
            network(ids, mask)
        times.append(time.perf_counter() - begin)
    return statistics.median(times), len(times)


def answer_run(sequences, length, seconds):
    lengths = [int(length)] * int(sequences)
    return "%.9f %d" % measure([batch(range(len(lengths)), lengths)], float(seconds))


way = None


def answer_mixed(seconds, *lengths):
    """By length, so that there is little to pad; the first call finds the way."""
    global way
    lengths = [int(length) for length in lengths]
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])

    def batches(size):
        return [batch(order[i:i + size], lengths) for i in range(0, len(order), size)]

    if way is None:
        measure(batches(1), 0)  # the first time is slower
        way = min((1, 2, 4, 8), key=lambda size: measure(batches(size), 0)[0])
    return "%.9f %d %d at once" % (*measure(batches(way), float(seconds)), way)


def answer_dump(sequences, length, path):
    lengths = [int(length)] * int(sequences)
    network(*batch(range(len(lengths)), lengths)).numpy().astype("<f4").tofile(path)
    return "0 1"


ANSWERS = {"run": answer_run, "mixed": answer_mixed, "dump": answer_dump}
print("ready", mode, flush=True)
for line in sys.stdin:
    name, *values = line.split()
    try:
        print("ok", ANSWERS[name](*values), flush=True)
    except Exception as error:  # whatever it is, compare.py should know
        print("error", repr(error).replace("\n", " "), flush=True)

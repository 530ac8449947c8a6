#!/usr/bin/python3
"""Compares what engines answer with ONNX Runtime's and PyTorch's fp32 answers.

The same weights, the same token ids.  The exit status is 1 if an answer of ours
is further away than its precision may be: fp32 a cosine under 0.999999, 16 bits
under 0.999, int8 under that of ONNX Runtime's int8.
"""
import argparse
import os
import sys
import tempfile

import numpy as np

import engines
from compare import print_table

SHAPES = "1x16,1x128,8x64,1x512"
REFERENCES = ["ort-plain", "torch-fp32"]
LEAST_COSINE = {"fp32": 0.999999, "bf16": 0.999, "fp16": 0.999}
TOP = 128


def answers(options, name, model, shapes):
    """(texts, width) of each shape; None if the engine cannot run here."""
    found = {}
    try:
        resident = engines.Resident(options, name, model, [0])
    except engines.EngineError as error:
        print("left out:", error, file=sys.stderr)
        return None, ""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "answer")
        for texts, tokens in shapes:
            resident.ask("dump", texts, tokens, path)
            found[(texts, tokens)] = np.fromfile(path, dtype="<f4").reshape(texts, -1).astype(np.float64)
    resident.close()
    return found, resident.what.split(",")[0]


def compare(found, reference):
    """Greatest difference, least and mean cosine, least share of the heaviest tokens."""
    difference, cosines, shares = 0.0, [], []
    for shape, wanted in reference.items():
        got = found[shape]
        difference = max(difference, np.abs(got - wanted).max())
        lengths = np.linalg.norm(got, axis=1) * np.linalg.norm(wanted, axis=1)
        cosines += list((got * wanted).sum(1) / lengths)
        for a, b in zip(got, wanted):
            shares.append(len(set(np.argsort(-a)[:TOP]) & set(np.argsort(-b)[:TOP])) / TOP)
    return difference, min(cosines), float(np.mean(cosines)), min(shares)


def verdict(name, precision, cosine, ort_int8):
    """pass, MISS or nothing."""
    if not name.startswith("ours"):
        return ""
    least = LEAST_COSINE.get(precision, ort_int8)
    if least is None:
        return "?"
    return "pass" if cosine >= least else "MISS"


def check_model(options, model, shapes):
    """Whether all of ours pass."""
    is_good = True
    references = {name: answers(options, name, model, shapes)[0] for name in REFERENCES}
    names = ["ort-int8"] + [name for name in engines.chosen(options) if name != "ort-int8"]
    rows, ort_int8 = [], {}
    for name in names:
        found, precision = answers(options, name, model, shapes)
        if found is None:
            # Not every CPU multiplies fp16.
            is_good = is_good and (not name.startswith("ours") or name == "ours-fp16")
            continue
        counts = name.startswith("ours") or name == "ort-int8"
        for reference, wanted in references.items():
            if wanted is None or name == reference or not (counts or reference == REFERENCES[0]):
                continue
            difference, cosine, mean, share = compare(found, wanted)
            if name == "ort-int8":
                ort_int8[reference] = cosine
            word = verdict(name, precision, cosine, ort_int8.get(reference))
            is_good = is_good and word != "MISS"
            label = name if precision in name else "%s (%s)" % (name, precision)
            row = [label, reference, "%.1e" % difference, "%.7f" % cosine, "%.7f" % mean]
            rows.append(row + (["%.3f" % share] if model == "splade" else ["-"]) + [word])
    print("\n## %s, shapes %s\n" % (model, options.shapes))
    print_table(["engine", "against", "greatest difference", "least cosine", "mean cosine",
                 "heaviest %d in common" % TOP, ""], rows)
    return is_good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    engines.add_arguments(parser)
    parser.add_argument("--shapes", default=SHAPES)
    options = parser.parse_args()
    shapes = engines.shapes_of(options.shapes)
    results = [check_model(options, model, shapes) for model in options.models.split(",")]
    print("\nall agree" if all(results) else "\nNOT all agree")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()

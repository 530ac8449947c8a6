"""The engines that compare.py and agree.py ask, and how: see resident.h."""
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# What a precision is measured against, in the order of tables.
OURS = ["ours-fp32", "ours-auto", "ours-bf16", "ours-fp16", "ours-int8"]
FP32_PEERS = ["ort-plain", "ort-fused", "torch-fp32"]
INT8_PEERS = ["ort-int8", "torch-int8"]
ONEDNN = ["onednn-fp32", "onednn-bf16", "onednn-int8"]
ALL = OURS + FP32_PEERS + INT8_PEERS + ONEDNN


def add_arguments(parser):
    parser.add_argument("--programs", required=True, help="folder of ours, peer_onednn and inference-engine")
    parser.add_argument("--folder", required=True, help="of make_models.py")
    parser.add_argument("--modules", required=True, help="node_modules that hold onnxruntime-node")
    parser.add_argument("--models", default="minilm,splade")
    parser.add_argument("--engines", default=",".join(ALL), help="or beginnings of their names")


def chosen(options):
    parts = options.engines.split(",")
    return [name for name in ALL if any(name.startswith(part) for part in parts)]


def command(options, name, model, threads):
    kind, _, variant = name.partition("-")
    folder = os.path.join(options.folder, model)
    if kind == "ours":
        return [os.path.join(options.programs, "ours"), folder, variant, str(threads)]
    if kind == "ort":
        return ["node", os.path.join(HERE, "peer_ort.mjs"), options.modules, options.folder, model, variant,
                str(threads)]
    if kind == "torch":
        program = os.path.join(HERE, "peer_torch.py")
        return ["/usr/bin/python3", "-W", "ignore", program, folder, variant, str(threads)]
    return [os.path.join(options.programs, "peer_onednn"), folder, variant, str(threads)]


def pinned(cores, arguments):
    return ["taskset", "-c", ",".join(map(str, cores))] + arguments


class EngineError(Exception):
    pass


class Resident:
    """An engine that runs.  The threads are as many as the cores."""

    def __init__(self, options, name, model, cores):
        self.name = name
        self.started = time.perf_counter()
        # Threads of peers that wait would otherwise spin on the others' time.
        self.process = subprocess.Popen(
            pinned(cores, command(options, name, model, len(cores))),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, OMP_WAIT_POLICY="passive"),
        )
        self.what = self.answer("ready")

    def answer(self, expected):
        line = self.process.stdout.readline()
        word, _, rest = line.strip().partition(" ")
        if word != expected:
            raise EngineError("%s: %s" % (self.name, rest or "has gone"))
        return rest

    def start(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def finish(self):
        """Seconds of a run; of mixed, self.way says how."""
        seconds, _, self.way = (self.answer("ok") + "  ").split(" ", 2)
        return float(seconds)

    def ask(self, *words):
        self.start(*words)
        return self.finish()

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        self.process.wait()


def start_all(options, names, model, cores):
    """Those that can run here, by name."""
    running = {}
    for name in names:
        try:
            running[name] = Resident(options, name, model, cores)
        except EngineError as error:
            print("left out:", error, file=sys.stderr)
    return running


def close_all(running):
    for resident in running.values():
        resident.close()


def shapes_of(text):
    return [tuple(map(int, shape.split("x"))) for shape in text.split(",")]


def geometric_mean(numbers):
    return statistics.geometric_mean(numbers)

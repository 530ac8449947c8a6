#!/usr/bin/env python3
"""Measures the engine beside ONNX Runtime, PyTorch and oneDNN, and prints ratios.

Each round asks every engine for the same shape in turn, so that a slow moment
of the machine meets all; a ratio is the median of the rounds' ratios, so that
it compares moments.  One thread is pinned to one core, the driver to another.
A number over 1 says that ours is faster.  The last lines hold the goals; the
exit status is 1 if one is missed.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

import engines
from engines import FP32_PEERS, INT8_PEERS, ONEDNN, Resident

SHAPES = "1x16,1x64,1x128,1x256,1x512,8x16,8x64,8x128"
PARTS = "speed,mixed,threads,processes,memory,start"

# Tokens of 64 texts, as prose and titles have them: 9 to 281, 4718 in all.
MIXED = [
    28, 95, 12, 61, 143, 37, 52, 18, 74, 110, 23, 45, 9, 86, 33, 160,
    57, 41, 102, 20, 69, 281, 15, 48, 127, 30, 79, 55, 11, 92, 38, 118,
    64, 25, 170, 43, 50, 17, 83, 35, 71, 138, 59, 22, 98, 46, 13, 175,
    67, 31, 88, 54, 106, 40, 19, 77, 229, 62, 27, 149, 49, 36, 190, 216,
]
MIXED_ENGINES = ["ours-fp32", "ours-auto", "ours-int8", "ort-plain", "ort-int8", "torch-fp32", "torch-int8",
                 "onednn-fp32", "onednn-int8"]
SCALING_ENGINES = ["ours-fp32", "ours-auto", "ours-int8"]


class Verdicts:
    """Goals, as they are met or missed."""

    def __init__(self):
        self.lines = []
        self.missed = 0

    def add(self, what, value, goal, is_met, unit=""):
        self.missed += not is_met
        self.lines.append((what, "%.2f%s" % (value, unit), goal, "pass" if is_met else "MISS"))

    def print(self):
        print("\n## Goals\n")
        print_table(["what", "measured", "goal", ""], self.lines)


def print_table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def core_lists(threads):
    """The driver's core, and the engines': they share one only if they must."""
    last = (os.cpu_count() or 1) - 1
    return 0, list(range(max(0, last - threads + 1), last + 1))


def rounds_of(rounds, running, *request):
    """Seconds by engine, one number a round; the first round only warms."""
    times = {name: [] for name in running}
    names = list(running)
    for i in range(rounds + 1):
        for name in names[i % len(names):] + names[:i % len(names)]:
            seconds = running[name].ask(*request)
            if i > 0:
                times[name].append(seconds)
    return times


def ratio(times, ours, peers):
    """How much faster the fastest of ours is than the fastest peer."""
    ours = [name for name in ours if name in times]
    peers = [name for name in peers if name in times]
    if not ours or not peers:
        return None
    rounds = range(len(times[ours[0]]))
    best = [min(times[p][i] for p in peers) / min(times[o][i] for o in ours) for i in rounds]
    return statistics.median(best)


def ratios_of(auto):
    """(what, ours, peers, goal of the mean, goal of the worst cell)"""
    sixteen = auto if auto in ("fp16", "bf16") else "auto"
    return [
        ("fp32 / best fp32 peer", ["ours-fp32"], FP32_PEERS, 1.1, 0.97),
        ("%s (auto) / best fp32 peer" % sixteen, ["ours-auto"], FP32_PEERS, 2.0, 1.9),
        ("bf16 / best fp32 peer", ["ours-bf16"], FP32_PEERS, None, None),
        ("fp16 / best fp32 peer", ["ours-fp16"], FP32_PEERS, None, None),
        ("int8 / ONNX Runtime int8", ["ours-int8"], ["ort-int8"], 1.5, 1.3),
        ("int8 / best int8 peer", ["ours-int8"], INT8_PEERS, None, None),
        ("fp32 / oneDNN fp32", ["ours-fp32"], ["onednn-fp32"], None, None),
        ("bf16 / oneDNN bf16", ["ours-bf16"], ["onednn-bf16"], None, None),
        ("auto / best of oneDNN fp32, bf16", ["ours-auto"], ["onednn-fp32", "onednn-bf16"], None, None),
        ("int8 / oneDNN int8", ["ours-int8"], ["onednn-int8"], None, None),
    ]


def measure_speed(options, model, running, verdicts):
    shapes = engines.shapes_of(options.shapes)
    measured = {}
    for shape in shapes:
        measured[shape] = rounds_of(options.rounds, running, "run", *shape, options.seconds)
        print(".", end="", file=sys.stderr, flush=True)
    names = ["%dx%d" % shape for shape in shapes]
    print("\n## %s, %d thread(s): tokens/s, median of %d rounds\n" % (model, options.threads, options.rounds))
    rows = []
    for name, resident in running.items():
        label = name if resident.what in name else "%s (%s)" % (name, resident.what)
        speeds = [b * l / statistics.median(measured[(b, l)][name]) for b, l in shapes]
        rows.append([label] + ["%.0f" % speed for speed in speeds])
    print_table(["engine"] + names, rows)
    print("\nratios, over 1 where ours is faster:\n")
    rows = []
    auto = running["ours-auto"].what.split(",")[0] if "ours-auto" in running else "auto"
    for what, ours, peers, mean_goal, worst_goal in ratios_of(auto):
        found = [ratio(measured[shape], ours, peers) for shape in shapes]
        if None in found:
            continue
        mean, worst = engines.geometric_mean(found), min(found)
        rows.append([what] + ["%.2f" % r for r in found] + ["%.2f" % mean, "%.2f" % worst])
        if mean_goal is not None and options.threads == 1:
            verdicts.add("%s: %s, mean" % (model, what), mean, ">= %.1f" % mean_goal, mean >= mean_goal)
            verdicts.add("%s: %s, worst" % (model, what), worst, ">= %.2f" % worst_goal, worst >= worst_goal)
    print_table(["ratio"] + names + ["mean", "worst"], rows)


def measure_mixed(options, model, running, verdicts):
    running = {name: running[name] for name in MIXED_ENGINES if name in running}
    times = rounds_of(min(options.rounds, 3), running, "mixed", options.seconds, *MIXED)
    print("\n## %s: %d texts of mixed length, %d tokens, each in its best way\n" % (model, len(MIXED), sum(MIXED)))
    rows = []
    for name, seconds in times.items():
        median = statistics.median(seconds)
        rows.append([name, "%.1f" % (len(MIXED) / median), "%.0f" % (sum(MIXED) / median), running[name].way.strip()])
    print_table(["engine", "texts/s", "tokens/s", "way"], rows)
    found = ratio(times, engines.OURS, FP32_PEERS + INT8_PEERS)
    if found is not None and options.threads == 1:
        verdicts.add(model + ": mixed lengths, our fastest / the fastest peer's", found, ">= 1.5", found >= 1.5)
    found = ratio(times, engines.OURS, ONEDNN)
    if found is not None:
        print("\nour fastest / oneDNN's fastest: %.2f" % found)


def two_cores():
    if (os.cpu_count() or 1) < 2:
        print("\nleft out: this needs two cores", file=sys.stderr)
        return False
    return True


SCALING_SHAPES = [(1, 64), (1, 128), (1, 512), (8, 64)]


def print_scaling(model, what, found, verdicts):
    """found: ratios by engine and shape."""
    print("\n## %s: %s\n" % (model, what))
    names = ["%dx%d" % shape for shape in SCALING_SHAPES]
    rows = []
    for name, ratios in found.items():
        mean = engines.geometric_mean(ratios)
        rows.append([name] + ["%.2f" % r for r in ratios] + ["%.2f" % mean])
        verdicts.add("%s: %s, %s" % (model, what, name), mean, ">= 1.7", mean >= 1.7)
    print_table(["engine"] + names + ["mean"], rows)


def measure_threads(options, model, names, verdicts):
    if not two_cores():
        return
    found = {}
    for name in names:
        try:
            running = {"1": Resident(options, name, model, core_lists(1)[1]),
                       "2": Resident(options, name, model, core_lists(2)[1])}
        except engines.EngineError:
            continue
        found[name] = []
        for shape in SCALING_SHAPES:
            times = rounds_of(options.rounds, running, "run", *shape, options.seconds)
            found[name].append(ratio(times, ["2"], ["1"]))
        engines.close_all(running)
    print_scaling(model, "2 threads over 1", found, verdicts)


def measure_processes(options, model, names, verdicts):
    """Texts by two processes at once, each on a core, over those by one alone."""
    if not two_cores():
        return
    found = {}
    for name in names:
        try:
            alone, other = (Resident(options, name, model, [core]) for core in core_lists(2)[1][::-1])
        except engines.EngineError:
            continue
        found[name] = []
        for shape in SCALING_SHAPES:
            # Long enough that both are at work most of the time.
            seconds = max(2 * options.seconds, 4 * alone.ask("run", *shape, 0))
            ratios = []
            for _ in range(options.rounds):
                single = alone.ask("run", *shape, seconds / 2)
                for resident in (alone, other):
                    resident.start("run", *shape, seconds)
                ratios.append(single / alone.finish() + single / other.finish())
            found[name].append(statistics.median(ratios))
        engines.close_all({"1": alone, "2": other})
    print_scaling(model, "2 processes over 1", found, verdicts)


def memory_of(pid, folder):
    """MiB: private memory, and what is mapped of files in folder."""
    private = shared = 0
    is_model = False
    with open("/proc/%d/smaps" % pid, encoding="utf-8", errors="replace") as smaps:
        for line in smaps:
            words = line.split()
            if not words[0].endswith(":"):
                is_model = len(words) > 5 and words[5].startswith(os.path.realpath(folder))
            elif words[0] == "Rss:" and is_model:
                shared += int(words[1]) / 1024
            elif words[0] in ("Private_Clean:", "Private_Dirty:") and not is_model:
                private += int(words[1]) / 1024
    return private, shared


def measure_memory(options, model, names, verdicts):
    """After a text of 512 tokens, and after eight of 128."""
    print("\n## %s: memory, MiB\n" % model)
    rows = []
    for name in names:
        try:
            resident = Resident(options, name, model, core_lists(1)[1])
        except engines.EngineError:
            continue
        resident.ask("run", 1, 512, 0)
        private, shared = memory_of(resident.process.pid, options.folder)
        resident.ask("run", 8, 128, 0)
        later, _ = memory_of(resident.process.pid, options.folder)
        rows.append([name, "%.1f" % private, "%.1f" % later, "%.1f" % shared])
        if name.startswith("ours"):
            verdicts.add("%s: private memory, %s" % (model, name), private, "<= 20 MiB", private <= 20, " MiB")
        resident.close()
    print_table(["engine", "private after 1x512", "and 8x128", "of the model's files"], rows)


def first_answer(options, name, model):
    """Seconds from the start of a program to its first answer."""
    cores = core_lists(1)[1]
    program = os.path.join(options.programs, "inference-engine")
    if not (name.startswith("ours") and os.path.exists(program)):
        resident = Resident(options, name, model, cores)
        resident.ask("run", 1, 16, 0)
        seconds = time.perf_counter() - resident.started
        resident.close()
        return seconds
    arguments = [program, "embed", os.path.join(options.folder, model), "--precision", name.split("-")[1]]
    begin = time.perf_counter()
    process = subprocess.Popen(engines.pinned(cores, arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b"the cat sat on the mat and looked at the dog\n")
    process.stdin.close()
    line = process.stdout.readline()
    seconds = time.perf_counter() - begin
    process.stdout.close()
    process.wait()
    if not line.endswith(b"\n"):
        raise engines.EngineError("%s: no answer" % name)
    return seconds


def measure_start(options, model, names, verdicts):
    print("\n## %s: start to first answer, files warm\n" % model)
    rows = []
    for name in names:
        is_ours = name.startswith("ours")
        try:
            first_answer(options, name, model)
            times = [first_answer(options, name, model) for _ in range(5 if is_ours else 1)]
        except engines.EngineError as error:
            print("left out:", error, file=sys.stderr)
            continue
        median = statistics.median(times)
        rows.append([name, "%.3f" % median])
        if is_ours:
            verdicts.add("%s: start to first answer, %s" % (model, name), median, "<= 0.5 s", median <= 0.5, " s")
    print_table(["engine", "s"], rows)


def describe_machine():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        name = next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), "a CPU")
    print("%s, %d cores, load %.1f before the start" % (name, os.cpu_count() or 1, os.getloadavg()[0]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    engines.add_arguments(parser)
    parser.add_argument("--shapes", default=SHAPES)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.1, help="that an engine runs in a round, or once")
    parser.add_argument("--threads", type=int, default=1, help="of speed and mixed; goals are those of one")
    parser.add_argument("--parts", default=PARTS)
    parser.add_argument("--quick", action="store_true", help="MiniLM, some shapes, few rounds, no more")
    options = parser.parse_args()
    if options.quick:
        parser.set_defaults(rounds=3, models="minilm", shapes="1x16,1x128,8x16,8x64", parts="speed,start")
        options = parser.parse_args()
    parts = options.parts.split(",")
    names = engines.chosen(options)
    scaling = [name for name in SCALING_ENGINES if name in names]
    verdicts = Verdicts()
    describe_machine()
    driver, cores = core_lists(options.threads)
    os.sched_setaffinity(0, {driver})
    for model in options.models.split(","):
        if "speed" in parts or "mixed" in parts:
            running = engines.start_all(options, names, model, cores)
            if "speed" in parts:
                measure_speed(options, model, running, verdicts)
            if "mixed" in parts:
                measure_mixed(options, model, running, verdicts)
            engines.close_all(running)
        if "threads" in parts:
            measure_threads(options, model, scaling, verdicts)
        if "processes" in parts:
            measure_processes(options, model, scaling, verdicts)
        if "memory" in parts:
            measure_memory(options, model, names, verdicts)
        if "start" in parts:
            measure_start(options, model, names, verdicts)
    verdicts.print()
    sys.exit(1 if verdicts.missed else 0)


if __name__ == "__main__":
    main()

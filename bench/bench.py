#!/usr/bin/env python3
"""Measures the extension against bare libcurl, in turn, and prints ratios.

Each round runs the floor and then the extension, case by case, so that a slow
moment of the machine meets both; what is printed are medians over the rounds.
Times are taken around a statement in a warm session.  CPU and memory are those
of the one backend, from /proc; connections and requests are the provider's.

The rows: 10,000 texts of 60 bytes, all different.  The statements return no
vectors to psql, whose output would cost more than the rest; the floor keeps
its vectors, and prints none either.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request

ROWS = 10000
SETTINGS = "SET inference.max_batch_inputs = 64; SET inference.max_concurrent_requests = 16;"
OVER_ROWS = "SELECT count(e) FROM (SELECT inference_embed('{0}', body) AS e FROM docs OFFSET 0) s"


def pin(pid, core):
    """The provider has one core, floor and extension the other, if there are two."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {core})


class Session:
    """A psql that stays, and the backend behind it."""

    def __init__(self, psql, settings=SETTINGS):
        self.process = subprocess.Popen(
            [psql, "-XAtq", "-v", "ON_ERROR_STOP=0", "-f", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.pid = int(self.ask("SELECT pg_backend_pid()"))
        try:
            pin(self.pid, 0)
        except PermissionError:
            pass  # another user's process; the kernel places it
        self.ask(settings)

    def start(self, sql):
        self.process.stdin.write(sql + ";\n\\echo @done\n")
        self.process.stdin.flush()

    def finish(self):
        lines = []
        while (line := self.process.stdout.readline()) != "@done\n":
            if not line:
                sys.exit("bench: psql has gone")
            lines.append(line.rstrip("\n"))
        return "\n".join(lines)

    def ask(self, sql):
        self.start(sql)
        return self.finish()

    def cpu_s(self):
        with open("/proc/%d/stat" % self.pid) as file:
            fields = file.read().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, what):
        with open("/proc/%d/status" % self.pid) as file:
            for line in file:
                if line.startswith(what + ":"):
                    return int(line.split()[1]) / 1024
        return 0

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.provider = subprocess.Popen([arguments.work + "/provider"], stdout=subprocess.PIPE, text=True)
        self.base = "http://127.0.0.1:" + self.provider.stdout.readline().split()[1]
        self.rows = []
        pin(self.provider.pid, 1)
        self.prepare()

    def url(self, dims, latency_ms):
        return "%s/v1/embeddings?dims=%d&latency_ms=%d" % (self.base, dims, latency_ms)

    def prepare(self):
        session = Session(self.arguments.psql)
        sql = ["CREATE EXTENSION inference", "ALTER DATABASE postgres SET inference.allow_private_addresses = on"]
        models = {"m0": (384, 0), "m20": (384, 20), "m100": (384, 100), "w0": (1536, 0), "stalled": (384, 600000)}
        urls = {name: self.url(*shape) for name, shape in models.items()}
        urls["nowhere"] = "http://stalled.test/"
        for name, url in urls.items():
            config = {"service": "openai", "service_settings": {"api_key": "bench", "url": url}}
            sql.append("SELECT inference_put('text_embedding', '%s', '%s') IS NULL" % (name, json.dumps(config)))
        sql.append("SELECT inference_put('text_embedding', 'words', '{\"service\": \"hashing\", \"service_settings\": {\"dimensions\": 1}}') IS NULL")
        sql.append(
            "CREATE TABLE docs AS SELECT i AS id, format('text %%-8s of those that the bench has embedded, again and again', i)"
            " AS body, NULL::real[] AS v FROM generate_series(0, %d - 1) i" % ROWS
        )
        # not compressed: the floor does not unpack its texts either
        sql.append("CREATE TABLE lists (texts text[])")
        sql.append("ALTER TABLE lists ALTER texts SET STORAGE EXTERNAL")
        sql.append("INSERT INTO lists SELECT array_agg(body ORDER BY id) FROM docs WHERE id < 1000")
        sql.append("VACUUM ANALYZE docs")
        for statement in sql:
            session.ask(statement)
        session.close()

    def provider_stats(self, verb="stats"):
        with urllib.request.urlopen("%s/%s" % (self.base, verb)) as answer:
            return json.load(answer)

    def floor(self, dims, latency_ms, texts, batch, in_flight, decoder="base64"):
        command = [self.arguments.work + "/floor", self.url(dims, latency_ms)]
        command += [str(texts), str(batch), str(in_flight), decoder]
        run = subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=lambda: pin(0, 0))
        return json.loads(run.stdout)

    def extension(self, session, sql, texts):
        self.provider_stats("reset")
        cpu = session.cpu_s()
        began = time.monotonic()
        session.ask(sql)
        took = time.monotonic() - began
        stats = self.provider_stats()
        return {
            "texts_per_s": texts / took,
            "requests": stats["requests"],
            "connections": stats["connections"] - 1,  # the one that asks
            "cpu_us_per_text": (session.cpu_s() - cpu) / texts * 1e6,
        }

    def compare(self, name, floor, sql, texts, goal, settings="", reset=None):
        """A case: rounds of floor and extension; a row of the table."""
        floors, ours = [], []
        session = Session(self.arguments.psql, SETTINGS + settings)
        session.ask(sql)  # warm: connections, plan, catalog
        for _ in range(self.arguments.rounds):
            if reset:
                session.ask(reset)
            floors.append(self.floor(*floor))
            ours.append(self.extension(session, sql, texts))
        session.close()
        ratio = statistics.median(o["texts_per_s"] / f["texts_per_s"] for o, f in zip(ours, floors))

        def median(runs, key):
            return statistics.median(run[key] for run in runs)

        self.row(
            name,
            "%s texts/s" % format(round(median(floors, "texts_per_s")), ","),
            "%s texts/s" % format(round(median(ours, "texts_per_s")), ","),
            "%.2f" % ratio,
            goal,
        )
        detail = "  %d requests, %d new connections; CPU per text: floor %.1f us, extension %.1f us" % (
            ours[-1]["requests"],
            ours[-1]["connections"],
            median(floors, "cpu_us_per_text"),
            median(ours, "cpu_us_per_text"),
        )
        print(detail, file=sys.stderr)

    def row(self, *cells):
        self.rows.append(cells)
        print(" | ".join(cells), file=sys.stderr)

    def memory(self):
        floors, ours = [], []
        for _ in range(self.arguments.rounds):
            floors.append(self.floor(1536, 0, 1000, 1000, 1)["peak_rss_mib"])
            session = Session(self.arguments.psql, "SET inference.max_batch_inputs = 0")
            session.ask("SELECT count(embedding) FROM lists, inference_embed_batch('w0', texts)")
            ours.append(session.memory_mib("VmHWM"))
            session.close()
        floor, our = statistics.median(floors), statistics.median(ours)
        self.row("peak RSS, 1,000 texts of 1536 in one array", "%.0f MiB" % floor, "%.0f MiB" % our, "%.2f" % (our / floor), "<= 1.5")

    def growth(self):
        session = Session(self.arguments.psql, "SET inference.batching = off")
        many = "SELECT count(inference_embed('m0', body)) FROM docs"
        session.ask(many)
        before = session.memory_mib("VmRSS")
        for _ in range(10):
            session.ask(many)
        self.row("RSS growth over 100,000 calls", "", "%.2f MiB" % (session.memory_mib("VmRSS") - before), "", "< 1 MiB")
        session.close()

    def connections(self):
        session = Session(self.arguments.psql, "SET inference.batching = off")
        self.provider_stats("reset")
        for i in range(1000):
            session.start("SELECT inference_embed('m0', 'text %d') IS NULL" % i)
            session.finish()
        self.row("new connections for 1,000 calls", "", str(self.provider_stats()["connections"] - 1), "", "1")
        session.close()

    def dispatch(self):
        session = Session(self.arguments.psql, "SET inference.batching = off")
        sql = "SELECT count(inference_embed('words', 'a' || id)) FROM docs"
        empty = "SELECT count('a' || id) FROM docs"
        times = {}
        for statement in (sql, empty):
            session.ask(statement)
            runs = []
            for _ in range(self.arguments.rounds):
                began = time.monotonic()
                session.ask(statement)
                runs.append(time.monotonic() - began)
            times[statement] = statistics.median(runs)
        self.row("model look-up and dispatch, no network", "", "%.1f us" % ((times[sql] - times[empty]) / ROWS * 1e6), "", "< 20 us")
        session.close()

    def cancel(self, model, what):
        session = Session(self.arguments.psql, "SET inference.request_timeout = '10min'; SET inference.connect_timeout = '10min'")
        other = Session(self.arguments.psql)
        waits = []
        for _ in range(self.arguments.cancels):
            session.start("SELECT inference_embed('%s', 'x')" % model)
            while other.ask("SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event_type = 'Extension'" % session.pid) != "1":
                pass
            began = time.monotonic()
            other.start("SELECT pg_cancel_backend(%d)" % session.pid)
            session.finish()
            waits.append((time.monotonic() - began) * 1000)
            other.finish()
        self.row(
            "cancel to prompt, %s stalls: median / worst of %d" % (what, len(waits)),
            "",
            "%.1f / %.1f ms" % (statistics.median(waits), max(waits)),
            "",
            "< 10 / < 100 ms",
        )
        session.close()
        other.close()

    def run(self):
        one_call = "SELECT count(embedding) FROM lists, inference_embed_batch('m0', texts)"
        singly = "SELECT count(inference_embed('m0', body)) FROM docs WHERE id < 1000"
        update = "UPDATE docs SET v = inference_embed('m20', body)"
        self.compare("SELECT over 10,000 rows, 20 ms", (384, 20, ROWS, 64, 16), OVER_ROWS.format("m20"), ROWS, ">= 0.85")
        self.compare("SELECT over 10,000 rows, 100 ms", (384, 100, ROWS, 64, 16), OVER_ROWS.format("m100"), ROWS, ">= 0.9")
        self.compare("1,000 texts in one call, 0 ms", (384, 0, 1000, 1000, 1), one_call, 1000, ">= 0.85", "SET inference.max_batch_inputs = 0")
        self.compare("one text a call, 0 ms", (384, 0, 1000, 1, 1), singly, 1000, ">= 0.85", "SET inference.batching = off")
        self.compare("UPDATE of 10,000 rows, 20 ms", (384, 20, ROWS, 64, 16), update, ROWS, ">= 0.6", "", "VACUUM docs; CHECKPOINT")
        self.memory()
        if self.arguments.long:
            self.growth()
        self.connections()
        self.dispatch()
        self.cancel("stalled", "the service")
        self.cancel("nowhere", "the name server")

    def print_table(self):
        print("| case | libcurl alone | extension | ratio | goal |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--psql", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cancels", type=int, default=100)
    parser.add_argument("--long", action="store_true")
    bench = Bench(parser.parse_args())
    try:
        bench.run()
    finally:
        bench.provider.kill()
    bench.print_table()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""A loopback provider for tests: real wire formats, and faults on request.

    server.py [--port N] [--port-file FILE] [--tls CERT KEY] [--parent-pid PID]
              [--greet]
    server.py --vector TEXT [--dims N]

Prints "PORT <n> CONTROL <m>" when it listens; the second port speaks without
TLS, and is meant for control.  Paths: see formats.ROUTES.  Query parameters of
any path:

    dims=N          width of dense vectors (default 8)
    base64          OpenAI: embeddings as base64, asked or not
    encoding=KIND   OpenAI: what that is of: order of bytes and type as in
                    struct (default <f); b: one byte for each number
    shape=object    Hugging Face: {"embeddings": ...}
    truncated=1     Elasticsearch: is_truncated
    auth=required   Elasticsearch: a key is needed
    scale=X         OpenAI: base64 is of vectors that are so much longer
    key=HEADER      OpenAI: the key comes in that header, without a scheme
    says=N TEXT     status and message of the fault too_long
    fault=A[:X];B   misbehave: see faults.py
    times=N&id=K    only the first N requests counted under K misbehave
    after=N&id=K    only those after the first N do

Control, not counted: GET /_control/stats, POST /_control/reset (counters),
POST /_control/release (stalled requests, and answers that are held back),
POST /_control/dims?n=N (default width from now on),
GET /_control/last?n=K (requests), GET /_control/wait?stalled=N&requests=N&
timeout_ms=M (until both hold; 504).  With --greet each connection begins with
an answer, before any request.
"""

import argparse
import email.utils
import gzip
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import faults  # noqa: E402
import formats  # noqa: E402

CHUNK = b'[0.125, 0.25, 0.5], ' * 3200


class State:
    """What all connections share; changed is notified of every change."""

    def __init__(self):
        self.changed = threading.Condition()
        self.open_connections = 0
        self.stalled = 0
        self.holding = 0  # connections that hold an unasked answer back
        self.releases = 0
        self.reset()

    def reset(self):
        self.requests = 0
        self.connections = 0
        self.resumed = 0  # connections that took up an earlier TLS session
        self.unasked = 0  # answers sent without a request
        self.inputs = 0
        self.max_inputs_per_request = 0
        self.active = 0
        self.max_concurrent = 0
        self.by_path = {}
        self.log = []
        self.fault_counts = {}

    def stats(self):
        keys = (
            "requests connections resumed open_connections stalled holding unasked inputs "
            "max_inputs_per_request max_concurrent by_path"
        ).split()
        return {key: getattr(self, key) for key in keys}

    def note_request(self, entry):
        with self.changed:
            self.requests += 1
            self.active += 1
            self.max_concurrent = max(self.max_concurrent, self.active)
            self.by_path[entry["path"]] = self.by_path.get(entry["path"], 0) + 1
            self.log = self.log[-999:] + [entry]
            self.changed.notify_all()

    def note_inputs(self, n):
        with self.changed:
            self.inputs += n
            self.max_inputs_per_request = max(self.max_inputs_per_request, n)

    def may_misbehave(self, query):
        """Whether the counter id has not yet reached times, or is beyond after."""
        if "times" in query:
            return self.count_fault(query.get("id", "")) <= int(query["times"])
        if "after" in query:
            return self.count_fault(query.get("id", "")) > int(query["after"])
        return True

    def count_fault(self, name):
        with self.changed:
            self.fault_counts[name] = self.fault_counts.get(name, 0) + 1
            return self.fault_counts[name]

    def wait(self, wanted, timeout):
        with self.changed:
            return self.changed.wait_for(
                lambda: all(getattr(self, key) == value for key, value in wanted.items()), timeout
            )


STATE = State()
SERIAL = threading.Lock()  # of a server that works through its requests one by one


class HangUp(Exception):
    """Ends the connection without another byte."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    # ---- connections ----

    connection_id = None  # until its first request that is no control

    def count_connection(self):
        if self.connection_id is not None:
            return
        with STATE.changed:
            STATE.connections += 1
            STATE.open_connections += 1
            STATE.resumed += bool(getattr(self.connection, "session_reused", False))
            self.connection_id = STATE.connections

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass
        if self.connection_id is not None:
            with STATE.changed:
                STATE.open_connections -= 1
                STATE.changed.notify_all()

    def handle(self):
        try:
            if self.server.greeting:
                self.wfile.write(self.server.greeting)
                self.wfile.flush()
            super().handle()
        except (HangUp, OSError):
            self.close_connection = True

    def log_message(self, *arguments):
        pass

    # ---- requests ----

    def do_GET(self):
        self.dispatch()

    def do_POST(self):
        self.dispatch()

    def dispatch(self):
        url = urllib.parse.urlsplit(self.path)
        query = {}
        for key, value in urllib.parse.parse_qsl(
            url.query, keep_blank_values=True, separator="&"
        ):
            query[key] = value
        if url.path.startswith("/_control/"):
            self.read_body()
            self.control(url.path[len("/_control/"):], query)
            return
        self.count_connection()
        headers = {key.lower(): value for key, value in self.headers.items()}
        active = faults.parse(query.get("fault", ""))
        if active and not STATE.may_misbehave(query):
            active = {}
        early = active is not None and "early_answer" in active
        raw = b"" if early else self.read_body()
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = raw.decode("utf-8", "replace")
        STATE.note_request(
            {
                "method": self.command,
                "path": url.path,
                "query": query,
                "headers": headers,
                "body": body,
                "raw": raw.decode("utf-8", "replace"),
                "connection_id": self.connection_id,
            }
        )
        try:
            self.answer(formats.Call(url.path, query, headers, body), active)
        finally:
            with STATE.changed:
                STATE.active -= 1

    def read_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, call, active):
        provider = formats.provider_of(call.path)
        if active is None:
            self.send_json(599, {"error": "unknown fault in " + call.query["fault"]})
        elif provider is None:
            self.send_json(404, {"error": "no such path"})
        else:
            self.misbehave_before(active)
            self.answer_call(provider, call, active)

    def answer_call(self, provider, call, active):
        try:
            if not isinstance(call.body, dict):
                raise formats.Rejected(400, "the body is not a JSON object")
            if "early_answer" not in active:
                provider.read(call)
            STATE.note_inputs(len(call.inputs))
            self.reject_on_request(call, active)
        except formats.Rejected as rejected:
            self.send_error_of(provider, rejected, active)
            return
        faults.change_results(active, call)
        value = provider.write(call)
        if "error_200" in active:
            value = provider.error(200, "something went wrong")
        body = faults.change_body(active, formats.encode(value))
        if "unasked" in active:
            self.send_unasked(active["unasked"], body, self.unasked_body(provider, call), active)
        else:
            self.send_answer(body, provider, active)

    # ---- faults ----

    def send_error_of(self, provider, rejected, active):
        message = rejected.message
        extra = self.extra_headers(active)
        if "echo_plain" in active:
            self.send_body(rejected.status, message.encode(), "text/plain; charset=utf-8", extra)
            return
        value = provider.error(rejected.status, message)
        if "error_shape" in active:
            value = faults.ERROR_SHAPES[active["error_shape"]](message)
        elif "loading" in active:
            value = {"error": message, "estimated_time": float(active["loading"])}
        elif "quota" in active:
            value["error"].update({"type": "insufficient_quota", "code": "insufficient_quota"})
        body = faults.change_body(active, formats.encode(value))
        self.send_body(rejected.status, body, "application/json", extra)

    def reject_on_request(self, call, active):
        if "status" in active:
            raise formats.Rejected(int(active["status"]), "mock says %s" % active["status"])
        if "echo_key" in active:
            header = call.query.get("key", "authorization")
            text = faults.key_in_many_forms(call.headers.get(header, ""))
            raise formats.Rejected(int(active["echo_key"]), text)
        if "echo_plain" in active:
            start = "no access with this key: ".rjust(int(active["echo_plain"]), ".")
            key = call.headers.get("authorization", "").partition(" ")[2]
            raise formats.Rejected(400, start + key + " is not known here")
        if "loading" in active:
            raise formats.Rejected(503, "Model mock is currently loading")
        if "quota" in active:
            raise formats.Rejected(429, "You exceeded your current quota")
        if "echo_input" in active:
            raise formats.Rejected(400, "cannot embed: " + call.inputs[0])
        if "sometimes" in active:
            status, _, every = active["sometimes"].partition(":")
            if STATE.count_fault("sometimes") % int(every) == 1:
                raise formats.Rejected(int(status), "mock says %s" % status)
        if "breaks" in active and any(active["breaks"] in text for text in call.inputs):
            raise formats.Rejected(500, "the model does not like it")
        if "serial" in active:
            with SERIAL:
                time.sleep(int(active["serial"]) * len(call.inputs) / 1000)
        if "poison" in active and any(active["poison"] in text for text in call.inputs):
            raise formats.Rejected(400, "one input is not acceptable")
        if "no_encodings" in active and "encoding_format" in call.body:
            raise formats.Rejected(int(active["no_encodings"] or 400), "unknown argument")
        if "limit" in active and len(call.inputs) > int(active["limit"]):
            raise formats.Rejected(413, "too many inputs")
        if "too_long" in active and max(map(len, call.inputs)) > int(active["too_long"]):
            status, _, words = call.query.get("says", "413 too many tokens").partition(" ")
            raise formats.Rejected(int(status), words)

    def misbehave_before(self, active):
        if "slow" in active:
            time.sleep(int(active["slow"]) / 1000)
        if "stall_headers" in active:
            self.stall()
        if "reset" in active:
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self.connection.close()
            raise HangUp
        if "close" in active:
            raise HangUp
        if "not_http" in active:
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
            self.wfile.flush()
            raise HangUp

    def stall(self):
        """Waits until the client hangs up or the test lets go."""
        with STATE.changed:
            STATE.stalled += 1
            releases = STATE.releases
            STATE.changed.notify_all()
        try:
            while STATE.releases == releases:
                readable, _, _ = select.select([self.connection], [], [], 0.02)
                if readable and not self.connection.recv(1):
                    break
        except OSError:
            pass
        with STATE.changed:
            STATE.stalled -= 1
            STATE.changed.notify_all()
        raise HangUp

    def hold(self):
        """Waits until the test lets go, whatever the client does meanwhile."""
        with STATE.changed:
            STATE.holding += 1
            releases = STATE.releases
            STATE.changed.notify_all()
            STATE.changed.wait_for(lambda: STATE.releases != releases)
            STATE.holding -= 1

    def extra_headers(self, active):
        extra = {}
        if "retry_after" in active:
            when = active["retry_after"]
            if when == "httpdate":
                when = email.utils.formatdate(time.time() + 1, usegmt=True)
            extra["Retry-After"] = when
        if "ratelimit_reset" in active:
            extra["x-ratelimit-reset-requests"] = active["ratelimit_reset"]
        return extra

    # ---- answers ----

    def send_answer(self, body, provider, active):
        extra = {**provider.headers, **self.extra_headers(active)}
        content_type = "application/json"
        if active.get("content_type") == "html":
            content_type, body = "text/html", b"<html><body>Welcome to nginx</body></html>"
        elif active.get("content_type") == "none":
            content_type = None
        if "redirect" in active:
            host = self.headers.get("Host", "localhost")
            extra["Location"] = "http://%s/stolen" % host
            self.send_body(int(active["redirect"]), b"", None, extra)
        elif "giant" in active or "giant_length" in active:
            self.send_giant(active)
        elif "gzip" in active:
            extra["Content-Encoding"] = "gzip"
            self.send_body(200, gzip.compress(body), content_type, extra)
        elif "chunked" in active or "no_body" in active:
            self.wfile.write(self.answer_bytes(body, active))
            self.wfile.flush()
        elif "stall_body" in active:
            self.send_start(200, len(body), content_type, extra)
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.stall()
        elif "cut_body" in active:
            self.send_start(200, len(body) + 100, content_type, extra)
            self.wfile.write(body)
            self.wfile.flush()
            raise HangUp
        elif "no_length" in active:
            self.send_start(200, None, content_type, extra)
            self.wfile.write(body)
            self.wfile.flush()
            raise HangUp
        else:
            self.send_body(200, body, content_type, extra)
        if "close_idle" in active or "early_answer" in active:
            raise HangUp

    @staticmethod
    def unasked_body(provider, call):
        """The right answer to a request of as many texts, which nobody sent."""
        texts = ["nobody asked for this"] * len(call.inputs)
        other = formats.Call(call.path, call.query, call.headers, dict(call.body))
        other.body["input" if "input" in call.body else "inputs"] = texts
        provider.read(other)
        return formats.encode(provider.write(other))

    @staticmethod
    def answer_bytes(body, active=()):
        """A whole answer of status 200 as it travels."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        if "no_body" in active:
            status = active["no_body"].encode()
            return b"HTTP/1.1 %s Empty\r\nContent-Length: 0\r\n\r\n" % status
        if "chunked" not in active and "both_lengths" not in active:
            return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        if "both_lengths" in active:
            head += b"Content-Length: 5\r\n"
        middle = len(body) // 2
        pieces = b"".join(
            b"%x;name=value\r\n%s\r\n" % (len(piece), piece)
            for piece in (body[:middle], body[middle:])
        )
        head += b"Transfer-Encoding: chunked\r\n\r\n"
        return head + pieces + b"0\r\nX-Trailer: 1\r\n\r\n"

    def send_unasked(self, how, body, other, active):
        """An answer and another, behind it, at once or when the test says so.

        behind: in one piece; apart: the first one's body and the second in a
        piece; half, later: half of the second, or all, when released.
        """
        first = self.answer_bytes(body, active)
        second = self.answer_bytes(other, active if "no_body" not in active else ())
        start = first.index(b"\r\n\r\n") + 4
        held = {"half": len(second) // 2, "later": 0}.get(how, len(second))
        pieces = [first + second[:held], second[held:]]
        if how == "apart":
            pieces = [first[:start], first[start:] + second]
        try:
            for piece in filter(None, pieces):
                if held < len(second) and piece is pieces[1]:
                    self.hold()
                self.wfile.write(piece)
                self.wfile.flush()
        finally:  # the client may have hung up, as it should
            with STATE.changed:
                STATE.unasked += 1
                STATE.changed.notify_all()

    def send_giant(self, active):
        chunked = "giant" in active
        total = int(active.get("giant") or active.get("giant_length"))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(total))
        self.end_headers()
        sent = 0
        while sent < total:
            piece = (b"[" if sent == 0 else b"") + CHUNK
            piece = piece[: total - sent]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            sent += len(piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def send_start(self, status, length, content_type, extra):
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in extra.items():
            self.send_header(key, value)
        self.end_headers()

    def send_body(self, status, body, content_type, extra):
        self.send_start(status, len(body), content_type, extra)
        self.wfile.write(body)
        self.wfile.flush()

    def send_json(self, status, value, extra=None):
        self.send_body(status, formats.encode(value), "application/json", extra or {})

    # ---- control ----

    def control(self, verb, query):
        if verb == "stats":
            with STATE.changed:
                value = STATE.stats()
                self.send_json(200, value)
        elif verb == "reset":
            with STATE.changed:
                STATE.reset()
            self.send_json(200, {})
        elif verb == "release":
            with STATE.changed:
                STATE.releases += 1
                STATE.changed.notify_all()
            self.send_json(200, {})
        elif verb == "dims":
            formats.default_dimensions = int(query["n"])
            self.send_json(200, {})
        elif verb == "last":
            with STATE.changed:
                self.send_json(200, STATE.log[-int(query.get("n", 1)):])
        elif verb == "wait":
            timeout = int(query.pop("timeout_ms", 10000)) / 1000
            wanted = {key: int(value) for key, value in query.items()}
            self.send_json(200 if STATE.wait(wanted, timeout) else 504, STATE.stats())
        else:
            self.send_json(404, {"error": "no such control"})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    greeting = b""  # what a connection begins with

    def handle_error(self, request, client_address):
        pass


def watch_parent(pid):
    """Ends the process when whoever started it is gone."""
    while True:
        time.sleep(0.5)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            os._exit(0)
        except PermissionError:
            pass


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--parent-pid", type=int)
    parser.add_argument("--greet", action="store_true")
    parser.add_argument("--vector")
    parser.add_argument("--dims", type=int, default=formats.default_dimensions)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if arguments.vector is not None:
        print(json.dumps(formats.dense_vector(arguments.vector, arguments.dims)))
        return
    formats.default_dimensions = arguments.dims
    server = Server((arguments.host, arguments.port), Handler)
    if arguments.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    if arguments.greet:
        call = formats.Call("", {}, {}, {})
        call.results = [formats.dense_vector("nobody asked for this", arguments.dims)]
        server.greeting = Handler.answer_bytes(formats.encode(formats.OpenAI.write(call)))
    if arguments.parent_pid:
        threading.Thread(target=watch_parent, args=(arguments.parent_pid,), daemon=True).start()
    port = server.server_address[1]
    if arguments.port_file:
        with open(arguments.port_file + ".new", "w") as file:
            file.write("%d\n" % port)
        os.rename(arguments.port_file + ".new", arguments.port_file)
    control = Server((arguments.host, 0), Handler)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    print("PORT %d CONTROL %d" % (port, control.server_address[1]), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

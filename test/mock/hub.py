#!/usr/bin/python3
"""A loopback hub of models for tests: what the real one speaks, and faults.

    hub.py FOLDER [--tls CERT KEY] [--port-file FILE] [--parent-pid PID]

FOLDER/owner/name is a repository.  Prints "PORT <n> CONTROL <m>" when it
listens; the second port speaks without TLS.  As the real hub does, it sends large files (weights) to another
address, the storage, and small ones to another path of its own.  It has the
revisions main, refs/pr/1, and a commit; everybody may read, unless a rule says
otherwise.

Control, not in the log:

    GET /_control/log       requests since the last reset
    POST /_control/reset    forgets requests and rules
    POST /_control/rule     adds a rule: the body is an object

A rule holds for requests whose server ("hub" or "storage") and path (a part of
it) are the rule's, where it has them, and for the first "times" of those.  What
it can say, at most one of the first group:

    status, headers         the answer, without a body
    redirect                Location; "HUB" and "STORAGE" in it are origins
    body                    the whole body; with "repeat", so many times

    token                   401 for whoever does not send this one
    gated                   403 and GatedRepo for everybody
    cut                     hangs up after so many bytes of the body
    flip                    the byte at this place is another one
    append                  bytes behind the end
    no_range                answers to Range with all of it
    refuse_range            answers to Range with 416
    wrong_range             answers to Range with other bytes
    set, add, change        of a listing: members; siblings more; members of
                            siblings by their names, null to take one away
"""

import argparse
import hashlib
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REVISIONS = ("main", "refs/pr/1")


class State:
    """What all connections share."""

    def __init__(self):
        self.lock = threading.Lock()
        self.folder = None
        self.origins = {}
        self.reset()

    def reset(self):
        self.log = []
        self.rules = []

    def rules_for(self, server, path):
        """What the rules say of this request, put together."""
        said = {}
        with self.lock:
            for rule in self.rules:
                if rule.get("server", server) != server or rule.get("path", "") not in path:
                    continue
                if rule.get("times", 1) > 0:
                    said.update(rule)
                if "times" in rule:
                    rule["times"] -= 1
        return said


STATE = State()


class HangUp(Exception):
    """Ends the connection without another byte."""


def commit_of(repository):
    return hashlib.sha1(repository.encode()).hexdigest()


def is_large(name):
    return name.endswith((".safetensors", ".bin"))


def names_of(folder):
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            yield os.path.relpath(os.path.join(path, name), folder)


def sibling_of(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        content = file.read()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    sibling = {"rfilename": name, "size": len(content), "blobId": blob}
    if is_large(name):
        digest = hashlib.sha256(content).hexdigest()
        sibling["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
        sibling["blobId"] = hashlib.sha1(b"pointer " + digest.encode()).hexdigest()
    return sibling


def listing_of(repository, rules):
    folder = os.path.join(STATE.folder, repository)
    siblings = [sibling_of(folder, name) for name in names_of(folder)] + rules.get("add", [])
    for sibling in siblings:
        for key, value in rules.get("change", {}).get(sibling["rfilename"], {}).items():
            if value is None:
                sibling.pop(key, None)
            else:
                sibling[key] = value
    listing = {
        "_id": "621ffdc136468d709f17e1b4",
        "id": repository,
        "private": False,
        "gated": False,
        "sha": commit_of(repository),
        "tags": ["sentence-similarity", "license:apache-2.0"],
        "cardData": {"license": "apache-2.0", "language": "en"},
        "siblings": siblings,
    }
    listing.update(rules.get("set", {}))
    return json.dumps(listing).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def handle(self):
        try:
            super().handle()
        except (HangUp, OSError):
            self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with STATE.lock:
            if self.path == "/_control/reset":
                STATE.reset()
            elif self.path == "/_control/rule":
                STATE.rules.append(json.loads(body))
        self.send(200, b"{}")

    def do_GET(self):
        if self.path == "/_control/log":
            with STATE.lock:
                body = json.dumps(STATE.log).encode()
            self.send(200, body)
            return
        with STATE.lock:
            STATE.log.append(
                {
                    "server": self.server.name,
                    "path": self.path,
                    "authorization": self.headers.get("Authorization"),
                    "range": self.headers.get("Range"),
                    "agent": self.headers.get("User-Agent"),
                }
            )
        rules = STATE.rules_for(self.server.name, self.path)
        if not self.answer_by_rule(rules):
            self.answer(urllib.parse.urlsplit(self.path), rules)

    # ---- rules ----

    def answer_by_rule(self, rules):
        if "status" in rules:
            self.send(rules["status"], b"", rules.get("headers", {}))
        elif "redirect" in rules:
            location = rules["redirect"]
            for name, origin in STATE.origins.items():
                location = location.replace(name.upper(), origin)
            self.send(302, b"elsewhere", {"Location": location})
        elif "body" in rules:
            self.send(200, rules["body"].encode() * rules.get("repeat", 1))
        elif "gated" in rules:
            self.send(403, b"", {"X-Error-Code": "GatedRepo"})
        elif "token" in rules and self.headers.get("Authorization") != "Bearer " + rules["token"]:
            self.send(401, b"", {"X-Error-Code": "RepoNotFound"})
        else:
            return False
        return True

    # ---- the hub, and its storage ----

    def answer(self, url, rules):
        path = url.path
        if self.server.name == "storage":
            _, _, owner, name, file = path.split("/", 4)
            self.send_file(owner + "/" + name, urllib.parse.unquote(file), rules)
        elif path.startswith("/api/models/") and "/revision/" in path:
            repository, revision = path[len("/api/models/"):].split("/revision/")
            self.send_listing(repository, urllib.parse.unquote(revision), url.query, rules)
        elif path.startswith("/api/resolve-cache/"):
            _, _, _, owner, name, file = path.split("/", 5)
            self.send_file(owner + "/" + name, urllib.parse.unquote(file), rules)
        elif "/resolve/" in path:
            repository, rest = path[1:].split("/resolve/")
            self.redirect(repository, *rest.split("/", 1))
        else:
            self.send(404)

    def send_listing(self, repository, revision, query, rules):
        if not os.path.isdir(os.path.join(STATE.folder, repository)) or "blobs=true" not in query:
            known = self.headers.get("Authorization")
            self.send(404 if known else 401, b"", {"X-Error-Code": "RepoNotFound"})
        elif revision not in REVISIONS and revision != commit_of(repository):
            self.send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            self.send(200, listing_of(repository, rules))

    def redirect(self, repository, commit, file):
        if commit != commit_of(repository):
            self.send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif is_large(file):
            location = "%s/blob/%s/%s?signature=abc%%2F1" % (STATE.origins["storage"], repository, file)
            self.send(302, b"elsewhere", {"Location": location})
        else:
            self.send(307, b"elsewhere", {"Location": "/api/resolve-cache/%s/%s" % (repository, file)})

    def send_file(self, repository, file, rules):
        path = os.path.join(STATE.folder, repository, file)
        if not os.path.isfile(path):
            self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        with open(path, "rb") as opened:
            content = bytearray(opened.read())
        if "flip" in rules:
            content[rules["flip"]] ^= 1
        content += rules.get("append", "").encode()
        wanted = self.headers.get("Range")
        if not wanted or "no_range" in rules:
            self.send(200, content, {}, rules.get("cut"))
            return
        begin = int(wanted[len("bytes="):].split("-")[0])
        if "refuse_range" in rules or begin >= len(content):
            self.send(416)
            return
        if "wrong_range" in rules:
            begin = 0
        place = "bytes %d-%d/%d" % (begin, len(content) - 1, len(content))
        self.send(206, content[begin:], {"Content-Range": place}, rules.get("cut"))

    def send(self, status, body=b"", headers=None, cut=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        self.wfile.flush()
        if cut is not None and cut < len(body):
            raise HangUp


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, name, tls):
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        STATE.origins[name] = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.server_port)

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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--port-file")
    parser.add_argument("--parent-pid", type=int)
    arguments = parser.parse_args()
    STATE.folder = arguments.folder
    hub = Server("hub", arguments.tls)
    storage = Server("storage", arguments.tls)
    threading.Thread(target=storage.serve_forever, daemon=True).start()
    if arguments.parent_pid:
        threading.Thread(target=watch_parent, args=(arguments.parent_pid,), daemon=True).start()
    control = Server("control", None)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    line = "PORT %d CONTROL %d" % (hub.server_port, control.server_port)
    if arguments.port_file:
        with open(arguments.port_file + ".new", "w") as file:
            file.write(line + "\n")
        os.rename(arguments.port_file + ".new", arguments.port_file)
    print(line, flush=True)
    hub.serve_forever()


if __name__ == "__main__":
    sys.exit(main())

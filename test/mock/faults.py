"""Misbehaviour on request: the query parameter fault=NAME[:ARGUMENT][;...].

Faults of the answer's content change the results before they are written
(RESULT_FAULTS) or the bytes after (BODY_FAULTS); faults of the transport
decide how the bytes are sent (server.py).  An unknown name gives status 599,
so that a typo cannot pass for a working test.
"""

import base64
import re
import urllib.parse

TRANSPORT_FAULTS = {
    "status",  # N: that status, with the provider's error body
    "retry_after",  # N seconds, or "httpdate" for one second from now
    "ratelimit_reset",  # TEXT: x-ratelimit-reset-requests
    "stall_headers",  # read the request, then send nothing
    "stall_body",  # headers and half the body, then nothing
    "cut_body",  # less than Content-Length says, then close
    "close",  # close without an answer
    "reset",  # the same with RST
    "close_idle",  # answer, then close without saying so
    "unasked",  # HOW: a second answer, to nobody's request: see send_unasked
    "chunked",  # the body in chunks
    "both_lengths",  # chunks, and a Content-Length that says otherwise
    "no_body",  # N: that status, and no body
    "no_length",  # no Content-Length; the end is the close
    "not_http",  # bytes that are no HTTP
    "early_answer",  # answer before the body is read
    "slow",  # N ms before the answer
    "giant",  # N bytes of JSON, chunked
    "giant_length",  # N bytes of JSON, announced
    "redirect",  # N: that status, to /stolen
    "gzip",  # a compressed answer, unasked
    "content_type",  # html: a page; none: no header
    "echo_key",  # N: that status, quoting the key in many forms
    "echo_plain",  # N: status 400, plain text that quotes the key from byte N on
    "error_shape",  # NAME: the error's text is where ERROR_SHAPES has it
    "loading",  # S: status 503, the model is loaded in S seconds
    "quota",  # status 429, and for good
    "echo_input",  # status 400, quoting the first input
    "error_200",  # status 200, an error in the body
    "poison",  # WORD: status 400 if an input holds it
    "breaks",  # WORD: status 500 if an input holds it
    "sometimes",  # STATUS:N: that status for each N-th request, the first included
    "serial",  # N ms a text, one request after the other
    "no_encodings",  # [STATUS]: that, or 400, if encoding_format is asked for
    "limit",  # N: status 413 for more inputs
    "too_long",  # N: status 413 if an input has more characters
    "dims_ignored",  # answers with its own width
}


def shuffle(call, argument):
    n = len(call.results)
    call.indexes = list(range(n))[::-1]
    call.results = call.results[::-1]


def index_same(call, argument):
    call.indexes = [0] * len(call.results)


def index_from(call, argument):
    call.indexes = [i + int(argument) for i in range(len(call.results))]


def index_gap(call, argument):
    call.indexes = [i + (i > 0) for i in range(len(call.results))]


def index_twice(call, argument):
    call.indexes = [max(i, 1) for i in range(len(call.results))]


def index_missing(call, argument):
    call.indexes = [i or None for i in range(len(call.results))]


def base64_none(call, argument):
    """What is asked for as base64 is missing: "list" is empty, "null" or "empty" vectors."""
    if call.body.get("encoding_format") == "base64":
        missing = {"list": [], "null": [None], "empty": [[]]}[argument]
        call.results = missing * len(call.results)


def count(call, argument):
    n = int(argument)
    call.results = call.results[:n] if n < 0 else call.results + call.results[:n]


def width(call, argument):
    call.results[-1] = call.results[-1][:-1]


def replace_first(value):
    """Puts a mark in place of the first number; BODY_FAULTS turn it into value."""

    def fault(call, argument):
        first = call.results[0]
        if isinstance(first, dict):
            first[next(iter(first))] = value
        else:
            call.results[0] = [value] + first[1:]

    return fault


def key_token(call, argument):
    """A token that quotes the key behind N bytes, with a weight that is none."""
    key = call.headers.get("authorization", "").rpartition(" ")[2]
    call.results[0] = {"." * int(argument) + key: "heavy"}


RESULT_FAULTS = {
    "key_token": key_token,
    "shuffle": shuffle,
    "index_same": index_same,
    "index_from": index_from,
    "index_gap": index_gap,
    "index_twice": index_twice,
    "index_missing": index_missing,
    "base64_none": base64_none,
    "count": count,
    "width": width,
    "nan": replace_first("@NaN@"),
    "infinity": replace_first("@Infinity@"),
    "huge_number": replace_first("@1e999@"),
    "big_number": replace_first("@1e39@"),
    "null_value": replace_first(None),
    "string_value": replace_first("0.5"),
}


def in_first_string(insert):
    """Inserts bytes after the first quote of the body."""

    def fault(body, argument):
        return body.replace(b'"', b'"' + insert, 1)

    return fault


BODY_FAULTS = {
    "half_json": lambda body, argument: body[: len(body) // 2],
    "empty": lambda body, argument: b"",
    "byte_order_mark": lambda body, argument: b"\xef\xbb\xbf" + body,
    "invalid_utf8": in_first_string(b"\xc3\x28"),
    "nul_token": in_first_string(b"a\\u0000b"),
    "lone_surrogate": in_first_string(b"\\ud800"),
    "duplicate_key": lambda body, argument: body.replace(b"{", b'{"data": [], ', 1),
    "deep": lambda body, argument: b'{"x": ' + b"[" * int(argument) + b"]" * int(argument) + b"}",
}

# Where services and gateways put what went wrong.
ERROR_SHAPES = {
    "fastapi": lambda m: {"detail": [{"loc": ["body"], "msg": m, "type": "value_error"}]},
    "detail": lambda m: {"detail": m},
    "list": lambda m: [m],
    "error_list": lambda m: {"error": [m, "another"]},
    "errors": lambda m: {"errors": [{"code": 7, "message": m}], "success": False},
    "list_of_errors": lambda m: [{"error": {"code": 400, "message": m, "status": "INVALID"}}],
    "nested": lambda m: {"object": "error", "message": {"detail": [{"msg": m}]}},
    "fault": lambda m: {"fault": {"faultstring": m, "detail": {"errorcode": "x.y"}}},
    "oauth": lambda m: {"error": "invalid_client", "error_description": m},
    "inner": lambda m: {"error": {"code": "BadRequest", "message": m, "innererror": {"code": "x"}}},
    "aws": lambda m: {"__type": "ValidationException", "Message": m},
    "problem": lambda m: {"type": "about:blank", "title": "Bad Request", "detail": m},
    "fields": lambda m: {"title": "One or more errors", "errors": {"input": [m]}, "status": 400},
    "spring": lambda m: {"status": 400, "error": "Bad Request", "message": m, "path": "/"},
    "reason": lambda m: {"error": {"type": "x", "reason": m, "root_cause": []}, "status": 400},
    "string": lambda m: m,
    "other_name": lambda m: {"error": {"wording": {"en": m}}},
}

KNOWN = set(TRANSPORT_FAULTS) | set(RESULT_FAULTS) | set(BODY_FAULTS)


def parse(text):
    """The faults of a query as {name: argument}; None if one is unknown."""
    faults = {}
    for part in filter(None, text.split(";")):
        name, _, argument = part.partition(":")
        if name not in KNOWN:
            return None
        faults[name] = argument
    return faults


def change_results(faults, call):
    for name, argument in faults.items():
        if name in RESULT_FAULTS:
            RESULT_FAULTS[name](call, argument)


def change_body(faults, body):
    body = re.sub(rb'"@([^@"]+)@"', rb"\1", body)
    for name, argument in faults.items():
        if name in BODY_FAULTS:
            body = BODY_FAULTS[name](body, argument)
    return body


def key_in_many_forms(authorization):
    key = authorization.rpartition(" ")[2]
    return "key %s, header %s, url %s, base64 %s %s %s, hex %s %s, cut %s %s, masked %s" % (
        key,
        authorization,
        urllib.parse.quote(key, safe=""),
        base64.b64encode(key.encode()).decode(),
        base64.b64encode(authorization.encode()).decode(),
        base64.urlsafe_b64encode(("user:" + key).encode()).decode().rstrip("="),
        key.encode().hex(),
        key.encode().hex().upper(),
        key[1:],
        key[:-1],
        key[:4] + "*" * 8 + key[-4:],
    )

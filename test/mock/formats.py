"""Wire formats of the providers, and the vectors that they answer with.

Vectors depend on the text alone, so a test can compute what an answer must
be.  Dense values are multiples of 2**-20, which float32 and short decimal
text both hold exactly.
"""

import base64
import hashlib
import json
import re
import struct
import zlib

default_dimensions = 8


class Rejected(Exception):
    """A request that the provider refuses: status and message."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


def dense_vector(text, dims):
    """About unit length; another text gives another vector."""
    raw = []
    block = 0
    while len(raw) < dims:
        digest = hashlib.sha256(b"%d:" % block + text.encode("utf-8", "surrogatepass")).digest()
        raw.extend(value - 127.5 for value in digest)
        block += 1
    raw = raw[:dims]
    norm = sum(value * value for value in raw) ** 0.5
    return [round(value / norm * 2**20) / 2**20 for value in raw]


def sparse_tokens(text):
    """A weight for each lower-cased word; equal for equal words and counts."""
    counts = {}
    for word in re.findall(r"\w+", text.lower()):
        counts[word] = counts.get(word, 0) + 1
    return {
        word: count * (1 + zlib.crc32(word.encode()) % 64) / 64
        for word, count in counts.items()
    }


def token_id(word):
    return zlib.crc32(word.encode()) % 30522


def to_base64(vector, kind):
    """kind: of struct, with the order of bytes before it; b: one byte for each number."""
    if kind == "b":
        vector = [round(value * 127) for value in vector]
    return base64.b64encode(struct.pack("%s%d%s" % (kind[:-1], len(vector), kind[-1]), *vector)).decode()


class Call:
    """A request as a provider sees it, and the results it will answer with."""

    def __init__(self, path, query, headers, body):
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.inputs = []
        self.results = []
        self.indexes = None  # of OpenAI's data; None: 0, 1, 2, ...

    def dims(self, asked=None):
        if asked is not None and "dims_ignored" not in self.query.get("fault", ""):
            return asked
        return int(self.query.get("dims", default_dimensions))

    def take_inputs(self, value, may_be_string=True):
        if isinstance(value, str) and may_be_string:
            value = [value]
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise Rejected(400, "inputs must be strings")
        self.inputs = value


class OpenAI:
    """POST /v1/embeddings"""

    keys = {"input", "model", "user", "dimensions", "encoding_format"}

    @staticmethod
    def error(status, message):
        return {
            "error": {
                "message": message,
                "type": "invalid_request_error" if status < 500 else "server_error",
                "param": None,
                "code": "invalid_api_key" if status == 401 else None,
            }
        }

    @classmethod
    def read(cls, call):
        header = call.query.get("key")
        if header:
            scheme, key = "Bearer", call.headers.get(header, "")
        else:
            scheme, _, key = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or key in ("", "bad-key"):
            shown = key[:3] + "*" * 8 + key[-4:] if key else ""
            raise Rejected(401, "Incorrect API key provided: %s." % shown)
        unknown = set(call.body) - cls.keys
        if unknown:
            raise Rejected(400, "Unrecognized request argument supplied: %s" % sorted(unknown)[0])
        call.take_inputs(call.body.get("input"))
        if not call.inputs or "" in call.inputs:
            raise Rejected(400, "'$.input' is invalid: cannot be an empty string or array.")
        if len(call.inputs) > 2048:
            raise Rejected(400, "'$.input' is too long: at most 2048 inputs.")
        dims = call.dims(call.body.get("dimensions"))
        call.results = [dense_vector(text, dims) for text in call.inputs]

    @staticmethod
    def write(call):
        # Faults are of numbers, unless the address asks for both.
        asked = call.body.get("encoding_format") == "base64" and "fault" not in call.query
        as_base64 = asked or "base64" in call.query
        kind = call.query.get("encoding", "<f")
        scale = float(call.query.get("scale", 1))
        indexes = call.indexes or range(len(call.results))
        ntokens = sum(len(text.split()) for text in call.inputs)
        return {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": to_base64([value * scale for value in vector], kind)
                    if as_base64 and vector
                    else vector,
                }
                for index, vector in zip(indexes, call.results)
            ],
            "model": call.body.get("model", "mock"),
            "usage": {"prompt_tokens": ntokens, "total_tokens": ntokens},
        }

    headers = {
        "x-ratelimit-limit-requests": "3000",
        "x-ratelimit-remaining-requests": "2999",
        "x-ratelimit-limit-tokens": "1000000",
        "x-ratelimit-remaining-tokens": "999990",
    }


class HuggingFace:
    """POST /hf/embeddings, /hf/sparse: inference endpoints."""

    limit = None
    headers = {}

    @staticmethod
    def error(status, message):
        return {"error": message}

    @classmethod
    def read(cls, call):
        key = call.headers.get("authorization", "").partition(" ")[2]
        if key == "bad-key":
            raise Rejected(401, "Invalid username or password.")
        if set(call.body) != {"inputs"}:
            raise Rejected(422, "body must hold inputs and nothing else")
        call.take_inputs(call.body["inputs"], may_be_string=False)
        if cls.limit and len(call.inputs) > cls.limit:
            raise Rejected(
                413, "batch size %d > maximum allowed batch size %d" % (len(call.inputs), cls.limit)
            )
        if "sparse" in call.path:
            call.results = [sparse_tokens(text) for text in call.inputs]
        else:
            call.results = [dense_vector(text, call.dims()) for text in call.inputs]

    @staticmethod
    def write(call):
        if call.query.get("shape") == "object":
            return {"embeddings": call.results}
        return call.results


class TextEmbeddingsInference(HuggingFace):
    """POST /embed, /embed_sparse: Hugging Face's own server."""

    limit = 32

    @staticmethod
    def error(status, message):
        kind = "Validation" if status in (413, 422) else "Backend"
        return {"error": message, "error_type": kind}

    @staticmethod
    def write(call):
        if "sparse" not in call.path:
            return call.results
        return [
            [{"index": token_id(word), "value": weight} for word, weight in tokens.items()]
            for tokens in call.results
        ]


class Elasticsearch:
    """POST /_inference/[task/]id"""

    headers = {}

    @staticmethod
    def error(status, message):
        cause = {"type": "status_exception", "reason": message}
        return {"error": {"root_cause": [cause], **cause}, "status": status}

    @classmethod
    def read(cls, call):
        authorization = call.headers.get("authorization", "")
        if "bad-key" in authorization or (
            call.query.get("auth") == "required" and not authorization.startswith("ApiKey ")
        ):
            raise Rejected(401, "unable to authenticate with provided credentials")
        if set(call.body) - {"input", "task_settings"}:
            raise Rejected(400, "unknown field in the body")
        call.take_inputs(call.body.get("input"))
        if "text_embedding" in call.path:
            call.results = [dense_vector(text, call.dims()) for text in call.inputs]
        else:
            call.results = [sparse_tokens(text) for text in call.inputs]

    @staticmethod
    def write(call):
        if "text_embedding" in call.path:
            return {"text_embedding": [{"embedding": vector} for vector in call.results]}
        truncated = call.query.get("truncated") == "1"
        return {
            "sparse_embedding": [
                {"is_truncated": truncated, "embedding": tokens} for tokens in call.results
            ]
        }


class Ollama:
    """POST /api/embed; /api/embeddings is its older interface, for one text"""

    headers = {}

    @staticmethod
    def error(status, message):
        return {"error": message}

    @classmethod
    def read(cls, call):
        if not call.body.get("model"):
            raise Rejected(400, "model is required")
        if call.path == "/api/embed":
            call.take_inputs(call.body.get("input"))
        call.results = [dense_vector(text, call.dims()) for text in call.inputs]

    @staticmethod
    def write(call):
        if call.path == "/api/embeddings":
            return {"embedding": []}
        ntokens = sum(len(text.split()) for text in call.inputs)
        return {
            "model": call.body["model"],
            "embeddings": call.results,
            "total_duration": 14143917,
            "load_duration": 1019500,
            "prompt_eval_count": ntokens,
        }


ROUTES = (
    ("/v1/embeddings", OpenAI),
    ("/api/embed", Ollama),
    ("/hf/", HuggingFace),
    ("/embed", TextEmbeddingsInference),
    ("/_inference/", Elasticsearch),
)


def provider_of(path):
    for prefix, provider in ROUTES:
        if path.startswith(prefix):
            return provider
    return None


def encode(value):
    return json.dumps(value, ensure_ascii=False).encode()

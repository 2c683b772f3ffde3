"""The image contract as a table: requests, and the one answer that both sides give.

One image is on record from the beginning, ordered as FIRST says. In paths and in answers
``{id}`` stands for its id, ``{new}`` for the id that the next order gets, and ``{none}`` for one
that no image has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

JSON = "application/json"
HTML = "text/html; charset=utf-8"

FIRST = {"prompt": "praia", "size": "256x256", "product_id": 5}

_PAGE = "<!doctype html>\n<html lang=en>\n<title>{} {}</title>\n<h1>{}</h1>\n<p>{}</p>\n"
_TEXTS = {
    400: (
        "Bad Request",
        "The browser (or proxy) sent a request that this server could not understand.",
    ),
    404: (
        "Not Found",
        "The requested URL was not found on the server. If you entered the URL manually please "
        "check your spelling and try again.",
    ),
    405: ("Method Not Allowed", "The method is not allowed for the requested URL."),
    413: (
        "Request Entity Too Large",
        "The data value transmitted exceeds the capacity limit.",
    ),
    415: (
        "Unsupported Media Type",
        "Did not attempt to load JSON data because the request Content-Type was not "
        "&#39;application/json&#39;.",
    ),
    500: (
        "Internal Server Error",
        "The server encountered an internal error and was unable to complete your request. Either "
        "the server is overloaded or there is an error in the application.",
    ),
}

FIRST_RECORD = (
    '{"id":{id},"product_id":5,"prompt":"praia","size":"256x256","status":"pronta",'
    '"url":"/images/{id}/file"}'
)
MISSING = '{"error":"Imagem n\\u00e3o encontrada"}\n'
_NO_PROMPT = '{"error":"Prompt obrigat\\u00f3rio"}\n'
_LONG_PROMPT = '{"error":"Prompt longo demais"}\n'
_BAD_SIZE = '{"error":"Tamanho inv\\u00e1lido"}\n'
_BAD_PRODUCT = '{"error":"Produto inv\\u00e1lido"}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request and its answer; ``allow`` is what the Allow header lists, empty for none."""

    name: str
    method: str
    path: str
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    content_type: str = JSON
    body: str
    allow: frozenset[str] = frozenset()


def _get(path: str, body: str) -> Case:
    return Case(name=f"get {path}", method="GET", path=path, body=body)


def _order(name: str, body: object, answer: str) -> Case:
    content = json.dumps(body).encode()
    return _post(name, content, answer)


def _post(name: str, content: bytes, answer: str, content_type: str = JSON) -> Case:
    headers = {"Content-Type": content_type}
    return Case(
        name=name, method="POST", path="/images", content=content, headers=headers, body=answer
    )


def _refused(name: str, status: int, content: bytes, content_type: str | None = JSON) -> Case:
    title, text = _TEXTS[status]
    return Case(
        name=name,
        method="POST",
        path="/images",
        content=content,
        headers={} if content_type is None else {"Content-Type": content_type},
        status=status,
        content_type=HTML,
        body=_PAGE.format(status, title, title, text),
    )


def _page(method: str, path: str, status: int, allow: str = "") -> Case:
    title, text = _TEXTS[status]
    return Case(
        name=f"{method.lower()} {path[:40]}",
        method=method,
        path=path,
        status=status,
        content_type=HTML,
        body=_PAGE.format(status, title, title, text),
        allow=frozenset(allow.split()),
    )


def _options(path: str, allow: str) -> Case:
    return Case(
        name=f"options {path}",
        method="OPTIONS",
        path=path,
        content_type=HTML,
        body="",
        allow=frozenset(allow.split()),
    )


def _taken(product_id: str, prompt: str, size: str) -> str:
    return (
        f'{{"id":{{new}},"product_id":{product_id},"prompt":{prompt},"size":"{size}",'
        '"status":"pronta","url":"/images/{new}/file"}\n'
    )


_COLLECTION = "GET HEAD OPTIONS POST"
_ITEM = "DELETE GET HEAD OPTIONS"
_FILE = "GET HEAD OPTIONS"
_LARGEST = 2**63 - 1

READS = (
    _get("/images", f"[{FIRST_RECORD}]\n"),
    _get("/images?page=2", f"[{FIRST_RECORD}]\n"),
    _get("/images/{id}", f"{FIRST_RECORD}\n"),
    _get("/images/000{id}", f"{FIRST_RECORD}\n"),
    _get("/images/{none}", MISSING),
    _get("/images/{none}/file", MISSING),
    _get("/images/0", MISSING),
    _get(f"/images/{_LARGEST}", MISSING),
    _get(f"/images/{_LARGEST + 1}", MISSING),
    _get(f"/images/{_LARGEST + 1}/file", MISSING),
    Case(name="head list", method="HEAD", path="/images", body=""),
    Case(name="head record", method="HEAD", path="/images/{id}", body=""),
    Case(name="head missing file", method="HEAD", path="/images/{none}/file", body=""),
    Case(name="delete missing", method="DELETE", path="/images/{none}", body=MISSING),
    Case(name="delete too large", method="DELETE", path=f"/images/{_LARGEST + 1}", body=MISSING),
)
ORDERS = (
    _order("an order of the default size", {"prompt": "mar"}, _taken("null", '"mar"', "512x512")),
    _order(
        "an order without a product",
        {"prompt": " Pão\n", "product_id": None, "size": "256x256", "id": 7, "status": "x"},
        _taken("null", '" P\\u00e3o\\n"', "256x256"),
    ),
    _order(
        "the largest product",
        {"prompt": "x", "product_id": _LARGEST, "size": "256x256"},
        _taken(str(_LARGEST), '"x"', "256x256"),
    ),
    _post(
        "the last of two equal keys counts",
        b'{"prompt": "", "prompt": "x", "size": "256x256"}',
        _taken("null", '"x"', "256x256"),
    ),
    _post(
        "another json type",
        '\ufeff{"prompt": "x", "size": "256x256"}'.encode("utf-16-le"),
        _taken("null", '"x"', "256x256"),
        "application/vnd.api+json; charset=latin-1",
    ),
    _order(
        "an emoji and a zero character",
        {"prompt": "\U0001f33f \0 \\0", "size": "256x256"},
        _taken("null", '"\\ud83c\\udf3f \\u0000 \\\\0"', "256x256"),
    ),
    _order("body null", None, _NO_PROMPT),
    _order("body list", [{"prompt": "x"}], _NO_PROMPT),
    _order("body text", "praia", _NO_PROMPT),
    _order("no prompt", {"size": "256x256"}, _NO_PROMPT),
    _order("prompt null", {"prompt": None}, _NO_PROMPT),
    _order("prompt number", {"prompt": 5}, _NO_PROMPT),
    _order("prompt empty", {"prompt": ""}, _NO_PROMPT),
    _order("prompt blank", {"prompt": " \t\n\u3000"}, _NO_PROMPT),
    _order("prompt blank and long", {"prompt": " " * 4001}, _NO_PROMPT),
    _order("prompt too long", {"prompt": "x" * 4001}, _LONG_PROMPT),
    _order("size unknown", {"prompt": "x", "size": "513x512"}, _BAD_SIZE),
    _order("size null", {"prompt": "x", "size": None}, _BAD_SIZE),
    _order("size object", {"prompt": "x", "size": {"w": 1}}, _BAD_SIZE),
    _order("product zero", {"prompt": "x", "product_id": 0}, _BAD_PRODUCT),
    _order("product too large", {"prompt": "x", "product_id": _LARGEST + 1}, _BAD_PRODUCT),
    _order("product true", {"prompt": "x", "product_id": True}, _BAD_PRODUCT),
    _order("product text", {"prompt": "x", "product_id": "5"}, _BAD_PRODUCT),
    _order("product fraction", {"prompt": "x", "product_id": 5.0}, _BAD_PRODUCT),
    _post("product infinite", b'{"prompt": "x", "product_id": Infinity}', _BAD_PRODUCT),
    _order("all wrong", {"prompt": "", "size": "", "product_id": ""}, _NO_PROMPT),
    _order("two wrong", {"prompt": "x", "size": "", "product_id": ""}, _BAD_SIZE),
)
REFUSALS = (
    _refused("empty body", 400, b""),
    _refused("half json", 400, b'{"prompt": "x"'),
    _refused("trailing comma", 400, b'{"prompt": "x",}'),
    _refused("latin-1", 400, '{"prompt": "ã"}'.encode("latin-1")),
    # Flask's own reader gives up in the middle, as the monolith's does.
    _refused("nested without end", 500, b"[" * 200_000),
    _refused("compressed", 400, b"\x1f\x8b\x08\x00\x00"),
    _refused("no content type", 415, b'{"prompt": "x"}', None),
    _refused("text", 415, b'{"prompt": "x"}', "text/plain"),
    _refused("form", 415, b"prompt=x", "application/x-www-form-urlencoded"),
    _refused("too large", 413, b" " * (1024 * 1024 + 1)),
    _refused("too large and no json", 413, b" " * (1024 * 1024 + 1), "text/plain"),
    _refused("large enough", 400, b" " * (1024 * 1024)),
    _refused("half a surrogate pair", 500, b'{"prompt": "\\ud800", "size": "256x256"}'),
    _page("GET", "/images/", 404),
    _page("GET", "/images/abc", 404),
    _page("GET", "/images/-1", 404),
    _page("GET", "/images/1.0", 404),
    _page("GET", "/images/{id}/", 404),
    _page("GET", "/images/{id}/file/", 404),
    _page("GET", "/images/{id}/files", 404),
    _page("GET", "/images/abc/file", 404),
    _page("PUT", "/images/abc", 404),
    _page("GET", "/Images", 404),
    _page("GET", "/nothing", 404),
    _page("PUT", "/images", 405, _COLLECTION),
    _page("DELETE", "/images", 405, _COLLECTION),
    _page("PUT", "/images/{id}", 405, _ITEM),
    _page("POST", "/images/{none}", 405, _ITEM),
    _page("DELETE", "/images/{id}/file", 405, _FILE),
    _page("BREW", "/images/{id}/file", 405, _FILE),
    _options("/images", _COLLECTION),
    _options("/images/{id}", _ITEM),
    _options("/images/{none}/file", _FILE),
)
# What only reads comes first: it expects one image on record.
CASES = (*READS, *REFUSALS, *ORDERS)

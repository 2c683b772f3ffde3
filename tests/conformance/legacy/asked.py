"""Requests made up: targets, methods, headers and bodies in all the ways HTTP/1.1 allows."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import strategies as st


def request(
    method: str,
    target: str,
    types: Sequence[str] = (),
    body: bytes = b"",
    *,
    host: str = "shop.test",
    is_chunked: bool = False,
) -> bytes:
    """The bytes of one request, after which the server closes.

    Args:
        method: Of the request line, as is the target.
        target: As it goes over the wire.
        types: A Content-Type field for each.
        body: Without its framing.
        host: Of the Host field.
        is_chunked: Whether the body goes in chunks of three bytes.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"Content-Type: {each}" for each in types]
    if is_chunked:
        lines.append("Transfer-Encoding: chunked")
        parts = [*(body[at : at + 3] for at in range(0, len(body), 3)), b""]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    elif body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _one_of(words: str, *more: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*words.split(), *more])


def _printable(*, without: str, most: int) -> st.SearchStrategy[str]:
    """Text of what a target may consist of."""
    letters = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=without)
    return st.text(letters, max_size=most)


METHODS = _one_of("GET POST PUT DELETE HEAD OPTIONS PATCH get Post BREW")
SLASHES = _one_of("/ / / // /// %2F /%2f %5C")
SEGMENTS = st.one_of(
    _one_of(
        "products Products %70roducts static 1 2 01 0 -1 1.0 %31 %D9%A1 . .. %00 %FF % %zz 1;a=b "
        "%3F %23",
        "",
        "9" * 19,
        "9" * 30,
    ),
    _printable(without="?#", most=4),
)
IDS = _one_of("1 1 2 01 %31 %D9%A1 x", "", "9" * 19, "9" * 30)
PATHS = st.one_of(
    _one_of("/products /products/1 /products/2"),
    st.builds("/{}products{}{}".format, SLASHES, SLASHES, IDS),
    st.builds("/products{}{}{}".format, SLASHES, IDS, SLASHES),
    st.builds("/static{}{}".format, SLASHES, _printable(without="?#", most=4)),
    st.lists(SEGMENTS, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)),
)
STARTS = _one_of("http://shop.test HTTP://Other.test:80 http://[::1]", "", "", "", "")
QUERIES = st.one_of(
    _one_of("? ?a=1&b=%20 ?a=%C3%A7 ?a=%E7 ?<\"'> ?a=1?b=2 #x ?a#b?c", "", "", ""),
    _printable(without="", most=8).map("?".__add__),
)
HOSTS = _one_of(
    "shop.test SHOP.test:8000 shop.test:80 shop.test:443 [::1]:8001 127.0.0.1 shop_1.test -a.test "
    "shop.test. shop.test:x shop.test: a/b a@b a,b [::1 xn--ao-fka.test a..b shop.test:99999",
    "",
    "shop test",
    "a" * 70 + ".test",
)
TYPES = _one_of(
    "application/json application/json;charset=utf-8 Application/JSON application/vnd.api+json "
    "text/plain application/x-www-form-urlencoded json",
    "",
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**40), max_value=10**40),
    st.floats(),
    st.text(max_size=6),
    _one_of("9.5 9,50 1e3 0x10 inf nan -0", " 7 ", "\N{ARABIC-INDIC DIGIT SEVEN}"),
    st.lists(st.integers(), max_size=1),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)
PRICES = st.one_of(st.integers(), st.floats())
GOOD = st.fixed_dictionaries({"name": st.text(max_size=6), "price": PRICES})
FIELDS = st.dictionaries(st.sampled_from(["name", "price", "id", "x"]), VALUES)
CODINGS = _one_of("utf-8 utf-8-sig utf-16 utf-16-be utf-32-le latin-1")
BODIES = st.one_of(
    st.one_of(GOOD, FIELDS, VALUES).map(json.dumps).map(str.encode),
    st.builds(
        lambda value, coding: json.dumps(value, ensure_ascii=False).encode(coding, "replace"),
        GOOD,
        CODINGS,
    ),
    st.binary(max_size=8),
    st.just(b""),
)


@st.composite
def _anything(draw: st.DrawFn) -> bytes:
    target = draw(STARTS) + draw(PATHS) + draw(QUERIES)
    return request(draw(METHODS), target, [draw(TYPES)], draw(BODIES), host=draw(HOSTS))


@st.composite
def _changes(draw: st.DrawFn) -> bytes:
    """What creates or changes a product, or tries to."""
    method, target = draw(st.sampled_from([("POST", "/products"), ("PUT", "/products/1")]))
    types = draw(st.lists(TYPES, max_size=2))
    return request(method, target, types, draw(BODIES), is_chunked=draw(st.booleans()))


REQUESTS = st.one_of(_anything(), _changes())

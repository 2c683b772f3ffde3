"""No backend's way of reading a path leads to another place than the one that was chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.decide import Forward, decide
from gateway.routing.snapshot import Route
from gateway.routing.table import Table
from gateway.wire.messages import RequestHead
from tests.unit.gateway.routing.shop import MONOLITH, prefix, table

_TABLE: Table = table(
    Route(name="admin", matches=(prefix("/new/admin"),), backend="admin"),
    Route(name="new", matches=(prefix("/new"),), backend="image_service"),
    Route(name="images", matches=(prefix("/images"),), backend="image_service"),
    MONOLITH,
)
_PIECES = st.sampled_from(
    [
        *(b"/", b"//", b"/./", b"/../", b"/..;/", b"/;a/", b"new", b"admin", b"images", b"a"),
        *(b"%6e", b"%4E", b"%2f", b"%2F", b"%5c", b"\\", b"%2e", b"%2E", b".", b"..", b";"),
        *(b"%3b", b"%3B", b";x=/", b"%20", b"%c3%a3", b"~", b"%7e", b"|", b"%7C", b"new/admin"),
    ]
)
_PATHS = st.lists(_PIECES, min_size=1, max_size=8).map(lambda pieces: b"/" + b"".join(pieces))


def _resolve(path: bytes) -> bytes:
    """Remove dot segments, as every file system does."""
    kept: list[bytes] = []
    segments = path.split(b"/")
    for segment in segments[1:]:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    return b"/" + b"/".join(kept)


def _merge(path: bytes) -> bytes:
    return re.sub(rb"/+", b"/", path)


def _without_parameters(path: bytes) -> bytes:
    return re.sub(rb";[^/]*", b"", path)


READERS: dict[str, Callable[[bytes], bytes]] = {
    "as it comes": lambda path: path,
    "decoded": unquote_to_bytes,
    "resolved": _resolve,
    "decoded, then resolved": lambda path: _resolve(unquote_to_bytes(path)),
    "resolved, then decoded": lambda path: unquote_to_bytes(_resolve(path)),
    "decoded, merged, resolved": lambda path: _resolve(_merge(unquote_to_bytes(path))),
    "merged, then decoded": lambda path: unquote_to_bytes(_merge(path)),
    "without parameters": _without_parameters,
    "without parameters, decoded, resolved": lambda path: _resolve(
        unquote_to_bytes(_without_parameters(path))
    ),
    "decoded, without parameters, resolved": lambda path: _resolve(
        _without_parameters(unquote_to_bytes(path))
    ),
    "backslashes turned, resolved": lambda path: _resolve(path.replace(b"\\", b"/")),
    "decoded, backslashes turned, merged, resolved": lambda path: _resolve(
        _merge(unquote_to_bytes(path).replace(b"\\", b"/"))
    ),
}
"""As frameworks, servlet containers, browsers' URL parsers and other proxies do it."""


def _backend_of(path: bytes) -> str:
    """Where a path goes that has nothing left to be read in two ways."""
    plain = quote_from_bytes(path, safe="/!$&'()*+,;=:@~").encode()
    entry = _TABLE.find(RequestHead(method=b"GET", path=plain), plain)
    assert entry is not None
    assert entry.way.route.backend is not None
    return entry.way.route.backend


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@settings(max_examples=40)
@given(path=_PATHS)
def test_a_path_that_is_forwarded_is_read_there_as_it_was_read_here(
    reader: Callable[[bytes], bytes], path: bytes
) -> None:
    decision = decide(_TABLE, RequestHead(method=b"GET", path=path), 0.0)
    if isinstance(decision, Forward):
        assert _backend_of(reader(path)) == decision.backend


@settings(max_examples=40)
@given(_PATHS, st.randoms(use_true_random=False))
def test_escaping_what_needs_no_escape_changes_nothing(path: bytes, chance: Random) -> None:
    """RFC 3986, section 6.2.2.2: both spellings are the same path."""
    escaped = re.sub(
        rb"(?<!%)(?<!%[0-9A-Fa-f])[A-Za-z0-9~]",
        lambda match: b"%%%02x" % match[0][0] if chance.getrandbits(1) else match[0],
        path,
    )
    one = decide(_TABLE, RequestHead(method=b"GET", path=path), 0.0)
    other = decide(_TABLE, RequestHead(method=b"GET", path=escaped), 0.0)
    assert other == one

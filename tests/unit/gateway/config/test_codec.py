"""A snapshot reaches a worker as it was."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.codec import decode, encode
from gateway.routing.snapshot import (
    Address,
    Backend,
    IdRange,
    Match,
    Owner,
    Route,
    Share,
    Snapshot,
    Sticky,
    Timeouts,
    Tls,
    Trust,
)
from tests.unit.gateway.config import example

TEXT = st.text(max_size=8)
IDS = st.integers(0, 2**63 - 1)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple)
SECONDS = st.floats(min_value=0.001, max_value=3600)


TIMEOUTS = st.builds(
    Timeouts,
    connect_s=SECONDS,
    first_byte_s=SECONDS,
    idle_s=SECONDS,
    total_s=SECONDS | st.none(),
)
ADDRESS = st.builds(Address, host=TEXT, port=st.integers(0, 65_535), path=TEXT)
BACKEND = st.builds(
    Backend,
    name=TEXT,
    addresses=st.lists(ADDRESS, min_size=1, max_size=2).map(tuple),
    tls=st.builds(Tls, ca=TEXT, server_name=TEXT) | st.none(),
    timeouts=TIMEOUTS,
    max_waiting=st.integers(0, 65_535) | st.none(),
)
MATCH = st.builds(
    Match,
    path=TEXT | st.none(),
    path_regex=TEXT | st.none(),
    path_prefix=TEXT | st.none(),
    hosts=st.lists(TEXT, max_size=2).map(tuple),
    methods=st.lists(TEXT, max_size=2).map(tuple),
    headers=PAIRS,
    query=PAIRS,
)
SHARE = st.builds(Share, backend=TEXT, start=st.integers(0, 100_000), end=st.integers(0, 100_000))
STICKY = st.builds(Sticky, source=st.sampled_from(["header", "cookie", "client_ip"]), name=TEXT)
ID_RANGE = st.builds(IdRange, backend=TEXT, first=IDS, last=IDS | st.none())
OWNER = st.builds(
    Owner,
    collection=TEXT,
    ranges=st.lists(ID_RANGE, max_size=2).map(tuple),
    unknown=TEXT,
    lists=TEXT,
)
ROUTE = st.builds(
    Route,
    name=TEXT,
    matches=st.lists(MATCH, max_size=2).map(tuple),
    backend=TEXT | st.none(),
    shares=st.lists(SHARE, max_size=2).map(tuple),
    sticky=st.lists(STICKY, max_size=2).map(tuple),
    owner=OWNER | st.none(),
)
NETWORKS = st.lists(TEXT, max_size=2).map(tuple)
SNAPSHOT = st.builds(
    Snapshot,
    digest=TEXT,
    trust=st.builds(Trust, proxies=NETWORKS, testers=NETWORKS),
    backends=st.lists(BACKEND, max_size=2).map(tuple),
    routes=st.lists(ROUTE, max_size=2).map(tuple),
)


@given(SNAPSHOT)
def test_decoding_gives_back_what_was_encoded(snapshot: Snapshot) -> None:
    assert decode(encode(snapshot)) == snapshot


def test_a_loaded_file_survives_with_its_types() -> None:
    """Tuples stay tuples: lists would not compare equal."""
    assert decode(encode(example.SNAPSHOT)) == example.SNAPSHOT


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80", encode(example.SNAPSHOT)[:-1]])
def test_bytes_that_are_no_snapshot_are_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(data)

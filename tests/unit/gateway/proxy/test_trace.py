"""Trace context: new ids are well-formed and never the same; a foreign one is read with care."""

from __future__ import annotations

import re

import pytest

from gateway.proxy.trace import TRACE_DIGITS, TraceIds, trace_id


def test_new_ids_are_well_formed_and_all_different() -> None:
    ids = TraceIds()
    made = [ids.next() for _ in range(1_000)]
    assert all(re.fullmatch(rb"[0-9a-f]{48}", each) for each in made)
    assert len({each[:TRACE_DIGITS] for each in made}) == len(made)
    assert len({each[TRACE_DIGITS:] for each in made}) == len(made)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"00-" + b"ab" * 16 + b"-" + b"cd" * 8 + b"-01", b"ab" * 16, id="well-formed"),
        pytest.param(b"", b"", id="empty"),
        pytest.param(b"00-" + b"ab" * 15, b"", id="short"),
        pytest.param(b"00-" + b"XY" * 16 + b"-1-01", b"", id="not-hexadecimal"),
        pytest.param(b'00-"}\n' + b"a" * 40, b"", id="what-would-forge-a-log-line"),
    ],
)
def test_only_a_well_formed_id_reaches_the_log(value: bytes, expected: bytes) -> None:
    assert trace_id(value) == expected

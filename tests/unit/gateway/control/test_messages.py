"""Messages survive whatever pieces the socket cuts them into."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.messages import (
    MAX_MESSAGE_BYTES,
    Accepted,
    CertificateSeen,
    ControlLinked,
    Draining,
    FrameError,
    Frames,
    GivenUp,
    Left,
    Linked,
    Message,
    Part,
    Report,
    encode,
)
from gateway.telemetry.counters import pack
from tests.support.counted import AT, counted

MESSAGES: list[Message] = [
    Accepted(7, b"\x00" * 300, AT),
    Linked(1, 4711, 3),
    ControlLinked(),
    Left(counted(2)),
    Draining(),
    CertificateSeen("no such file"),
    Report(7, pack(counted(5))),
    Part(3, 1, [b"\x89PNG" * 50, b""]),
    GivenUp([3, 4]),
]
WIRE = b"".join(map(encode, MESSAGES))


@given(st.sets(st.integers(0, len(WIRE))))
def test_every_message_comes_out_as_it_went_in_however_it_is_cut(cuts: set[int]) -> None:
    frames, found = Frames(), []
    places = [0, *sorted(cuts), len(WIRE)]
    for start, end in pairwise(places):
        found += frames.feed(WIRE[start:end])
    assert found == MESSAGES


def test_a_message_comes_out_with_its_last_byte_and_not_before() -> None:
    frames, wire = Frames(), encode(MESSAGES[0])
    assert frames.feed(wire[:-1]) == []
    assert frames.feed(wire[-1:]) == MESSAGES[:1]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param((MAX_MESSAGE_BYTES + 1).to_bytes(4, "big"), id="longer than any message"),
        pytest.param(b"\x00\x00\x00\x03abc", id="no MessagePack"),
        pytest.param(b"\x00\x00\x00\x00\x00", id="empty"),
        pytest.param(b"\x00\x00\x00\x0b\x81\xa4type\xa4Nope", id="of an unknown kind"),
    ],
)
def test_what_is_no_message_is_an_error(wire: bytes) -> None:
    with pytest.raises(FrameError):
        Frames().feed(wire)

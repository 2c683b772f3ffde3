"""Long bodies against the bare origin: the slow ends are as slow as the report says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bench.cases import MIB, SLOW_BYTES_PER_S
from bench.memory import TRANSFERS
from bench.processes import RunningOrigin, fetch, running_origin

_SIZE = 16 * MIB


@pytest.fixture(scope="module")
def origin() -> Iterator[RunningOrigin]:
    with running_origin() as found:
        yield found


@pytest.mark.parametrize("name", ["down, slow reader", "up, slow origin"])
def test_a_slow_end_keeps_to_its_rate(origin: RunningOrigin, name: str) -> None:
    began_s = time.monotonic()
    TRANSFERS[name](origin.ports["a"], _SIZE)
    took_s = time.monotonic() - began_s
    # Sockets hold some MiB that nobody has read yet.
    assert took_s > 0.5 * _SIZE / SLOW_BYTES_PER_S


@pytest.mark.parametrize("name", ["down, full speed", "up, full speed"])
def test_a_body_at_full_speed_arrives_whole(origin: RunningOrigin, name: str) -> None:
    TRANSFERS[name](origin.ports["b"], _SIZE)


def test_the_origin_counts_connections_and_names_its_side(origin: RunningOrigin) -> None:
    before = origin.accepted()
    sides = [fetch(origin.ports[name], "/items/3")[1:] for name in ("a", "b", "b")]
    assert sides == [(b"xxx", "a"), (b"xxx", "b"), (b"xxx", "b")]
    assert origin.accepted() == before + 3

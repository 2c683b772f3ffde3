"""The limits that docs/settings.md tells are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.control import accepting
from gateway.proxy import customer, parting, pool, reader, tunnel
from gateway.wire import inbound

PAGE = (Path(__file__).parents[3] / "docs" / "settings.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("row", "limits"),
    [
        ("a request's head", [inbound.MAX_HEAD_BYTES, inbound.MAX_FIELDS]),
        ("its target", [inbound.MAX_TARGET_BYTES]),
        ("time for the head, from its first byte", [reader._HEAD_PATIENCE_S]),
        (
            "time for TLS, and before the first request of a connection",
            [customer.FIRST_PATIENCE_S],
        ),
        ("time between two requests of a connection", [customer.IDLE_PATIENCE_S]),
        ("time in which nothing of an answer is read", [parting.UNREAD_PATIENCE_S]),
        ("silence in a tunnel (WebSocket)", [tunnel.IDLE_PATIENCE_S]),
        ("the same, once one end sends no more", [tunnel.HALF_PATIENCE_S]),
        ("an answer's head", [inbound.MAX_HEAD_BYTES, inbound.MAX_FIELDS]),
        ("an idle connection that is kept", [pool._IDLE_LIFETIME_S]),
    ],
)
def test_a_limit_that_is_told_is_the_one_that_holds(row: str, limits: list[float]) -> None:
    [told] = [line.split("|")[2] for line in PAGE.splitlines() if line.startswith(f"| {row} |")]
    assert [_number(word) for word in told.split(",")] == limits
    assert accepting._HANDSHAKE_PATIENCE_S == customer.FIRST_PATIENCE_S


def _number(text: str) -> float:
    amount, _, unit = text.strip().partition(" ")
    return float(amount) * {"KiB": 1024, "s": 1, "h": 3600, "fields": 1}[unit]

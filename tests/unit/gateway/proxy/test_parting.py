"""How long a customer may take behind its last answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.proxy.parting import (
    QUIET_PATIENCE_S,
    SENDING_PATIENCE_S,
    UNREAD_PATIENCE_S,
    Parting,
    Progress,
    give_up,
    has_left,
    has_unread,
    reset,
)


class _Ends:
    """A transport, and the plain socket at its other end."""

    def __init__(self, transport: asyncio.Transport, other: socket.socket) -> None:
        self.transport = transport
        self.other = other


@pytest.fixture
async def ends() -> AsyncIterator[_Ends]:
    """A connection over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = socket.create_connection(listener.getsockname(), timeout=10)
        near, _ = listener.accept()
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(asyncio.Protocol, near)
    yield _Ends(transport, other)
    transport.abort()
    other.close()


async def test_a_customer_who_has_read_all_and_is_quiet_is_let_go_soon(ends: _Ends) -> None:
    parting = Parting(100.0)
    assert not parting.is_over(ends.transport, 100.0)
    assert not parting.is_over(ends.transport, 100.0 + QUIET_PATIENCE_S)
    assert parting.is_over(ends.transport, 100.1 + QUIET_PATIENCE_S)


async def test_a_customer_who_is_still_sending_gets_longer_but_not_for_ever(ends: _Ends) -> None:
    parting = Parting(100.0)
    for second in range(100, 100 + int(SENDING_PATIENCE_S) + 1):
        parting.heard(float(second))
        assert not parting.is_over(ends.transport, float(second))
    last_s = 101.0 + SENDING_PATIENCE_S
    parting.heard(last_s)
    assert parting.is_over(ends.transport, last_s)


async def test_a_customer_who_has_yet_to_read_gets_longer_and_longer_while_it_reads(
    ends: _Ends,
) -> None:
    ends.transport.write(bytes(8 << 20))
    parting = Parting(100.0)
    assert not parting.is_over(ends.transport, 100.0)
    assert not parting.is_over(ends.transport, 100.0 + UNREAD_PATIENCE_S)
    assert parting.is_over(ends.transport, 100.1 + UNREAD_PATIENCE_S)
    ends.other.recv(8 << 20)
    assert not parting.is_over(ends.transport, 100.2 + UNREAD_PATIENCE_S)


async def test_progress_is_seen_in_the_kernel_before_it_is_seen_here(ends: _Ends) -> None:
    ends.transport.write(bytes(8 << 20))
    here = ends.transport.get_write_buffer_size()
    progress = Progress(0.0)
    assert progress.last_read_s(ends.transport, 1.0) == 1.0
    assert progress.last_read_s(ends.transport, 2.0) == 1.0
    assert progress.unread_bytes > here
    # The loop has had no turn: only the kernel can have passed anything on.
    ends.other.recv(8 << 20)
    assert progress.last_read_s(ends.transport, 3.0) == 3.0
    assert ends.transport.get_write_buffer_size() == here


async def test_a_cut_looks_like_an_error_and_not_like_an_end(ends: _Ends) -> None:
    reset(ends.transport)
    ends.other.settimeout(0)
    ended = asyncio.get_running_loop().sock_recv(ends.other, 1)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(ended, 5)


@pytest.mark.parametrize("unwritten", [0, 8 << 20])
async def test_giving_up_is_a_cut_only_if_an_answers_end_was_still_to_be_written(
    ends: _Ends, unwritten: int
) -> None:
    ends.transport.write(bytes(unwritten))
    give_up(ends.transport)
    ends.other.settimeout(0)
    loop = asyncio.get_running_loop()
    was_cut = False
    try:
        while await asyncio.wait_for(loop.sock_recv(ends.other, 1 << 20), 5):
            pass
    except ConnectionResetError:
        was_cut = True
    assert was_cut == bool(unwritten)


async def test_who_has_left_is_known_without_reading_from_it(ends: _Ends) -> None:
    ends.transport.pause_reading()
    ends.other.send(b"much that was not read")
    assert not has_left(ends.transport)
    ends.other.close()
    assert has_left(ends.transport)


class _Cut(asyncio.Transport):
    """What is left of a transport over TLS, between its cut and the word of it."""

    was_aborted = False

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.was_aborted = True


def test_a_connection_whose_socket_is_gone_already_can_be_looked_at_and_cut() -> None:
    """A backend may fail in the turn of the loop between the cut and the word of it."""
    transport = _Cut()
    assert not has_left(transport)
    assert not has_unread(transport)
    assert Progress(0.0).last_read_s(transport, 1.0) == 0.0
    reset(transport)
    assert transport.was_aborted

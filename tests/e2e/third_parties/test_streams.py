"""A stream of events reaches a client event by event, and what stands behind a body reaches it too.

The origin sends an event only when the client has told that it has the one before: anything that
gathers before it passes on would wait for ever.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from uuid import uuid4

import aiohttp
import httpx
import pytest
import requests

from tests.e2e.third_parties.asks import Ask, Client
from tests.e2e.third_parties.clients import curl, node
from tests.e2e.third_parties.conftest import Ways
from tests.e2e.third_parties.origin.natures import EVENTS
from tests.support.processes import environment

pytestmark = pytest.mark.e2e

_PATIENCE_S = 20
_EXPECTED = [f"event {number}" for number in range(EVENTS)]

Acknowledge = Callable[[], None]


def _with_httpx(url: str, acknowledge: Acknowledge) -> Iterator[str]:
    with httpx.stream("GET", url, timeout=_PATIENCE_S, trust_env=False) as answer:
        yield from _events(answer.iter_lines(), acknowledge)


def _with_requests(url: str, acknowledge: Acknowledge) -> Iterator[str]:
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, stream=True, timeout=_PATIENCE_S) as answer:
            yield from _events(answer.iter_lines(chunk_size=None, decode_unicode=True), acknowledge)


def _with_curl(url: str, acknowledge: Acknowledge) -> Iterator[str]:
    if curl.PROGRAM is None:
        pytest.skip("curl is not on this machine")
    command = [curl.PROGRAM, "--disable", "--no-buffer", "--silent", "--max-time", "20", url]
    with subprocess.Popen(  # noqa: S603 - a fixed program, no shell
        command, stdout=subprocess.PIPE, env=environment(NO_PROXY="*"), text=True
    ) as process:
        assert process.stdout is not None
        yield from _events(process.stdout, acknowledge)


def _events(lines: Iterator[str], acknowledge: Acknowledge) -> Iterator[str]:
    for line in lines:
        if line.startswith("data: "):
            yield line.removeprefix("data: ").rstrip()
            acknowledge()


@pytest.mark.parametrize("way", ["direct", "gateway"])
@pytest.mark.parametrize("read", [_with_httpx, _with_requests, _with_curl])
def test_promise_1_each_event_of_a_stream_arrives_when_it_is_sent(
    ways: Ways, way: str, read: Callable[[str, Acknowledge], Iterator[str]]
) -> None:
    """Clients that block."""
    base, name = getattr(ways, way), uuid4().hex
    with httpx.Client(base_url=ways.direct, trust_env=False) as other:
        events = list(read(f"{base}/stream/{name}", lambda: _check(other.get(f"/seen/{name}"))))
    assert events == _EXPECTED


def _check(answer: httpx.Response) -> None:
    assert answer.status_code == 200


@pytest.mark.parametrize("way", ["direct", "gateway"])
async def test_promise_1_each_event_of_a_stream_arrives_in_aiohttp(ways: Ways, way: str) -> None:
    """A client that awaits."""
    base, name, events = getattr(ways, way), uuid4().hex, []
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_PATIENCE_S)) as session,
        session.get(f"{base}/stream/{name}") as answer,
    ):
        async for line in answer.content:
            if line.startswith(b"data: "):
                events.append(line[6:].decode().rstrip())
                async with session.get(f"{ways.direct}/seen/{name}") as seen:
                    assert seen.status == 200
    assert events == _EXPECTED


@pytest.mark.parametrize(
    ("client", "is_there"),
    [(curl.Curl(), curl.PROGRAM is not None), (node.Node(), node.PROGRAM is not None)],
    ids=["curl", "node"],
)
def test_promise_1_trailers_reach_the_client(ways: Ways, client: Client, *, is_there: bool) -> None:
    """Those of an answer, in order."""
    if not is_there:
        pytest.skip(f"{client.name} is not on this machine")
    asks = (Ask(path="/trailers", headers=(("TE", "trailers"),)),)
    (direct,) = client.ask(ways.direct, asks).seen
    assert direct.trailers == (("X-Checksum", "9a"), ("X-Rows", "1"))
    (through,) = client.ask(ways.gateway, asks).seen
    assert through.trailers == direct.trailers

"""A gateway that was reloaded again and again routes as one that has just been started."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import astuple
from datetime import datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import codec
from gateway.control.reload import Reloader
from gateway.proxy.access_log import AccessLog
from gateway.proxy.gateway import Gateway
from gateway.routing.decide import decide
from gateway.state.kept import Origin
from gateway.wire.messages import RequestHead
from tests.support.counted import AT
from tests.unit.gateway.routing.generated import draws, requests

_BACKENDS = "backends: {{old: {{url: 'http://a:{port}'}}, new: {{url: 'http://b', {more}}}}}\n"
_LAST = "  - {name: rest, match: {path_prefix: /}, backend: old}\n"
_OWNER = (
    "    owner: {id: '/images/{id}', ranges: {old: 0..7, new: 8..}, unknown: old, lists: new}\n"
)
_PATHS = st.sampled_from(["/a", "/a/b", "/images"])
_CONDITIONS = st.sampled_from(
    ["", ", methods: [POST]", ", headers: {X-A: '1'}", ", query: {p: '1'}"]
)
_STICKY = st.sampled_from(
    ["", "    sticky: [{header: X-Customer-Id}]\n", "    sticky: [{cookie: customer}, client_ip]\n"]
)


@st.composite
def _routes(draw: st.DrawFn) -> str:
    number, path = draw(st.integers(0, 99)), draw(_PATHS)
    match = f"    match: {{path_prefix: {path}{draw(_CONDITIONS)}}}\n"
    split = f"    split: {{new: {draw(st.sampled_from([0, 5, 50, 99.999, 100]))}, old: rest}}\n"
    owner = _OWNER if path == "/images" and draw(st.booleans()) else ""
    return f"  - name: r{number}\n{match}{split}{draw(_STICKY)}{owner}"


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """Files, some of them refused: for a name twice, a route in vain, a mistake."""
    backends = _BACKENDS.format(
        port=draw(st.integers(1, 3)), more=draw(st.sampled_from(["", "max_connections: 9"]))
    )
    trust = draw(st.sampled_from(["", "trust: {proxies: [10.0.0.0/8]}\n"]))
    routes = "".join(draw(st.lists(_routes(), max_size=3)))
    mistake = draw(st.sampled_from(["", "", "", "rotes: 1\n", "\t"]))
    return f"version: 1\n{trust}{backends}routes:\n{routes}{_LAST}{mistake}"


class _Keeper:
    """Numbers, and keeps nothing."""

    def __init__(self) -> None:
        self.last = 0

    async def accept(self, digest: str, text: bytes, at: datetime, origin: Origin) -> int:
        """The next number."""
        del digest, text, at, origin
        self.last += 1
        return self.last


def _gateway(data: bytes, revision: int) -> Gateway:
    """A worker's, by what control has sent it."""
    return Gateway(codec.decode(data), revision, AccessLog(None), lambda: 0.0)


async def _reload(folder: Path, texts: list[str]) -> tuple[Gateway, Reloader, str] | None:
    """Take one text after the other in; the last good one is returned with it."""
    path = folder / "routes.yaml"
    reloader, gateway, good = Reloader(path, _Keeper(), {}, lambda: AT), None, ""
    for text in texts:
        path.write_text(text)
        look = await reloader.look()
        if look.accepted is not None:
            good, sent = text, look.accepted.accepted
            if gateway is None:
                gateway = _gateway(sent.snapshot, sent.revision)
            else:
                gateway.install(codec.decode(sent.snapshot), sent.revision)
    return None if gateway is None else (gateway, reloader, good)


@settings(max_examples=40)
@given(st.lists(_texts(), min_size=1, max_size=6), st.lists(st.tuples(requests(), draws)))
def test_reload_equals_fresh_start(
    texts: list[str], asked: list[tuple[RequestHead, float]]
) -> None:
    """Same bytes to the workers, same pools, and the same decision for every request."""

    async def compare() -> None:
        with tempfile.TemporaryDirectory() as folder:
            reloaded = await _reload(Path(folder), texts)
            if reloaded is None:
                return
            old, reloader, good = reloaded
            fresh = await _reload(Path(folder), [good])
        assert fresh is not None
        new = fresh[0]
        assert reloader.current is not None
        assert fresh[1].current is not None
        assert reloader.current.accepted.snapshot == fresh[1].current.accepted.snapshot
        assert _shape(old) == _shape(new)
        for head, draw in asked:
            assert decide(old.table, head, draw) == decide(new.table, head, draw)
        for gateway in (old, new):
            gateway.close()

    asyncio.run(compare())


def _shape(gateway: Gateway) -> object:
    """What a gateway holds ready for requests."""
    lanes = {
        route: {name: astuple(lane.pool.backend) for name, lane in by_name.items()}
        for route, by_name in gateway._lanes.items()
    }
    pools = {name: astuple(pool.backend) for name, pool in gateway._pools.items()}
    return lanes, pools

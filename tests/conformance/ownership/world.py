"""Two sides and a gateway before them, in one event loop, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from uvicorn.server import ServerState

from gateway.config import load
from gateway.proxy.access_log import AccessLog
from gateway.proxy.gateway import Gateway
from gateway.routing.snapshot import Snapshot
from gateway.wire.pins import write_pin
from tests.conformance.doors.servers import DIRECT
from tests.conformance.ownership.shelf import Id, Shelf
from tests.support.http11 import Answer, Connection, CutError

FIRST_NEW = 1_000_000_001
SECRET = "pin" * 11
_FILE = """\
version: 1
trust: {{pin_secret: "${{SECRET}}"}}
backends:
  legacy: {{url: "http://127.0.0.1:{legacy}", soft_errors: [{{json: $.error, as: 404}}]}}
  image_service: {{url: "http://127.0.0.1:{image_service}"}}
routes:
  - name: images
    match: {{path_prefix: /images}}
    split: {{image_service: {percent}, legacy: rest}}
    sticky: [{{header: X-Customer-Id}}]
    owner: {{id: "/images/{{id}}", {ids}, {unknown}, lists: {lists}}}
  - {{name: rest, match: {{path_prefix: /}}, backend: legacy}}
"""


def _lenient(text: str) -> Id | None:
    """As a framework that takes `int` for its word, and knows endings of files."""
    with contextlib.suppress(ValueError):
        return int(text.partition(".")[0])
    return None


def _strict(text: str) -> Id | None:
    """ASCII digits alone."""
    return int(text) if re.fullmatch("[0-9]+", text) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How the two sides name what they make."""

    ids: str
    """In routes.yaml."""
    is_numbered: bool

    def shelves(self) -> dict[str, Shelf]:
        """Both sides, empty."""
        legacy = Shelf("legacy", lambda n: n + 1, _lenient, 200)
        service = Shelf("image_service", lambda n: FIRST_NEW + n, _strict, 404)
        if not self.is_numbered:
            service = Shelf("image_service", lambda n: f"img_{n}", lambda text: text, 404)
        return {shelf.name: shelf for shelf in (legacy, service)}

    def owner(self, id_: Id) -> str:
        """Who has made a thing."""
        is_old = isinstance(id_, int) and id_ < FIRST_NEW
        return "legacy" if is_old else "image_service"


NUMBERS = Scheme(
    ids="ranges: {legacy: 1..1000000000, image_service: 1000000001..}", is_numbered=True
)
PREFIXES = Scheme(ids="ranges: {legacy: 1..}, prefixes: {image_service: img_}", is_numbered=False)


@dataclass(slots=True)
class World:
    """All of it."""

    scheme: Scheme
    shelves: dict[str, Shelf]
    percent: str = "0"
    unknown: str = "legacy"
    looks_again: bool = False
    """Whether the other side is asked for unknown ids as well."""
    lists: str = "merge"
    port: int = 0
    _gateway: Gateway | None = None
    _serving: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @classmethod
    async def open(cls, scheme: Scheme) -> World:
        """Start everything."""
        world = cls(scheme, scheme.shelves())
        for name, shelf in world.shelves.items():
            shelf.heirlooms[f"of-{name}"] = f"heirloom of {name}"
        for shelf in world.shelves.values():
            await shelf.start()
        await world.start_gateway()
        return world

    async def close(self) -> None:
        """End everything."""
        await self.kill_gateway()
        for shelf in self.shelves.values():
            if shelf.is_up:
                await shelf.die()

    def snapshot(self) -> Snapshot:
        """What routes.yaml says now."""
        text = _FILE.format(
            legacy=self.shelves["legacy"].port,
            image_service=self.shelves["image_service"].port,
            percent=self.percent,
            ids=self.scheme.ids,
            unknown=f"unknown: {self.unknown}" + self._second_look(),
            lists=self.lists,
        )
        return load(text.encode(), {"SECRET": SECRET})

    def _second_look(self) -> str:
        other = next(name for name in self.shelves if name != self.unknown)
        return f", second_look: {other}" if self.looks_again else ""

    def flip(self, **changes: Any) -> None:
        """Change routes.yaml, and let the gateway take it in."""
        for name, value in changes.items():
            setattr(self, name, value)
        assert self._gateway is not None
        self._gateway.install(self.snapshot(), self._gateway.revision + 1)

    async def start_gateway(self) -> None:
        """A new gateway, which knows nothing but routes.yaml."""
        self._gateway = Gateway(self.snapshot(), 1, AccessLog(None), time.time)  # noqa: TID251
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        await self._serving.enter_async_context(
            DIRECT.serve(self._gateway, ServerState(), listener)
        )

    async def kill_gateway(self) -> None:
        """Cut all that is under way."""
        gateway = self._gateway
        assert gateway is not None
        await self._serving.aclose()
        gateway.close()
        while gateway.doors:  # noqa: ASYNC110 - the last one tells nobody
            await asyncio.sleep(0)

    async def ask(
        self,
        method: str,
        target: str,
        *,
        customer: int = 0,
        pin: str | None = None,
        body: object = None,
    ) -> Answer | None:
        """One request on a connection of its own; None if it was cut before the answer."""
        headers = [("X-Customer-Id", str(customer))]
        if pin is not None:
            signed = write_pin(pin, int(time.time()) + 60, SECRET)  # noqa: TID251
            headers.append(("X-Figueira-Backend", signed))
        connection = await Connection.open(self.port)
        try:
            return await connection.ask(method, target, headers, body)
        except CutError:
            return None
        finally:
            connection.close()

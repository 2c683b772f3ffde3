"""Asks backends whether they are well, each address by itself, as ``health:`` wants it.

A probe goes the way of a customer's request, over a connection of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

import httpx

from gateway.control.log import note, warn
from gateway.proxy.backend_state import compile_soft_errors
from gateway.proxy.pool import Pool
from gateway.proxy.spawn import spawn
from gateway.proxy.transport import PoolTransport
from gateway.resilience.probing import Probed, is_good
from gateway.resilience.soft_errors import MAX_BODY_BYTES, is_json
from gateway.routing.protection import Health
from gateway.routing.snapshot import Address, Backend, Snapshot
from gateway.telemetry.events import Event

_HEADERS: Final = {
    "User-Agent": "figueira-probe",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}
_SPREAD = 0.1
"""Part of the interval, each way, that is left to chance: backends are not asked in step."""

Findings = dict[str, dict[str, bool]]
"""Backend -> address, as in a URL -> whether it is ill; none of what is not known yet."""


class Probe:
    """One address, asked again and again."""

    def __init__(
        self,
        backend: Backend,
        health: Health,
        address: Address,
        wall_clock: Callable[[], datetime],
        changed: Callable[[], None],
    ) -> None:
        """Begin to ask; `changed` is called when something else is thought of the address."""
        self.backend = backend
        self.address = address
        self._health = health
        self._wall_clock = wall_clock
        self._changed = changed
        self._rules = compile_soft_errors(backend)
        self._probed = Probed(
            unhealthy_after=health.unhealthy_after, healthy_after=health.healthy_after
        )
        self.since: datetime | None = None
        """When it was found to be as it is; None before anything is known."""
        self.detail = ""
        """What the last probe came to: ``status 200``, or why there was no answer."""
        self._pool = self._new_pool()
        self._running = spawn(self._run(), f"probe-{backend.name}")

    @property
    def is_well(self) -> bool | None:
        """None while too little is known."""
        return self._probed.is_well

    def stop(self) -> None:
        """Ask no more."""
        self._running.cancel()

    def _new_pool(self) -> Pool:
        """A pool that keeps no connection: whether it can be connected to is half the question."""
        pool = Pool(replace(self.backend, addresses=(self.address,)))
        pool.close()
        return pool

    async def _run(self) -> None:
        while True:
            self._take(is_well=await self._ask())
            spread = 1 + _SPREAD * (2 * random.random() - 1)  # noqa: S311 - chance, not secrets
            await asyncio.sleep(self._health.interval_s * spread)

    async def _ask(self) -> bool:
        """Ask once; whether the answer is good."""
        timeout_s = self._health.timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                status = await self._status()
        except TimeoutError:
            self.detail = f"no answer in {timeout_s:g} s"
        except httpx.TransportError as error:
            self.detail = str(error).removeprefix(f"{self.backend.name}: ")
        else:
            self.detail = f"status {status}"
            return is_good(status)
        # One that has seen failures would form an opinion of its own.
        self._pool = self._new_pool()
        return False

    async def _status(self) -> int:
        """What the answer counts as."""
        url = f"http://{self.backend.authority}{self._health.path}"
        request = httpx.Request("GET", url, headers=_HEADERS)
        response = await PoolTransport(self._pool).handle_async_request(request)
        try:
            rules, status, headers = self._rules, response.status_code, response.headers
            length = headers.get("content-length", "")
            may_match = rules is not None and rules.may_match(status, int(length or 0))
            if (
                rules is not None
                and may_match
                and is_json(headers.get("content-type", "").encode())
            ):
                status = rules.status_of(status, await _body(response))
        finally:
            await response.aclose()
        return status

    def _take(self, *, is_well: bool) -> None:
        if not self._probed.note(is_good=is_well):
            return
        was_unknown, self.since = self.since is None, self._wall_clock()
        place = {"backend": self.backend.name, "address": self.address}
        if not is_well:
            warn(Event.ADDRESS_ILL, **place, why=self.detail)
        elif not was_unknown:
            note(Event.ADDRESS_WELL, **place)
        self._changed()


async def _body(response: httpx.Response) -> bytes:
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            break
    return body


class Prober:
    """All probes of one routes.yaml."""

    def __init__(self, wall_clock: Callable[[], datetime], changed: Callable[[], None]) -> None:
        """Probe nothing yet; `changed` is called when `findings` have changed."""
        self._wall_clock = wall_clock
        self._changed = changed
        self._probes: dict[tuple[str, Address], Probe] = {}

    def follow(self, snapshot: Snapshot) -> None:
        """Probe what this revision wants probed; what has not changed goes on as it is."""
        before, self._probes = self._probes, {}
        for backend, health, address in _wanted(snapshot):
            key = (backend.name, address)
            probe = before.get(key)
            if probe is not None and probe.backend == backend:
                self._probes[key] = before.pop(key)
            else:
                self._probes[key] = Probe(backend, health, address, self._wall_clock, self._changed)
        for probe in before.values():
            probe.stop()

    def probes(self) -> list[Probe]:
        """Every probe, in the order of routes.yaml."""
        return list(self._probes.values())

    def findings(self) -> Findings:
        """What is known."""
        found: Findings = {}
        for probe in self._probes.values():
            if probe.is_well is not None:
                found.setdefault(probe.backend.name, {})[str(probe.address)] = not probe.is_well
        return found

    def close(self) -> None:
        """Ask nobody any more."""
        for probe in self._probes.values():
            probe.stop()
        self._probes.clear()


def _wanted(snapshot: Snapshot) -> Iterator[tuple[Backend, Health, Address]]:
    for backend in snapshot.backends:
        if backend.health is not None:
            for address in backend.addresses:
                yield backend, backend.health, address

"""One soak: a gateway with two workers, two backends, visitors, trouble, samples."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, cycle
from pathlib import Path

from tests.soak.faults import EARLY, FAULTS, Backend, Trouble
from tests.soak.ledger import Ledger
from tests.soak.sampling import Sample, roles_of, samples
from tests.soak.visitors import Crowd, Visitor
from tests.support.figueira import Figueira, serving
from tests.support.polling import eventually
from tests.support.processes import free_port

VISITORS = 32
_SAMPLE_EVERY_S = 1.0
_TELL_EVERY_S = 30.0
_FAULT_EVERY_S = (0.5, 8.0)
"""At least and at most."""
_ROUTES = """\
version: 1
backends:
  a: {{url: "{a}", timeouts: {{connect: 10s, first_byte: 20s}}, max_connections: 200}}
  b: {{url: "{b}", timeouts: {{connect: 10s, first_byte: 20s}}, max_connections: 200}}
  faulty: {{url: "{a}", timeouts: {{first_byte: 2s, idle: 2s}}}}
  nobody: {{url: "{nobody}"}}
routes:
  - {{name: nobody, match: {{path_prefix: /nobody}}, backend: nobody}}
  - {{name: faulty, match: {{path_prefix: /fault}}, backend: faulty}}
  - {{name: pages, match: {{path_prefix: /}}, split: {{a: rest, b: 50}}}}
"""


@dataclass(slots=True, kw_only=True)
class Soaked:
    """What a soak has found."""

    seconds: float
    ledger: Ledger
    trouble: Trouble
    samples: list[Sample] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)
    """Role -> descriptors of a gateway that has served a little and rests."""
    after: dict[str, int] = field(default_factory=dict)
    """The same when all have left."""
    exit_code: int = -1
    lines: list[str] = field(default_factory=list)
    """The access lines about what was wrong."""


@contextmanager
def _backends() -> Iterator[tuple[Backend, ...]]:
    backends = (Backend("a", free_port()), Backend("b", free_port()))
    try:
        yield backends
    finally:
        for backend in backends:
            backend.kill()


def soak(
    folder: Path, *, seconds: float, seed: int, say: Callable[[str], None] = lambda _: None
) -> Soaked:
    """Soak a gateway.

    Args:
        folder: An empty one.
        seconds: How long there is load.
        seed: The same one does the same things, if never quite in the same order.
        say: Takes a line about how it goes, every half minute.
    """
    with _backends() as backends:
        a, b = backends
        nobody = f"http://127.0.0.1:{free_port()}"
        text = _ROUTES.format(a=a.url, b=b.url, nobody=nobody)
        with serving(folder, text) as figueira:
            soaking = _soak(figueira, backends, seconds=seconds, seed=seed, say=say)
            return asyncio.run(soaking)


async def _soak(
    figueira: Figueira,
    backends: tuple[Backend, ...],
    *,
    seconds: float,
    seed: int,
    say: Callable[[str], None],
) -> Soaked:
    ledger = Ledger()
    trouble = Trouble(figueira, backends, ledger, seed)
    soaked = Soaked(seconds=seconds, ledger=ledger, trouble=trouble)
    await _visit(figueira, ledger, seed, asyncio.sleep(1.0))
    soaked.before = await _descriptors_at_rest(figueira)
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        sampling = group.create_task(_sample_forever(figueira, soaked.samples, began_s))
        telling = group.create_task(_tell_forever(soaked, began_s, say))
        await _visit(figueira, ledger, seed + 1, _make_trouble(trouble, seconds))
        sampling.cancel()
        telling.cancel()
    soaked.seconds = time.monotonic() - began_s
    soaked.after = await _descriptors_at_rest(figueira)
    soaked.exit_code = await asyncio.to_thread(figueira.stop)
    soaked.lines = _lines_about([wrong.target for wrong in ledger.wrong], figueira.access_log)
    return soaked


async def _visit(figueira: Figueira, ledger: Ledger, seed: int, until: Awaitable[None]) -> None:
    """Visit until something else has ended."""
    crowd = Crowd(port=figueira.port, ledger=ledger)
    async with asyncio.TaskGroup() as group:
        for number in range(VISITORS):
            group.create_task(Visitor(crowd, seed * 1000 + number).visit())
        try:
            await until
        finally:
            crowd.is_over = True


async def _make_trouble(trouble: Trouble, seconds: float) -> None:
    """One fault after the other, each at least once, for so long."""
    once = (*EARLY, *FAULTS)
    least_s, most_s = _FAULT_EVERY_S
    pause_s = max(least_s, min(most_s, seconds / (2 * len(once))))
    end_s = time.monotonic() + seconds
    for number, fault in enumerate(chain(once, cycle(FAULTS))):
        if number >= len(once) and time.monotonic() > end_s - pause_s:
            break
        await trouble.make(fault)
        await asyncio.sleep(pause_s)
    await asyncio.sleep(end_s - time.monotonic())


async def _sample_forever(figueira: Figueira, taken: list[Sample], began_s: float) -> None:
    roles: dict[str, int] = {}
    while True:
        status = await asyncio.to_thread(figueira.try_status)
        if status is not None:
            with contextlib.suppress(TypeError):  # a worker that is being replaced has no id
                roles = roles_of(status, figueira.process.pid)
        taken += samples(roles, time.monotonic() - began_s)
        await asyncio.sleep(_SAMPLE_EVERY_S)


async def _tell_forever(soaked: Soaked, began_s: float, say: Callable[[str], None]) -> None:
    ledger = soaked.ledger
    while True:
        await asyncio.sleep(_TELL_EVERY_S)
        newest = {sample.role: sample.rss_bytes for sample in soaked.samples}
        memory = ", ".join(f"{role} {size / 2**20:.0f} MiB" for role, size in newest.items())
        say(
            f"{time.monotonic() - began_s:4.0f} s: {sum(ledger.right.values()):,} right, "
            f"{len(ledger.wrong)} wrong, {sum(soaked.trouble.made.values())} faults made; {memory}"
        )


async def _descriptors_at_rest(figueira: Figueira) -> dict[str, int]:
    """How many each process holds when nobody is there and no connection is left."""

    def rests() -> bool:
        samples = figueira.samples()
        held = ("figueira_client_connections", "figueira_upstream_connections")
        return not any(value for name, value in samples.items() if name.partition("{")[0] in held)

    await asyncio.to_thread(eventually, rests, "a gateway at rest", patience_s=30.0)
    status = await asyncio.to_thread(figueira.wait_until_whole)
    roles = roles_of(status, figueira.process.pid)
    return {sample.role: sample.descriptors for sample in samples(roles, 0.0)}


def _lines_about(targets: list[str], access_log: Path) -> list[str]:
    if not targets:
        return []
    with access_log.open() as lines:
        return [line.strip() for line in lines if any(f'"{each}"' in line for each in targets)]

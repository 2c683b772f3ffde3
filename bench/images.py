"""`python -m bench images`: what orders cost the image service, and who waits for whom.

Writes docs/images-performance.md.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import image_page
from bench.cpu import cpu_of_tree_s
from bench.image_load import Asking, ask, ask_until, order_all
from bench.image_page import Figures
from bench.machine import this_machine
from bench.peers.figueira import PYTHON
from bench.processes import HOST, PATIENCE_S, StartError, fetch, free_port, running

_ROOT = Path(__file__).resolve().parent.parent
_SETTLE_S = 0.3
_CONNECTIONS = 64
_TOGETHER = 100
_ARRIVE_WITHIN_S = 1.0
"""Well before the first is done, so that all of them are under way together."""
_ORDER_TOGETHER = b'{"prompt": "praia", "size": "512x512"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured."""

    rounds: int = 5
    orders: int = 4000
    """In a round."""
    idle_s: float = 4.0


QUICK = Extent(rounds=1, orders=500, idle_s=1.0)


def run(docs: Path, extent: Extent) -> int:
    """Measure, print the page and write it."""
    figures = Figures(together=_TOGETHER)
    with tempfile.TemporaryDirectory(prefix="bench-images-") as folder:
        _measure_accepting(figures, extent, Path(folder))
        _measure_waiting(figures, extent, Path(folder))
    text = image_page.page(figures, this_machine(), extent.rounds)
    sys.stdout.write(text)
    if extent != QUICK:
        (docs / image_page.NAME).write_text(text)
        sys.stdout.write(f"\nwritten: {docs / image_page.NAME}\n")
    return 0


def _measure_accepting(figures: Figures, extent: Extent, folder: Path) -> None:
    """Orders that are only taken: pictures are made by other processes, on other cores."""
    limits = {"IMAGE_QUEUE_LIMIT": "1000000", "IMAGE_CUSTOMER_QUEUE_LIMIT": "1000000"}
    settings = limits | {"IMAGE_WORKER": "off"}
    with _serving(["image_service"], folder / "accepting", settings) as (pid, port):
        asyncio.run(order_all(port, extent.orders // 4, _CONNECTIONS))
        for _ in range(extent.rounds):
            time.sleep(_SETTLE_S)
            before_s, begun_s = cpu_of_tree_s(pid), time.monotonic()
            answers_s = asyncio.run(order_all(port, extent.orders, _CONNECTIONS))
            took_s, spent_s = time.monotonic() - begun_s, cpu_of_tree_s(pid) - before_s
            figures.per_core.append(len(answers_s) / spent_s)
            figures.per_second.append(len(answers_s) / took_s)
            figures.answers_s.append(answers_s)


def _measure_waiting(figures: Figures, extent: Extent, folder: Path) -> None:
    """A hundred orders at once, each of which takes a provider two seconds."""
    settings = {"IMAGE_CONCURRENCY": str(_TOGETHER)}
    with _serving(["bench.waiting_service"], folder / "waiting", settings) as (_, port):
        asyncio.run(_look_and_order(figures, extent, port))


async def _look_and_order(figures: Figures, extent: Extent, port: int) -> None:
    created = await ask(port, "POST", "/images", _ORDER_TOGETHER)
    look = Asking(port=port, path=f"/images/{created['id']}")
    for _ in range(extent.rounds):
        idle = await ask_until(look, asyncio.sleep(extent.idle_s))
        begun_s = time.monotonic()
        under_load = await ask_until(look, _together(port, _ARRIVE_WITHIN_S))
        figures.together_s.append(time.monotonic() - begun_s)
        figures.idle_s.append(idle)
        figures.under_load_s.append(under_load)
        figures.in_one_moment_s.append(await ask_until(look, _together(port, 0.0)))


async def _together(port: int, within_s: float) -> None:
    async def customer(number: int) -> dict[str, object]:
        await asyncio.sleep(number / _TOGETHER * within_s)
        return await ask(port, "POST", "/images", _ORDER_TOGETHER)

    for image in await asyncio.gather(*(customer(number) for number in range(_TOGETHER))):
        if image["status"] != "pronta":
            raise StartError(f"an order was answered {image}")


@contextmanager
def _serving(
    module: Sequence[str], folder: Path, settings: Mapping[str, str]
) -> Iterator[tuple[int, int]]:
    folder.mkdir()
    port = free_port()
    command = [str(PYTHON), "-m", *module, "--port", str(port)]
    environment = {
        "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/images.db",
        "IMAGE_BLOB_URL": str(folder / "blobs"),
        "IMAGE_PROVIDER": "procedural",
        "PYTHONPATH": str(_ROOT),
        **settings,
    }
    with running(command, folder, environment) as process:
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s and process.poll() is None:
            try:
                fetch(port, "/livez")
            except OSError:
                time.sleep(_SETTLE_S)
            else:
                yield process.pid, port
                return
        said = (folder / "output.log").read_text(errors="replace").strip()[-300:]
        raise StartError(f"{module[0]} did not serve on {HOST}:{port}: {said}")

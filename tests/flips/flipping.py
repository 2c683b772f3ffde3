"""A gateway is flipped again and again by one way, while customers ask; what is wrong is found."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from gateway.config.splits import written_routes
from tests.flips.customers import Visit, read_visits
from tests.flips.ways import WAYS, make_bad
from tests.support.figueira import Figueira, serving
from tests.support.load import side_of
from tests.support.polling import eventually
from tests.support.processes import running
from tests.support.routes_file import SHIPPED

ROOT = Path(__file__).parents[2]
_BAD_EVERY = 10
"""Flips between two bad files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flipped:
    """One way, flipped so many times."""

    way: str
    flips: int
    bad_files: int
    seconds: float
    requests: int
    moved: int
    """Customers who were on both sides: the flips were real."""
    median_ms: float
    p99_ms: float
    slowest_ms: float
    wrong: tuple[str, ...]
    """Everything that speaks against the gateway, the first of it."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def flip(folder: Path, way: str, *, flips: int, rate: float) -> Flipped:
    """Flip so many times by one way, at so many requests a second.

    Args:
        folder: An empty folder.
        way: One of `WAYS`.
        flips: How many times; a bad file comes between, every tenth time and at least once.
        rate: Requests a second, asked whether or not answers have come.
    """
    with _backend("legacy") as legacy, _backend("image_service") as service:
        # Nothing is owned here: every request follows the split, so that every one is judged.
        text = SHIPPED.read_text().partition("    owner:")[0] + _REST
        settings = {"LEGACY_URL": legacy, "IMAGE_SERVICE_URL": service}
        with serving(folder, text, **settings) as figueira:
            if way == "figueira undo":
                _make_past(figueira, flips)
            return _flip(folder, figueira, way, (flips, rate))


_REST = "\n  - {name: rest, match: {path_prefix: /}, backend: legacy}\n"


def _flip(folder: Path, figueira: Figueira, way: str, much: tuple[int, float]) -> Flipped:
    flips, rate = much
    seen = folder / "visits"
    command = [sys.executable, "-m", "tests.flips.customers", str(figueira.port), str(rate)]
    confirmed: list[tuple[float, int]] = []
    bad_files = 0
    with running([*command, str(seen)], folder=ROOT) as customers:
        customers.wait_for_line("asking")
        began_s = time.monotonic()
        eventually(lambda: figueira.answered() > rate / 2, "load")
        for turn, percent in enumerate(_percents(flips)):
            if turn % _BAD_EVERY == 1:
                make_bad(figueira)
                bad_files += 1
            WAYS[way](figueira, percent)
            now_s = time.monotonic()
            confirmed.append((now_s, figueira.status()["revision"]["number"]))
        enough = figueira.answered() + rate / 2
        eventually(lambda: figueira.answered() > enough, "load behind the last flip")
        ended_s = time.monotonic()
        assert customers.stop() == 0, customers.describe("an unclean stop")
    restarts = [worker["restarts"] for worker in figueira.status()["workers"]]
    assert figueira.stop() == 0
    visits = read_visits(seen)
    wrong = [*_judge(figueira, folder, visits, confirmed)]
    wrong += [f"workers were replaced: {restarts}"] if any(restarts) else []
    if len({revision for _, revision in confirmed}) != flips:
        wrong.append("flips have shared a revision")
    took_ms = [(visit.done_s - visit.sent_s) * 1000 for visit in visits]
    cuts = quantiles(took_ms, n=100)
    return Flipped(
        way=way,
        flips=flips,
        bad_files=bad_files,
        seconds=ended_s - began_s,
        requests=len(visits),
        moved=_moved(visits),
        median_ms=cuts[49],
        p99_ms=cuts[98],
        slowest_ms=max(took_ms),
        wrong=tuple(wrong),
    )


def _percents(flips: int) -> Iterator[int]:
    """Each another than the one before, and never 0, which is what the file begins with."""
    chance, last = random.Random(2), 0
    for _ in range(flips):
        last = chance.choice([percent for percent in range(1, 101) if percent != last])
        yield last


def _make_past(figueira: Figueira, flips: int) -> None:
    """Revisions to go back to; none has the text of the one before or the one after it."""
    for percent in _percents(flips):
        figueira.flip(percent)


def _judge(
    figueira: Figueira, folder: Path, visits: list[Visit], confirmed: list[tuple[float, int]]
) -> Iterator[str]:
    lines = {int(line["path"].rpartition("/")[2]): line for line in figueira.access_lines()}
    percents = _percents_of(folder / "state" / "figueira.db")
    if len(lines) != len(visits):
        yield f"{len(visits)} requests, {len(lines)} access lines"
    newest = iter([*confirmed, (float("inf"), 0)])
    until_s, least, upcoming = 0.0, 0, next(newest)
    for visit in sorted(visits, key=lambda visit: visit.sent_s):
        # A request that is sent after a flip was confirmed is decided by it, without any grace.
        while visit.sent_s > upcoming[0]:
            until_s, least = upcoming
            upcoming = next(newest)
        line = lines.get(visit.number)
        if line is None:
            yield f"{visit} has no access line"
            continue
        side = side_of(visit.customer, percents[line["revision"]])
        if visit.answer != f"{side} {visit.number}" or line["backend"] != side:
            yield f"{visit}: {side} was right by revision {line['revision']}"
        if line["revision"] < least:
            yield f"{visit}: decided by {line['revision']}, {least} served since {until_s:.3f}"


def _percents_of(database: Path) -> dict[int, int]:
    """Revision -> the image service's percentage, as the history has it."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT number, text FROM revisions").fetchall()
    found = {}
    for number, text in rows:
        (share,) = (s for s in written_routes(text)[0].shares if s.backend == "image_service")
        found[number] = round(share.percent)
    return found


def _moved(visits: list[Visit]) -> int:
    sides: dict[int, set[str]] = {}
    for visit in visits:
        sides.setdefault(visit.customer, set()).add(visit.answer.partition(" ")[0])
    return sum(len(side) > 1 for side in sides.values())


@contextmanager
def _backend(name: str) -> Iterator[str]:
    with running([sys.executable, "-m", "tests.flips.origin", name], folder=ROOT) as process:
        yield process.wait_for_line(r"listening on (\S+)")[1]

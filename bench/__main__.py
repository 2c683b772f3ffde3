"""`python -m bench`: measure everything (or one thing) and say what came of it."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from bench import (
    blobs,
    complaint,
    cost,
    flip,
    growth,
    images,
    latency,
    memory,
    owner,
    profile,
    trials,
)
from bench.cases import CASES, GET_1K
from bench.claims import claims, put
from bench.machine import this_machine
from bench.peers.field import PEERS
from bench.peers.peer import MissingError
from bench.processes import StartError
from bench.report import PICTURE, page, picture, sections
from bench.results import Results
from bench.session import QUICK, Extent, Session, open_session

_ROOT = Path(__file__).resolve().parent.parent
Measure = Callable[[Session, Results], None]


def _cost(session: Session, results: Results) -> None:
    results.costs = cost.measure(session)


def _latency(session: Session, results: Results) -> None:
    results.latencies = latency.measure(session)


def _memory(session: Session, results: Results) -> None:
    results.memory = memory.measure(session)


def _routes(session: Session, results: Results) -> None:
    results.routes = growth.measure_routes(session)


def _idle(session: Session, results: Results) -> None:
    results.idle = growth.measure_idle(session)


def _workers(session: Session, results: Results) -> None:
    results.workers = growth.measure_workers(session)


def _flip(session: Session, results: Results) -> None:
    results.flips = flip.measure(session)


MEASURES: dict[str, Measure] = {
    "cost": _cost,
    "latency": _latency,
    "memory": _memory,
    "routes": _routes,
    "idle": _idle,
    "workers": _workers,
    "flip": _flip,
}
"""Sub-command -> what it measures, in the order of the report."""
ALONE: dict[str, Callable[[argparse.Namespace], int]] = {
    "profile": lambda given: profile.run(given.cases or [GET_1K.name], given.beside, given.routes),
    "owner": lambda _: owner.run(),
    "trials": lambda given: trials.run(given.docs or _ROOT / "docs", quick=given.quick),
    "complaint": lambda given: complaint.run(given.docs, quick=given.quick),
    "images": lambda given: images.run(
        given.docs or _ROOT / "docs", images.QUICK if given.quick else images.Extent()
    ),
    "blobs": lambda given: blobs.run(
        given.docs or _ROOT / "docs", blobs.QUICK if given.quick else blobs.Extent()
    ),
}
"""Sub-commands with something of their own to say, apart from the report."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 if something could not be measured at all."""
    given = _parser().parse_args(arguments)
    # So that the processes started here end with this one, however it is told to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if given.what in ALONE:
        return ALONE[given.what](given)
    extent = _extent(given)
    machine = this_machine()
    results = Results()
    is_partial = bool(given.only or given.cases)
    failed = False
    with open_session(extent) as session:
        for name in _measures(given.what, is_partial=is_partial):
            try:
                MEASURES[name](session, results)
            except (MissingError, StartError, OSError) as error:
                session.say(f"{name}: could not be measured: {error}")
                failed = True
    sys.stdout.write("\n" + "\n\n".join(sections(results)) + "\n")
    is_whole = given.what is None and not (given.quick or is_partial or failed)
    if given.docs or is_whole:
        command = ["python", "-m", "bench", *(sys.argv[1:] if arguments is None else arguments)]
        text = page(results, machine, " ".join(command), extent.rounds)
        _write(given.docs or _ROOT / "docs", results, text)
    if is_whole and not given.docs:
        readme = _ROOT / "README.md"
        readme.write_text(put(readme.read_text(), claims(results)))
    return 1 if failed else 0


def _measures(what: str | None, *, is_partial: bool) -> Collection[str]:
    if what is None:
        return ["cost"] if is_partial else MEASURES
    return [what]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the gateway beside other proxies. Lists are separated by commas.",
    )
    add = parser.add_argument
    add("what", nargs="?", choices=[*MEASURES, *ALONE], help="default: all of the report")
    add("--only", type=_some_of([peer.name for peer in PEERS]), help="proxies; cost alone")
    add(
        "--cases",
        type=_some_of([case.name for case in CASES]),
        help="requests; cost alone, or of profile",
    )
    add("--rounds", type=int, help="default 5")
    add("--requests", type=int, help=f"of GET 1 KiB in a round, default {GET_1K.requests}")
    add("--quick", action="store_true", help="everything in little; the numbers say little, too")
    add("--docs", type=Path, help="folder for the page; a whole run writes docs/ unasked")
    add("--beside", type=Path, help="of profile: another checkout, to take turns with")
    add("--routes", type=int, default=profile.ROUTES, help="of profile: default %(default)s")
    return parser


def _some_of(names: Sequence[str]) -> Callable[[str], list[str]]:
    """What reads a list of some of these."""

    def read(text: str) -> list[str]:
        wanted = text.split(",")
        for each in wanted:
            if each not in names:
                raise argparse.ArgumentTypeError(f"{each!r} is none of {', '.join(names)}")
        return wanted

    return read


def _extent(given: argparse.Namespace) -> Extent:
    extent = QUICK if given.quick else Extent()
    if given.rounds is not None:
        extent = replace(extent, rounds=max(given.rounds, 1))
    if given.requests is not None:
        extent = replace(extent, scale=max(given.requests, 1) / GET_1K.requests)
    if given.cases:
        extent = replace(extent, cases=[case for case in CASES if case.name in given.cases])
    if given.only:
        extent = replace(extent, peers=[peer for peer in PEERS if peer.name in given.only])
    return extent


def _write(folder: Path, results: Results, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "performance.md").write_text(text)
    if results.costs:
        (folder / PICTURE).write_text(picture(results.costs))
    sys.stdout.write(f"\nwritten: {folder / 'performance.md'}\n")


if __name__ == "__main__":
    sys.exit(main())

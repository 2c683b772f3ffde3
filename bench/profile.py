"""`python -m bench profile`: which microseconds of a request go where, within seconds.

The gateway's code alone is run (`bench.inside`), so the numbers hold no kernel and no event loop:
about half of what a request costs in truth. They are for comparing one day's code with another's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.cases import CASES, NO_ID, Case, plan_of, request_bytes
from bench.origin import answer
from bench.peers.figueira import PYTHON, routes_yaml
from bench.peers.peer import Setting
from bench.table import table
from bench.targets import digits

_ROOT = Path(__file__).resolve().parent.parent
_INSIDE = Path(__file__).with_name("inside.py")
_TURNS, _ROUNDS, _REQUESTS = 3, 4, 8_000
ROUTES = 100
"""Unless told otherwise, as in the report."""
_SHOWN = 20
"""Functions; the rest together is a few percent."""
_LEFT_OUT = """\
Of the gateway's own code alone, for comparing one day's with another's. Left out: the kernel, the
event loop and the sockets, more than half of what a request costs in truth, which `make bench`
measures and the README tells.
"""
_HARNESS = "(the harness)"


@dataclass(slots=True)
class Profile:
    """What came of one checkout and one case."""

    took_us: list[float] = field(default_factory=list)
    """Of each round."""
    samples: Counter[str] = field(default_factory=Counter)
    """``MODULE:FUNCTION`` -> how often it was found there."""

    @property
    def least_us(self) -> float:
        """Of the quickest round: whatever disturbs can only add."""
        return min(self.took_us)


def run(cases: Sequence[str], beside: Path | None, routes: int = ROUTES) -> int:
    """Profile this checkout, or two of them in turn; print the tables."""
    trees = [_ROOT, *([beside.resolve()] if beside else [])]
    for case in CASES:
        if case.name in cases:
            profiles = {tree: Profile() for tree in trees}
            for _ in range(_TURNS):
                for tree, profile in profiles.items():
                    take_turn(case, tree, profile, routes=routes)
            sys.stdout.write("\n\n".join(report(case.label, profiles)) + "\n\n")
    sys.stdout.write(_LEFT_OUT)
    return 0


def take_turn(
    case: Case,
    tree: Path,
    profile: Profile,
    *,
    rounds: int = _ROUNDS,
    requests: int = _REQUESTS,
    routes: int = ROUTES,
) -> None:
    """Run a checkout's gateway in a process of its own, and add what came of it."""
    done = subprocess.run(  # noqa: S603 - our own program, no shell
        [PYTHON, "-P", _INSIDE, str(rounds), str(requests)],
        input=json.dumps(_job(case, routes)),
        env={**os.environ, "PYTHONPATH": str(tree)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = json.loads(done.stdout)
    profile.took_us += found["took_us"]
    profile.samples.update(found["samples"])


def _job(case: Case, routes: int) -> dict[str, object]:
    plan = replace(plan_of(case, 8000, scale=1, seconds=1), routes=routes)
    origins = {"a": 1, "b": 2}
    setting = Setting(folder=_ROOT, origins=origins, port=8000, admin_port=9000, routes=routes)
    requests = []
    for customer in range(plan.connections):
        own = [request_bytes(plan, route, customer).decode("latin-1") for route in range(routes)]
        # As under load: a route that all of them ask at once costs what one costs that is at hand.
        first = customer * routes // plan.connections
        requests.append(own[first:] + own[:first])
    return {
        "routes": routes_yaml(setting),
        "requests": requests,
        "id": NO_ID.decode() if plan.has_id else "",
        "answer": answer("a", case.answer_bytes).decode("latin-1"),
    }


def report(label: str, profiles: Mapping[Path, Profile]) -> Iterator[str]:
    """The tables of one case: by module, then by function; a column for each checkout."""
    heads = [f"microseconds, {label}", *(tree.name for tree in profiles)]
    whole = [
        "all of the gateway's own code",
        *(digits(profile.least_us) for profile in profiles.values()),
    ]
    modules = [_microseconds(profile, by_module=True) for profile in profiles.values()]
    yield table(heads, [whole, *_rows(modules)])
    functions = [_microseconds(profile, by_module=False) for profile in profiles.values()]
    yield table(heads, _rows(functions)[:_SHOWN])


def _microseconds(profile: Profile, *, by_module: bool) -> dict[str, float]:
    """The quickest round's time, dealt out by where the samples were."""
    each_us = profile.least_us / max(profile.samples.total(), 1)
    found: dict[str, float] = {}
    for place, count in profile.samples.items():
        name = (place.partition(":")[0] if by_module else place) or _HARNESS
        found[name] = found.get(name, 0) + count * each_us
    return found


def _rows(columns: Sequence[Mapping[str, float]]) -> list[list[str]]:
    names = {name for column in columns for name in column}
    ordered = sorted(names, key=lambda name: -columns[0].get(name, 0))
    return [[name, *(digits(column.get(name, 0)) for column in columns)] for name in ordered]

"""Results of trials, made short."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gateway.parallel_run.classes import COUNTED, TrialClass
from gateway.parallel_run.comparison import Comparison, Kind, Mismatch
from gateway.parallel_run.observation import Answer, Asked, Observation
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.strata import Stratum

NOW_S = 1_800_000_000.0
RUN = "images"
KEY = "build-7+0123456789ab"
SHOW = Stratum("GET", "/images/{id}", 2)
LIST = Stratum("GET", "/images", 2)
MATCHED, MISMATCHED = TrialClass.MATCHED, TrialClass.MISMATCHED
JSON = ((b"content-type", b"application/json"),)


def mismatch(place: str, control: str = "1", candidate: str = "2") -> Mismatch:
    """A value that differs."""
    return Mismatch(place=place, kind=Kind.VALUE, control=control, candidate=candidate)


def observation(
    backend: str,
    body: bytes = b"{}",
    *,
    status: int = 200,
    headers: tuple[tuple[bytes, bytes], ...] = JSON,
    duration_s: float = 0.02,
) -> Observation:
    """A complete answer."""
    answer = Answer(status=status, headers=headers, body=body)
    return Observation(backend=backend, began_at_s=NOW_S, duration_s=duration_s, answer=answer)


def result(  # noqa: PLR0913 - each may matter, and all have a usual value
    became: TrialClass = MATCHED,
    request: str = "1",
    *,
    places: Sequence[str] = (),
    second: Sequence[str] | None = None,
    ignored: Sequence[str] = (),
    stratum: Stratum = SHOW,
    at_s: float = NOW_S,
    key: str = KEY,
    run: str = RUN,
    sides: tuple[object, object] = ({}, {}),
) -> TrialResult:
    """What is left of a trial; `request` tells distinct requests apart."""
    bodies = [side if isinstance(side, bytes) else json.dumps(side).encode() for side in sides]
    has_sides = became in COUNTED
    found = tuple(mismatch(place) for place in places)
    seconds = None if second is None else tuple(mismatch(place) for place in second)
    covered = tuple((mismatch("json:$.at"), rule) for rule in ignored)
    return TrialResult(
        run=run,
        epoch_key=key,
        trial_id="4bf92f3577b34da6a3ce929d0e0e4736",
        route="images",
        stratum=stratum,
        became=became,
        fingerprint=request.encode().hex() if request else "",
        at_s=at_s,
        control=observation("legacy", bodies[0]) if has_sides else None,
        candidate=observation("image_service", bodies[1], duration_s=0.01) if has_sides else None,
        comparison=Comparison(became=became, mismatches=found, ignored=covered)
        if has_sides
        else None,
        asked=Asked(method=b"GET", target=b"/images/7", headers=((b"Host", b"shop.example"),)),
        second_comparison=None
        if seconds is None
        else Comparison(became=MISMATCHED if seconds else MATCHED, mismatches=seconds),
    )

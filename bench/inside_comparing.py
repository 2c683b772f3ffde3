"""What `bench.trials` runs under the gateway's own Python: comparisons, and the ledger.

Prints what each round took, as JSON.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable

from PIL import Image

from gateway.control.ledger import Ledger
from gateway.control.ledger_plan import LedgerPlan
from gateway.control.trials.comparer import Comparer
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.answers import Sides, compare
from gateway.parallel_run.observation import Answer, Asked, Observation
from gateway.parallel_run.plan import Rules
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.strata import Stratum

_ROUNDS = 7
_COMPARISONS = 200
_PICTURES = 10
_TRIALS = 10_000
_DIFFER_EVERY = 5
_SIDE = 592
"""Pixels: a picture of noise, which does not compress, then has 1 MiB."""
_RULES = Rules()


def _document(price: float) -> bytes:
    """A list of products of 10 KiB; prices of every tenth one are given."""
    items = [
        {
            "id": number,
            "name": f"produto {number}",
            "price": price if number % 10 == 0 else number / 4,
            "tags": ["a", "b"],
            "made_at": "2026-11-23T10:00:00Z",
        }
        for number in range(97)
    ]
    return json.dumps({"items": items, "total": len(items)}).encode()


def _picture(seed: int) -> bytes:
    noise = random.Random(seed).randbytes(_SIDE * _SIDE * 3)  # noqa: S311 - a picture
    written = io.BytesIO()
    Image.frombytes("RGB", (_SIDE, _SIDE), noise).save(written, "PNG")
    return written.getvalue()


def _answer(body: bytes, media_type: bytes) -> Answer:
    return Answer(status=200, headers=((b"Content-Type", media_type),), body=body)


def _sides(control: bytes, candidate: bytes, media_type: bytes = b"application/json") -> Sides:
    ours, theirs = (_answer(body, media_type) for body in (control, candidate))
    return Sides(control=ours, candidate=theirs, control_status=200, candidate_status=200)


def _took_us(work: Callable[[], object], times: int) -> list[float]:
    found = []
    for _ in range(_ROUNDS):
        began_s = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - began_s) / times * 1e6)
    return found


async def _pictures_ms(sides: Sides) -> list[float]:
    """By the process that compares, the way there and back included."""
    comparer, found = Comparer(), []
    try:
        await comparer.compare(sides, _RULES)
        for _ in range(_PICTURES):
            began_s = time.perf_counter()
            compared = await comparer.compare(sides, _RULES)
            found.append((time.perf_counter() - began_s) * 1e3)
            if compared.became is not TrialClass.MISMATCHED:
                raise SystemExit(f"the pictures are {compared.became}")
    finally:
        await comparer.close()
    return found


def _result(number: int) -> TrialResult:
    differs = number % _DIFFER_EVERY == 0
    ours, theirs = _sides(b'{"a": 1}', b'{"a": 2}' if differs else b'{"a": 1}'), 0.01
    control, candidate = (
        Observation(backend=name, began_at_s=1.7e9, duration_s=theirs, answer=answer)
        for name, answer in (("control", ours.control), ("candidate", ours.candidate))
    )
    comparison = compare(ours, _RULES)
    return TrialResult(
        run="r",
        epoch_key="build:rules",
        trial_id=f"{number:032x}",
        route="r",
        stratum=Stratum("GET", "/things/{id}", 2),
        became=comparison.became,
        fingerprint=f"{number:032x}",
        at_s=1.7e9,
        control=control,
        candidate=candidate,
        comparison=comparison,
        asked=Asked(method=b"GET", target=b"/things/%d" % number, headers=()),
    )


async def _ledger(folder: str) -> tuple[float, float]:
    """Trials a second until they are written, and microseconds of control's loop for each."""
    ledger = Ledger(
        LedgerPlan(
            database_url=f"sqlite+aiosqlite:///{folder}/figueira.db",
            gateway="bench",
            key=bytes(32),
            wall_s=time.time,  # noqa: TID251 - this is where the clock is injected
            draw=random.random,
        )
    )
    ledger.start()
    ledger.ended(_result(-1))
    while ledger.state.written < 1:  # noqa: ASYNC110 - nobody signals it
        await asyncio.sleep(0.01)
    many = [_result(number) for number in range(_TRIALS)]
    began_s = time.perf_counter()
    for each in many:
        ledger.ended(each)
    taken_s = time.perf_counter() - began_s
    while ledger.state.written <= _TRIALS:  # noqa: ASYNC110 - nobody signals it
        await asyncio.sleep(0.01)
    rate = _TRIALS / (time.perf_counter() - began_s)
    await ledger.close()
    return rate, taken_s / _TRIALS * 1e6


def _ledger_rounds() -> dict[str, list[float]]:
    found = []
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            found.append(asyncio.run(_ledger(folder)))
    return {"ledger_a_s": [rate for rate, _ in found], "taking_us": [taken for _, taken in found]}


def main() -> None:
    """Measure and print."""
    ours, theirs = _document(1.5), _document(2.5)
    pictures = [_picture(seed) for seed in (1, 2)]
    differ, equal = _sides(ours, theirs), _sides(ours, bytes(bytearray(ours)))
    if compare(differ, _RULES).became is not TrialClass.MISMATCHED:
        raise SystemExit("the documents do not differ")
    found = {
        "document_bytes": [float(len(ours))],
        "picture_bytes": [float(len(pictures[0]))],
        "differ_us": _took_us(lambda: compare(differ, _RULES), _COMPARISONS),
        "equal_us": _took_us(lambda: compare(equal, _RULES), _COMPARISONS),
        "pictures_ms": asyncio.run(_pictures_ms(_sides(pictures[0], pictures[1], b"image/png"))),
        **_ledger_rounds(),
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()

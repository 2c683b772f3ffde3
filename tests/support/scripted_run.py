"""A parallel run as a script plays it: an image shop, its new service, and what goes wrong there.

The answers are compared by the gateway's own rules, and written by its own ledger. By hand:
``python -m tests.support.scripted_run sqlite+aiosqlite:///var/figueira.db``
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw, ImageFilter

from gateway.control.ledger import Ledger
from gateway.control.ledger_plan import LedgerPlan
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.answers import Sides, compare
from gateway.parallel_run.comparison import Comparison
from gateway.parallel_run.epoch import epoch_key, rules_digest
from gateway.parallel_run.observation import Answer, Asked, Observation
from gateway.parallel_run.plan import Ignore, Kept, ParallelRun, Place, Rules
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.strata import Stratum, template

DAY_S = 86_400.0
TOKEN_KEY = b"a key for this script alone"
RUN = ParallelRun(
    name="images",
    control="legacy",
    candidate="image_service",
    sample=20_000,
    rules=Rules(
        ignore=(
            Ignore(
                place=Place(json="$.etag"),
                because="the new side counts versions anew",
                until="2099-12-31",
            ),
            Ignore(place=Place(header="x-powered-by"), because="framework", until="2020-01-31"),
            Ignore(place=Place(json="$.legacy_id"), because="to go away", until="2099-12-31"),
        )
    ),
    kept=Kept(plain=("size",)),
)
_JSON = ((b"Content-Type", b"application/json"), (b"Server", b"uvicorn"))
_PNG = ((b"Content-Type", b"image/png"),)


@dataclass(slots=True)
class Script:
    """One play of it."""

    requests: int = 4_000
    faults: bool = True
    """Whether the candidate has any."""
    seed: int = 7

    def results(self, now_s: float) -> Iterator[TrialResult]:
        """Trials of the last three days."""
        source = random.Random(self.seed)
        for number in range(self.requests):
            at_s = now_s - 3 * DAY_S * (1 - number / self.requests) - 60
            yield self._trial(source, number, at_s)

    def _trial(self, source: random.Random, number: int, at_s: float) -> TrialResult:
        pick, image = source.random(), source.randrange(1, 1 + self.requests)
        if pick < 0.04:
            path, answers = f"/images/{image}/file", self._pictures(source, image)
        elif pick < 0.34:
            page = source.randrange(1, 1 + self.requests // 4)
            path, answers = f"/images?page={page}", _lists(page)
        elif pick < 0.40:
            path, answers = f"/images/{900_000 + image}", _missing()
        elif pick < 0.405 and self.faults:
            path, answers = "/images/styles", _lists(1)
        else:
            path, answers = f"/images/{image}", self._documents(source, image, at_s)
        return self._ended(source, number, at_s, path, answers)

    def _ended(
        self,
        source: random.Random,
        number: int,
        at_s: float,
        path: str,
        answers: tuple[Answer, Answer, Answer],
    ) -> TrialResult:
        control, candidate, second = answers
        comparison = _compared(control, candidate)
        became, failure = comparison.became, ""
        second_comparison = _compared(control, second) if source.random() < 0.2 else None
        if self.faults and source.random() < 0.002:
            became, failure = TrialClass.CANDIDATE_FAILED, "read:timeout:upstream"
        old_s, new_s = source.lognormvariate(-3.8, 0.4), source.lognormvariate(-4.4, 0.5)
        theirs = None if failure else candidate
        return TrialResult(
            run=RUN.name,
            epoch_key=epoch_key("2.4.1", rules_digest(RUN)),
            trial_id=hashlib.md5(f"{number}".encode(), usedforsecurity=False).hexdigest(),
            route="images",
            stratum=Stratum("GET", template(path.partition("?")[0]), control.status // 100),
            became=became,
            fingerprint=hashlib.sha256(f"GET {path}".encode()).hexdigest(),
            at_s=at_s,
            control=Observation(
                backend="legacy", began_at_s=at_s, duration_s=old_s, answer=control
            ),
            candidate=Observation(
                backend="image_service",
                began_at_s=at_s + old_s,
                duration_s=new_s,
                answer=theirs,
                failure=failure,
            ),
            comparison=None if failure else comparison,
            asked=Asked(
                method=b"GET",
                target=path.encode(),
                headers=(
                    (b"Host", b"shop.example"),
                    (b"Authorization", b"Bearer 5up3r-s3cr3t"),
                    (b"Accept", b"application/json"),
                ),
            ),
            second_comparison=second_comparison,
        )

    def _documents(
        self, source: random.Random, image: int, at_s: float
    ) -> tuple[Answer, Answer, Answer]:
        old = {
            "id": image,
            "prompt": f"a fig tree, number {image}",
            "owner": f"customer{image % 97}@shop.example",
            "size": "1024x1024",
            "price": 12.5 + image % 5,
            "created_at": "2026-11-20T10:00:00Z",
            "etag": f"v{image}",
            "served_at": _clock(at_s),
        }
        new = old | {"etag": "v1", "served_at": _clock(at_s + 0.04)}
        again = old | {"served_at": _clock(at_s + 0.02)}
        if self.faults and image % 61 == 0:
            new |= {"size": "1024", "price": old["price"] if source.random() < 0.5 else 12}
        if self.faults and image % 157 == 0:
            new.pop("owner")
        if not self.faults:
            new["served_at"] = again["served_at"] = old["served_at"]
        return _json(old), _json(new), _json(again)

    def _pictures(self, source: random.Random, image: int) -> tuple[Answer, Answer, Answer]:
        del source
        picture = _painted(image)
        new = picture
        if self.faults and image % 9 == 0:
            new = picture.filter(ImageFilter.GaussianBlur(4))
        old = _png(picture)
        return old, _png(new), old


def _compared(left: Answer, right: Answer) -> Comparison:
    sides = Sides(
        control=left, candidate=right, control_status=left.status, candidate_status=right.status
    )
    return compare(sides, RUN.rules)


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status=status, headers=_JSON, body=json.dumps(value).encode())


def _lists(page: int) -> tuple[Answer, Answer, Answer]:
    answer = _json({"items": [{"id": page * 10 + each, "size": "512x512"} for each in range(5)]})
    return answer, answer, answer


def _missing() -> tuple[Answer, Answer, Answer]:
    answer = _json({"error": "not found"}, 404)
    return answer, answer, answer


def _clock(at_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s)) + f".{int(at_s % 1 * 1e6):06}Z"


def _painted(image: int) -> Image.Image:
    source = random.Random(image)
    picture = Image.new("RGB", (320, 240), tuple(source.randrange(120, 250) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, r = source.randrange(320), source.randrange(240), source.randrange(10, 70)
        colour = tuple(source.randrange(256) for _ in range(3))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    return picture


def _png(picture: Image.Image) -> Answer:
    written = io.BytesIO()
    picture.save(written, "PNG")
    return Answer(status=200, headers=_PNG, body=written.getvalue())


async def play(url: str, script: Script, now_s: float) -> None:
    """Write all of it to a database."""
    source = random.Random(script.seed)
    clock = [now_s]
    ledger = Ledger(
        LedgerPlan(
            database_url=url,
            gateway="scripted",
            key=TOKEN_KEY,
            wall_s=lambda: clock[0],
            draw=source.random,
        )
    )
    ledger.follow({RUN.name: RUN})
    key = epoch_key("2.4.1", rules_digest(RUN))
    clock[0] = now_s - 3 * DAY_S
    ledger.not_sampled(RUN.name, key, script.requests * 4)
    ledger.start()
    first = next(script.results(now_s))
    ledger.ended(replace(first, became=TrialClass.RACED, fingerprint=""))
    while ledger.state.written == 0 and not ledger.state.fault:  # noqa: ASYNC110 - a plain count
        await asyncio.sleep(0.01)
    clock[0] = now_s
    for trial in script.results(now_s):
        ledger.ended(trial)
        if trial.at_s % 7 < 1:
            await asyncio.sleep(0)
    show = Stratum("GET", "/images/{id}", 2)
    shares = {TrialClass.SHED: 150, TrialClass.TOO_LARGE: 400, TrialClass.CLIENT_GONE: 250}
    classes = {each: script.requests // share for each, share in shares.items()}
    ledger.left_out(RUN.name, key, {(show, each): count for each, count in classes.items()})
    for _ in range(2):
        ledger.began(RUN.name)
    while ledger.state.written <= script.requests and not ledger.state.fault:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(
        play(sys.argv[1], Script(faults="--clean" not in sys.argv), time.time())  # noqa: TID251 - by hand
    )

"""What routes.yaml can say of a parallel run is what happens, with real sides and processes."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from image_service.trials.marks import read_mark
from tests.e2e.conftest import Start
from tests.support.figueira import Figueira, run
from tests.support.polling import eventually
from tests.support.routes_file import RoutesFile
from tests.support.side import Question, Reply, Side, says, side

pytestmark = pytest.mark.e2e

ROUTES = """
version: 1
backends:
  old: {{url: {old}}}
  new: {{url: {new}}}
  twin: {{url: {twin}}}
routes:
  - {{name: all, match: {{path_prefix: /}}, backend: {served}, parallel_run: trial}}
parallel_runs:
  trial: {{control: old, candidate: new, {more}}}
"""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRET = "0123456789abcdef" * 2


def thing(question: Question) -> Reply:
    """A thing by its id, the same on every side."""
    return says({"id": question.path.rpartition("/")[2], "name": "café"})


class Shop:
    """A gateway between two sides, and a third that runs the control's code."""

    def __init__(self, figueira: Figueira, sides: tuple[Side, Side, Side], folder: Path) -> None:
        self.figueira = figueira
        self.old, self.new, self.twin = sides
        self.customer = httpx.Client(base_url=figueira.url, timeout=10)
        self._told_by = partial(
            run,
            folder=folder,
            FIGUEIRA_DATABASE_URL=f"sqlite+aiosqlite:///{folder}/state/figueira.db",
        )

    def settled(self, eligible: int) -> dict[str, int]:
        """The classes once so many requests are eligible and none is pending."""

        def look() -> dict[str, int] | None:
            (found,) = self.figueira.status()["parallel_runs"]
            assert sum(found["classes"].values()) + found["pending"] == found["eligible"]
            is_settled = found["eligible"] >= eligible and not found["pending"]
            return {k: v for k, v in found["classes"].items() if v} if is_settled else None

        return eventually(look, "all trials end")

    def report(self, eligible: int) -> dict[str, Any]:
        """What the command says, once it knows of so many requests."""

        def look() -> dict[str, Any] | None:
            told: dict[str, Any] = json.loads(self._told_by("report", "trial", "--json").stdout)
            balance = told["balance"]
            is_whole = balance["eligible"] >= eligible and not balance["pending"]
            return told if is_whole else None

        return eventually(look, "the ledger has written all of it")


@pytest.fixture
def shop(start: Start, tmp_path: Path) -> Any:
    """Makes a shop whose run says `more` than its sides."""

    @contextmanager
    def made(more: str, served: str = "old", **variables: str) -> Iterator[Shop]:
        with side(thing) as old, side(thing) as new, side(thing) as twin:
            urls = {"old": old.url, "new": new.url, "twin": twin.url}
            text = ROUTES.format(more=more, served=served, **urls)
            with start(text, **variables) as figueira:
                shop = Shop(figueira, (old, new, twin), tmp_path)
                with shop.customer:
                    yield shop

    return made


def test_a_day_has_its_budget(shop: Any) -> None:
    with shop("budget: {per_day: 2}") as here:
        for number in range(5):
            here.customer.get(f"/things/{number}")
        assert here.settled(5) == {"matched": 2, "over_budget": 3}


def test_a_second_has_its_budget(shop: Any) -> None:
    with shop("budget: {per_second: 0.001}") as here:
        for number in range(4):
            here.customer.get(f"/things/{number}")
        assert here.settled(4) == {"matched": 1, "over_budget": 3}


def test_behind_a_cut_over_the_old_side_is_asked(shop: Any) -> None:
    """The customer has the new side's answer; the old one's word still is what is right."""
    with shop("reverse: true", served="new") as here:
        here.new.answer = lambda _: says({"id": "7", "name": "tea"})
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        assert here.customer.get("/things/7", headers=headers).json()["name"] == "tea"
        assert here.settled(1) == {"mismatched": 1}
        (found,) = here.report(1)["differences"]
        assert found["place"] == "json:$.name"
        # So that whoever looks at an example finds the customer's request in the log.
        assert {each["trace_id"] for each in found["examples"]} == {TRACE}
        # Once to be compared with, and once more, as it could have changed meanwhile.
        assert here.old.targets() == ["GET /things/7"] * 2


def test_a_new_side_that_is_down_behind_a_cut_over_has_failed(shop: Any) -> None:
    """The old one cannot be asked for what nobody took; the customer has a 502 already."""
    with shop("reverse: true", served="new") as here:
        text = here.figueira.routes.text.replace(here.new.url, "http://127.0.0.1:9")
        here.figueira.change(RoutesFile.rename_over, text)
        assert here.customer.get("/things/7").status_code == httpx.codes.BAD_GATEWAY
        assert here.settled(1) == {"candidate_failed": 1}
        assert here.report(1)["balance"]["classes"] == {"candidate_failed": 1}


def test_what_the_old_code_says_differently_each_time_is_noise_and_a_rule_is_proposed(
    shop: Any,
) -> None:
    source = random.Random(4)

    def restless(question: Question) -> Reply:
        at = f"2026-11-24T03:04:{source.uniform(10, 59):.6f}Z"
        return says({"id": question.path, "served_at": at})

    with shop("noise_sample: 100%, second_control: twin") as here:
        here.old.answer = here.new.answer = here.twin.answer = restless
        for number in range(12):
            here.customer.get(f"/things/{number}")
        classes = here.settled(12)
        assert classes["noise"] >= 9, "the first few are not known as noise yet"
        assert len(here.twin.asked) == 12
        told = here.report(12)
        assert told["second_controls"] == 12
        (noise,) = told["noise"]
        assert (noise["place"], noise["both"]) == ("json:$.served_at", 12)
        assert "{json: $.served_at, to: timestamp}" in noise["rule"]


def test_what_the_backfill_has_not_reached_is_no_fault(shop: Any) -> None:
    reached = 100

    def copied(question: Question) -> Reply:
        if question.path == "/backfill":
            return says({"id": reached})
        number = int(question.path.rpartition("/")[2])
        is_missing = number > reached or number == 13
        return says({"error": "no such thing"}, 404) if is_missing else thing(question)

    with shop("watermark: /backfill") as here:
        here.new.answer = copied
        for number in (99, 101, 102, 13):
            here.customer.get(f"/things/{number}")
        assert here.settled(4) == {"matched": 1, "not_replicated": 2, "mismatched": 1}
        asked = [each for each in here.new.asked if each.path == "/backfill"]
        assert len(asked) < 3, "not for each of them"


def test_what_is_copied_between_two_questions_is_no_fault_either(shop: Any) -> None:
    """The candidate has not got it; the backfill passes, and says so: then it is compared."""
    answers = iter([404, 200, 200])

    def late(question: Question) -> Reply:
        if question.path == "/backfill":
            return says({"id": 100})
        return thing(question) if next(answers) == 200 else says({}, 404)

    with shop("watermark: /backfill") as here:
        here.new.answer = late
        here.customer.get("/things/7")
        assert here.settled(1) == {"matched": 1}


def test_ids_that_both_sides_gave_to_one_creation_are_asked_for_by_either_in_its_own(
    shop: Any,
) -> None:
    def creates(first: int) -> Any:
        numbers = iter(range(first, first + 10))

        def answer(question: Question) -> Reply:
            if question.method == "POST":
                return says({"id": next(numbers), "name": "tea"}, 201)
            return says({"id": int(question.path.rpartition("/")[2]), "name": "tea"})

        return answer

    with shop("writes: allow, normalise: [{json: $.id, to: id_alias}]") as here:
        here.old.answer, here.new.answer = creates(1), creates(501)
        assert here.customer.post("/things", json={"name": "tea"}).json()["id"] == 1
        assert here.settled(1) == {"ignored": 1}
        here.customer.get("/things/1")
        assert here.settled(2) == {"ignored": 2}
        assert here.new.targets() == ["POST /things", "GET /things/501"]
        assert here.new.asked[0].headers["idempotency-key"].startswith("figueira-")
        assert here.new.asked[0].body == here.old.asked[0].body


def test_trials_that_leave_nothing_behind_are_marked_so_that_the_service_believes_it(
    shop: Any,
) -> None:
    with shop('writes: sandbox, mark_secret: "${MARK}"', MARK=SECRET) as here:
        here.customer.post("/things/1", headers={"Idempotency-Key": "mine"})
        assert here.settled(1) == {"matched": 1}
        (asked,) = here.new.asked
        assert asked.headers["idempotency-key"] == "mine"
        mark = [asked.headers["x-figueira-trial"]]
        now_s = time.time()  # noqa: TID251 - as the service's clock
        assert read_mark(mark, secret=SECRET, now=now_s) is not None
        assert "x-figueira-trial" not in here.old.asked[0].headers


def test_what_can_be_done_twice_is_tried_and_the_rest_is_counted(shop: Any) -> None:
    with shop("writes: idempotent") as here:
        for method in ("PUT", "DELETE", "POST", "PATCH"):
            here.customer.request(method, "/things/1")
        assert here.settled(4) == {"matched": 2, "unsafe_refused": 2}
        assert here.new.targets() == ["PUT /things/1", "DELETE /things/1"]


def test_changes_come_to_the_candidate_in_the_order_in_which_they_came_to_the_control(
    shop: Any,
) -> None:
    def keeps() -> Any:
        kept: dict[str, str] = {}

        def answer(question: Question) -> Reply:
            if question.method == "PUT":
                kept[question.path] = question.body.decode()
            return says({"name": kept.get(question.path)})

        return answer

    with shop("writes: allow, budget: {in_flight: 64}") as here:
        here.old.answer, here.new.answer = keeps(), keeps()
        for number in range(60):
            here.customer.request(("PUT", "GET")[number % 2], "/things/1", content=f"{number}")
        assert here.settled(60) == {"matched": 60}


def _painter(seed: int, dimmer: int) -> Any:
    """Paints another picture at each request, from a range of colours."""
    source = random.Random(seed)

    def paint(question: Question) -> Reply:
        del question
        colour = tuple(source.randrange(256 - dimmer) for _ in range(3))
        file = io.BytesIO()
        Image.new("RGB", (32, 32), colour).save(file, "PNG")
        return Reply(body=file.getvalue(), kind="image/png")

    return paint


@pytest.mark.parametrize(("dimmer", "state"), [(0, "ready"), (170, "not ready")])
def test_pictures_that_are_never_equal_are_judged_by_many(
    shop: Any, dimmer: int, state: str
) -> None:
    wanted = "ready_when: {mismatch_rate_below: 20%}"
    with shop(f"images: {{compare: exchangeable}}, noise_sample: 100%, {wanted}") as here:
        here.old.answer, here.new.answer = _painter(1, 0), _painter(2, dimmer)
        for number in range(60):
            here.customer.get(f"/things/{number}/file")
        assert here.settled(60) == {"matched": 60}
        told = here.report(60)
        assert told["state"] == state, told["reasons"]
        if state == "not ready":
            assert "tint varies less" in told["reasons"][0]


def test_evidence_begins_anew_with_each_build_that_the_candidate_names(shop: Any) -> None:
    builds = ["1.0"]

    def named(question: Question) -> Reply:
        return says({"build": builds[-1]}) if question.path == "/livez" else thing(question)

    with shop("build_health: {path: /livez, json: $.build}") as here:
        here.new.answer = named
        here.customer.get("/things/1")
        assert here.report(1)["epoch"]["build"] == "1.0"
        builds.append("2.0")

        def next_build() -> bool:
            here.customer.get("/things/1")
            return bool(here.report(1)["epoch"]["build"] == "2.0")

        eventually(next_build, "the candidate is asked again within seconds")
        assert here.report(1)["before"], "what was known of the build before is kept"

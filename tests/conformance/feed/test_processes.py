"""Several processes write, and the monolith is killed while it does."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import Engine

from legacy_stub.feed.switching import switch
from tests.conformance.feed.watching import Watched
from tests.support.processes import Process, environment, running

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
WRITERS = 4
ACKNOWLEDGED = 60
"""How many answers are waited for before each kill."""


@contextmanager
def monolith(url: str, folder: Path, **settings: str) -> Iterator[tuple[Process, str, str]]:
    """A monolith; with its URL and that of its feed."""
    environ = environment(LEGACY_DATABASE_URL=url, LEGACY_IMAGE_DELAY="0", **settings)
    command = [sys.executable, "-m", "legacy_stub", "--port", "0"]
    with running(command, folder=folder, environ=environ) as process:
        shop = process.wait_for_line(r"legacy_stub: listening on (http://.+)")[1]
        feed = process.wait_for_line(r"legacy_stub: changes on (http://.+)/changes")[1]
        yield process, shop, feed


@dataclass(slots=True)
class Customers:
    """Customers who order and change things until the shop is gone; and what they were told."""

    shop: str
    wave: int
    enough: threading.Event = field(default_factory=threading.Event)
    acknowledged: list[str] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let them work until the block ends; the shop must be gone by then."""
        threads = [threading.Thread(target=self._work, args=[n]) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()

    def _work(self, number: int) -> None:
        with httpx.Client(base_url=self.shop, timeout=20) as client:
            for turn in range(100_000):
                mark = f"w{self.wave}-{number}-{turn}"
                try:
                    self._turn(client, mark, turn)
                except httpx.TransportError:
                    return
                self.acknowledged.append(mark)
                if len(self.acknowledged) >= ACKNOWLEDGED:
                    self.enough.set()

    def _turn(self, client: httpx.Client, mark: str, turn: int) -> None:
        if turn % 5 == 4:
            order = {"prompt": mark, "size": "256x256"}
            assert client.post("/images", json=order).json()["status"] == "pronta"
            return
        made = client.post("/products", json={"name": mark, "price": turn}).json()
        if turn % 3 == 0:
            client.delete(f"/products/{made['id']}")


class HttpReader:
    """A reader over HTTP that keeps nothing but its cursor and what it was told."""

    def __init__(self) -> None:
        self.cursor = "0"
        self.events: list[dict[str, object]] = []

    def read(self, feed: str) -> None:
        """Read to the end, in small pages."""
        with httpx.Client(base_url=feed, timeout=20) as client:
            while True:
                page = client.get(f"/changes?after={quote(self.cursor)}&limit=7").json()
                self.events += page["events"]
                self.cursor = page["cursor"]
                if not page["more"]:
                    return


def marks(reader: HttpReader) -> set[object]:
    """The names and prompts of all events."""
    payloads = [event["payload"] for event in reader.events]
    assert all(isinstance(payload, dict) for payload in payloads)
    return {p.get("name", p.get("prompt")) for p in payloads if isinstance(p, dict)}


def folded(reader: HttpReader) -> dict[tuple[object, object], dict[str, object]]:
    """What is there after all events, by aggregate and id."""
    rows: dict[tuple[object, object], dict[str, object]] = {}
    for event in reader.events:
        payload = event["payload"]
        assert isinstance(payload, dict)
        key = event["aggregatetype"], payload["id"]
        if event["type"] == "delete":
            del rows[key]
        else:
            rows[key] = payload
    return rows


def test_kills_under_load_lose_no_acknowledged_write_and_no_event(url: str, tmp_path: Path) -> None:
    """SIGKILL three times, the reader going on by its cursor each time."""
    reader = HttpReader()
    acknowledged: list[str] = []
    for wave in range(3):
        with monolith(url, tmp_path) as (process, shop, feed):
            customers = Customers(shop=shop, wave=wave)
            with customers.at_work():
                assert customers.enough.wait(20), process.describe("too slow")
                reader.read(feed)
                process.send(signal.SIGKILL)
                process.wait()
            acknowledged += customers.acknowledged
    with monolith(url, tmp_path) as (process, shop, feed):
        reader.read(feed)
        assert set(acknowledged) <= marks(reader)
        ids = [event["id"] for event in reader.events]
        assert len(set(ids)) == len(ids)
        positions = [int(str(event["position"])) for event in reader.events]
        assert positions == sorted(set(positions))
        with httpx.Client(base_url=shop) as client:
            there = {("product", row["id"]): row for row in client.get("/products").json()}
            there |= {("image", row["id"]): row for row in client.get("/images").json()}
            rows = folded(reader)
            assert rows.keys() == there.keys()
            for key, row in there.items():
                row.pop("url", None)  # the shop's own; everything else is in the feed as well
                assert row == {name: rows[key][name] for name in row}
        assert process.stop(signal.SIGTERM) == 0


def test_writers_in_several_processes_are_told_complete_and_in_order(
    engine: Engine,
) -> None:
    """Three programs and a reader at the same time; a quarter of all transactions is taken back."""
    switch(engine, on=True)
    watched = Watched(engine)
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.conformance.feed.writer", url]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(running([*command, name], folder=ROOT)) for name in ("a", "b", "c")
        ]
        told = []
        while not all(writer.has_ended for writer in writers):
            told += watched.read(limit=7)
        for writer in writers:
            assert writer.wait() == 0, writer.describe("a writer failed")
        told += watched.read()
    committed = [mark for writer in writers for mark in writer.stdout]
    assert len(committed) > 100, "each got through some of the time"
    made = [event.payload["name"] for event in told if event.type == "create"]
    assert sorted(map(str, made)) == sorted(committed), "each once, and nothing else"
    assert watched.held() == watched.table()


def test_a_waiting_reader_is_answered_as_soon_as_there_is_something(
    url: str, tmp_path: Path
) -> None:
    with monolith(url, tmp_path) as (_, shop, feed), httpx.Client(timeout=30) as client:
        begun = client.get(f"{feed}/changes").json()
        answers: list[dict[str, object]] = []
        wait = f"{feed}/changes?after={begun['cursor']}&wait=20"
        waiting = threading.Thread(
            target=lambda: answers.append(httpx.get(wait, timeout=30).json())
        )
        waiting.start()
        client.post(f"{shop}/products", json={"name": "Caneca", "price": 1})
        waiting.join(10)
        assert not waiting.is_alive(), "long before the 20 s are over"
        events = answers[0]["events"]
        assert isinstance(events, list)
        assert [event["type"] for event in events] == ["create"]


def test_a_stop_answers_who_still_waits(tmp_path: Path) -> None:
    with monolith(f"sqlite:///{tmp_path}/l.db", tmp_path) as (process, _, feed):
        cursor = httpx.get(f"{feed}/changes").json()["cursor"]
        answers: list[int] = []
        wait = f"{feed}/changes?after={cursor}&wait=60"
        waiting = threading.Thread(
            target=lambda: answers.append(httpx.get(wait, timeout=30).status_code)
        )
        waiting.start()
        assert httpx.get(f"{feed}/changes/status").status_code == 200
        assert process.stop(signal.SIGTERM) == 0
        waiting.join(10)
        assert answers == [200]


def test_the_feed_is_on_its_own_port_alone(tmp_path: Path) -> None:
    with monolith(f"sqlite:///{tmp_path}/l.db", tmp_path) as (_, shop, feed):
        assert httpx.get(f"{shop}/changes").status_code == 404
        assert httpx.get(f"{feed}/products").status_code == 404


def test_a_monolith_without_a_feed_has_one_port(tmp_path: Path) -> None:
    environ = environment(LEGACY_DATABASE_URL=f"sqlite:///{tmp_path}/l.db", LEGACY_CHANGES="off")
    command = [sys.executable, "-m", "legacy_stub", "--port", "0"]
    with running(command, folder=tmp_path, environ=environ) as process:
        shop = process.wait_for_line(r"legacy_stub: listening on (http://.+)")[1]
        assert httpx.get(f"{shop}/products").json() == []
        assert len(process.stderr) == 1


def test_a_taken_port_of_the_feed_is_one_line(tmp_path: Path) -> None:
    with monolith(f"sqlite:///{tmp_path}/a.db", tmp_path) as (_, _, feed):
        port = feed.rpartition(":")[2]
        ended = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "legacy_stub", "--port", "0", "--changes-port", port],
            env=environment(LEGACY_DATABASE_URL=f"sqlite:///{tmp_path}/b.db"),
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "--changes-port" in ended.stderr

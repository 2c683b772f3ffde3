"""The feed's port, as a reader meets it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text

from legacy_stub.database import open_database
from legacy_stub.feed.pictures import Pictures
from legacy_stub.feed.readers import MOST_READERS, Readers
from legacy_stub.feed.reading import PAGE_BYTES, Reader
from legacy_stub.feed.server import utc_now
from legacy_stub.feed.switching import switch
from legacy_stub.feed.web import Changes, create_app

LINES = {"Accept": "application/x-ndjson"}
PNG = b"not really a picture"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database with its feed on: two products, one image."""
    engine = open_database(f"sqlite:///{tmp_path}/legacy.db", connections=5)
    switch(engine, on=True)
    run(engine, "INSERT INTO product VALUES (1, 'Caneca', 19.9), (2, 'Prato', 30)")
    run(engine, "INSERT INTO image VALUES (1, NULL, 'praia', '1x1', 'pronta', :png)", png=PNG)
    yield engine
    engine.dispose()


def run(engine: Engine, statement: str, **values: object) -> None:
    """Run a statement behind the monolith's back."""
    with engine.begin() as connection:
        connection.execute(text(statement), values)


@pytest.fixture
async def reader(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    """A program that reads the feed."""
    changes = Changes(
        Reader(engine, utc_now),
        Readers(engine, utc_now),
        Pictures(engine),
        stopping=lambda: False,
    )
    transport = httpx.ASGITransport(app=create_app(changes))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8003") as client:
        yield client


async def test_a_page_says_where_reader_and_feed_stand(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/changes?limit=2")
    page = answer.json()
    assert [event["position"] for event in page["events"]] == [1, 2]
    assert (page["position"], page["last"], page["oldest"]) == (2, 3, 0)
    assert (page["more"], page["snapshot"]) == (True, False)
    assert page["cursor"] == page["events"][-1]["cursor"]
    rest = (await reader.get("/changes", params={"after": page["cursor"]})).json()
    assert [event["position"] for event in rest["events"]] == [3]
    assert rest["more"] is False
    assert answer.headers["cache-control"] == "no-store"


async def test_an_event_has_debezium_s_names(reader: httpx.AsyncClient) -> None:
    (event,) = (await reader.get("/changes?limit=1")).json()["events"]
    assert {"id", "aggregatetype", "aggregateid", "type", "payload"} <= event.keys()
    assert (event["aggregatetype"], event["aggregateid"], event["type"]) == (
        "product",
        "1",
        "create",
    )
    assert event["payload"] == {"id": 1, "name": "Caneca", "price": 19.9}


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/jsonl, */*;q=0.1"])
async def test_lines_of_json_hold_the_same_events(reader: httpx.AsyncClient, accept: str) -> None:
    whole = (await reader.get("/changes")).json()
    answer = await reader.get("/changes", headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == whole["events"]
    assert answer.headers["feed-cursor"] == whole["cursor"]
    assert answer.headers["feed-id"] == whole["feed"]
    assert answer.headers["feed-more"] == "false"


async def test_a_reader_at_the_end_keeps_its_cursor(reader: httpx.AsyncClient) -> None:
    page = (await reader.get("/changes")).json()
    for _ in range(2):
        again = (await reader.get("/changes", params={"after": page["cursor"]})).json()
        assert (again["events"], again["cursor"]) == ([], page["cursor"])


async def test_an_answer_is_bounded_in_bytes_too(reader: httpx.AsyncClient, engine: Engine) -> None:
    """Prompts may be long, and a thousand of them are asked for at once."""
    long = "x" * 4000
    with engine.begin() as connection:
        for _ in range(400):
            connection.execute(text("UPDATE product SET name = :n WHERE id = 1"), {"n": long})
    page = (await reader.get("/changes?limit=1000")).json()
    assert page["more"]
    sizes = [len(event["payload"].get("name", "")) for event in page["events"]]
    assert PAGE_BYTES - 3 * len(long) < sum(sizes) < PAGE_BYTES


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/changes?after=3", 400, "cursor"),
        ("/changes?after=", 400, "cursor"),
        ("/changes?limit=0", 400, "parameter"),
        ("/changes?limit=1001", 400, "parameter"),
        ("/changes?limit=ten", 400, "parameter"),
        ("/changes?wait=61", 400, "parameter"),
        ("/changes?wait=-1", 400, "parameter"),
        ("/changes?after=3-0000000000000000", 410, "another_feed"),
        ("/changes/images/x/file", 404, "no_image"),
        ("/changes/images/2/file", 404, "no_picture"),
        ("/changes/images/1/file?version=2", 410, "another_picture"),
        ("/changes/images/1/file?version=x", 400, "parameter"),
        ("/changes/nothing", 404, "path"),
        ("/changes/", 404, "path"),
        ("/products", 404, "path"),
    ],
)
async def test_what_cannot_be_answered_says_why(
    reader: httpx.AsyncClient, path: str, status: int, reason: str
) -> None:
    answer = await reader.get(path)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_must_begin_again_is_told_which_feed_is_there(
    reader: httpx.AsyncClient,
) -> None:
    feed = (await reader.get("/changes/status")).json()["feed"]
    gone = (await reader.get(f"/changes?after=3-{feed[:8]}00000000")).json()
    assert (gone["status"], gone["reason"], gone["feed"]) == (410, "diverged", feed)


async def test_a_type_that_is_not_there_is_refused(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/changes", headers={"Accept": "text/html"})
    assert answer.status_code == 406


async def test_a_picture_is_fetched_by_the_url_of_its_event(
    reader: httpx.AsyncClient, engine: Engine
) -> None:
    event = (await reader.get("/changes")).json()["events"][-1]
    file = event["payload"]["file"]
    answer = await reader.get(file["url"])
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["etag"] == f'"{file["sha256"]}"'
    assert file["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert file["bytes"] == len(PNG)
    run(engine, "UPDATE image SET png = x'00'")
    assert (await reader.get(file["url"])).status_code == 410
    assert (await reader.get("/changes/images/1/file")).content == b"\0"


async def test_a_reader_acknowledges_and_is_listed_until_it_is_forgotten(
    reader: httpx.AsyncClient,
) -> None:
    page = (await reader.get("/changes?limit=2")).json()
    done = await reader.post("/changes/readers/images-1", json={"cursor": page["cursor"]})
    assert done.json()["position"] == 2
    (listed,) = (await reader.get("/changes/status")).json()["readers"]
    assert (listed["name"], listed["cursor"], listed["behind"]) == ("images-1", page["cursor"], 1)
    assert [one["name"] for one in (await reader.get("/changes/readers")).json()] == ["images-1"]
    assert (await reader.delete("/changes/readers/images-1")).status_code == 204
    assert (await reader.delete("/changes/readers/images-1")).status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("images", b"", 400),
        ("images", b"[]", 400),
        ("images", b'{"cursor": 3}', 400),
        ("images", b'{"cursor": "3"}', 400),
        ("images", b'{"cursor": "3-0000000000000000"}', 410),
        ("images", b" " * 2000, 413),
        ("images", b"[" * 1024, 400),
        ("im ages", b'{"cursor": "0"}', 400),
        ("x" * 65, b'{"cursor": "0"}', 400),
    ],
)
async def test_an_acknowledgement_that_makes_no_sense_is_refused(
    reader: httpx.AsyncClient, name: str, body: bytes, status: int
) -> None:
    answer = await reader.post(f"/changes/readers/{name}", content=body)
    assert answer.status_code == status
    assert (await reader.get("/changes/readers")).json() == []


async def test_there_are_not_endlessly_many_readers(reader: httpx.AsyncClient) -> None:
    for number in range(MOST_READERS):
        await reader.post(f"/changes/readers/r{number}", json={"cursor": "0"})
    one_more = await reader.post("/changes/readers/r", json={"cursor": "0"})
    assert (one_more.status_code, one_more.json()["reason"]) == (409, "too_many_readers")
    known = await reader.post("/changes/readers/r0", json={"cursor": "0"})
    assert known.status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8003", 200),
        ("[::1]:8003", 200),
        ("localhost", 200),
        ("legacy:8003", 200),
        ("legacy.shop.svc.cluster.local:8003", 200),
        ("attacker.example:8003", 421),
        ("localhost.attacker.example", 421),
        ("[::1", 421),
        ("an_attacker.example", 421),
        ("LOCALHOST:8003", 200),
        ("", 421),
        ("127.0.0.1@attacker.example", 421),
        ("attacker.example:", 421),
        ("attacker.example@127.0.0.1", 421),
    ],
)
async def test_a_stranger_s_page_in_a_browser_reads_nothing(
    reader: httpx.AsyncClient, host: str, status: int
) -> None:
    """Its own name can be given the address 127.0.0.1; the browser still says the name."""
    answer = await reader.get("/changes", headers={"Host": host})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:5000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_on_a_stranger_s_page_changes_nothing(
    reader: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """A page of any site can send one to 127.0.0.1; 64 of them would lock out every new reader."""
    sent = {"Content-Type": "text/plain", **headers}
    answer = await reader.post("/changes/readers/images", content=b'{"cursor":"0"}', headers=sent)
    assert (answer.status_code, answer.json()["reason"]) == (403, "origin")
    assert (await reader.get("/changes/readers")).json() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8003"},
    ],
)
async def test_an_address_typed_into_a_browser_is_answered(
    reader: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await reader.get("/changes", headers=headers)).status_code == 200


async def test_a_feed_that_was_switched_off_is_a_503(
    reader: httpx.AsyncClient, engine: Engine
) -> None:
    switch(engine, on=False)
    answer = await reader.get("/changes")
    assert (answer.status_code, answer.json()["reason"]) == (503, "database")
    assert answer.headers["retry-after"] == "1"

"""The pages behind which something happens, asked as the command and as strangers ask them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest

from gateway.admin.app import create_app
from gateway.admin.operations import (
    Announcement,
    HistoryPage,
    ReloadResult,
    RevisionText,
    page_of,
    text_of,
)
from gateway.errors import StartError
from gateway.state.kept import UNKNOWN, Origin, Refusal, RevisionFacts, StoredRevision
from tests.unit.gateway.admin.fake_view import AT, PROBLEM, FakeView

FACTS = RevisionFacts(
    number=7,
    accepted_at=AT,
    digest="ab" * 32,
    origin=Origin(author="ana", how="undo --to 3", restores=3),
    diff="@@ -1 +1 @@",
)
REFUSED = Refusal(refused_at=AT, digest="cd" * 32, origin=UNKNOWN, problem="bad", problems=2)
RELOADED = ReloadResult(
    revision=7,
    digest="ab" * 32,
    path="/etc/routes.yaml",
    file_digest="cd" * 32,
    problems=(PROBLEM,),
    workers=2,
    behind=(1,),
)
JSON = {"Content-Type": "application/json"}
ANNOUNCED = '{"digest": "%s", "author": "ana", "how": "set images a=1"}' % ("ab" * 32)


@dataclass(kw_only=True)
class FakeOperations:
    """An `Operations` that says what it was made with, and what it was told."""

    fault: StartError | None = None
    told: list[object] = field(default_factory=list)

    async def reload(self) -> ReloadResult:
        """What it was made with."""
        self._note("reload")
        return RELOADED

    def announce(self, announcement: Announcement) -> None:
        """Note it."""
        self._note(announcement)

    async def history(self, before: int | None, limit: int) -> HistoryPage:
        """One revision and two refusals, one of them older."""
        self._note((before, limit))
        older = Refusal(
            refused_at=AT - timedelta(days=1), digest="", origin=UNKNOWN, problem="x", problems=1
        )
        return page_of([FACTS], [REFUSED, older], 7)

    async def revision(self, number: int) -> RevisionText | None:
        """The one there is."""
        self._note(number)
        if number != 7:
            return None
        return text_of(StoredRevision(facts=FACTS, text="\ufeffé\r\n".encode()), 8, (PROBLEM,))

    def _note(self, what: object) -> None:
        if self.fault is not None:
            raise self.fault
        self.told.append(what)


async def _ask(
    operations: FakeOperations,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: str = "",
) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(FakeView(), operations))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9000") as client:
        return await client.request(method, path, headers=headers, content=body)


async def test_a_reload_tells_what_serves_and_who_has_not_taken_it() -> None:
    answer = await _ask(FakeOperations(), "POST", "/api/reload", JSON)
    assert answer.status_code == 200
    assert answer.json() == {
        "revision": 7,
        "digest": "ab" * 32,
        "path": "/etc/routes.yaml",
        "file_digest": "cd" * 32,
        "problems": [
            {
                "line": 14,
                "column": 9,
                "path": "routes[1]",
                "message": 'unknown key "wieght"',
                "hint": '"weight"?',
            }
        ],
        "workers": 2,
        "behind": [1],
    }


async def test_an_announcement_is_heard() -> None:
    operations = FakeOperations()
    answer = await _ask(operations, "POST", "/api/announce", JSON, ANNOUNCED)
    assert answer.status_code == 204
    assert operations.told == [Announcement(digest="ab" * 32, author="ana", how="set images a=1")]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"digest": "AB"}',
        ANNOUNCED.replace('"ana"', '"%s"' % ("x" * 256)),
        ANNOUNCED.replace('"ana"', "7"),
        ANNOUNCED.replace('"ana"', r'"a\u0000"'),
        ANNOUNCED.replace('"how"', '"hwo"'),
        ANNOUNCED.replace("}", ', "restores": 0}'),
        ANNOUNCED.replace("}", f', "restores": {2**31}}}'),
    ],
)
async def test_what_is_no_announcement_is_refused(body: str) -> None:
    operations = FakeOperations()
    answer = await _ask(operations, "POST", "/api/announce", JSON, body)
    assert (answer.status_code, operations.told) == (400, [])


@pytest.mark.parametrize("path", ["/api/reload", "/api/announce"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({**JSON, "Origin": "http://evil.example"}, 403, id="a-page-elsewhere"),
        pytest.param({**JSON, "Origin": "http://127.0.0.1:8000"}, 403, id="another-port"),
        pytest.param({**JSON, "Origin": "null"}, 403, id="a-sandboxed-frame"),
        pytest.param({"Content-Type": "text/plain"}, 415, id="a-simple-request"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, 415, id="a-form"),
        pytest.param({"Content-Type": "text/plain;application/json"}, 415, id="a-trick"),
        pytest.param({}, 415, id="no-type"),
        pytest.param({**JSON, "Host": "evil.example"}, 421, id="a-rebound-name"),
    ],
)
async def test_what_a_strangers_page_can_send_changes_nothing(
    path: str, headers: dict[str, str], expected: int
) -> None:
    """A browser asks before it sends JSON elsewhere, and is never told that it may."""
    operations = FakeOperations()
    answer = await _ask(operations, "POST", path, headers, ANNOUNCED)
    assert (answer.status_code, operations.told) == (expected, [])
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/api/reload", "/api/announce"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_what_changes_something_is_a_post(path: str, method: str) -> None:
    operations = FakeOperations()
    answer = await _ask(operations, method, path, JSON)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert operations.told == []


async def test_the_admin_ports_own_page_may() -> None:
    headers = {**JSON, "Origin": "http://127.0.0.1:9000"}
    assert (await _ask(FakeOperations(), "POST", "/api/reload", headers)).status_code == 200


async def test_the_history_is_a_page_with_what_was_refused_meanwhile() -> None:
    operations = FakeOperations()
    answer = await _ask(operations, "GET", "/api/revisions")
    assert answer.json() == {
        "revisions": [
            {
                "number": 7,
                "accepted_at": "2026-11-23T14:30:00Z",
                "digest": "ab" * 32,
                "author": "ana",
                "how": "undo --to 3",
                "restores": 3,
                "diff": "@@ -1 +1 @@",
                "serving": True,
            }
        ],
        "refusals": [
            {
                "refused_at": "2026-11-23T14:30:00Z",
                "digest": "cd" * 32,
                "author": None,
                "how": None,
                "problem": "bad",
                "problems": 2,
            }
        ],
    }
    await _ask(operations, "GET", "/api/revisions?before=7&limit=200")
    assert operations.told == [(None, 20), (7, 200)]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=-1", "before=x", "before=", "before=" + "9" * 5000]
)
async def test_a_page_that_cannot_be_is_refused(query: str) -> None:
    operations = FakeOperations()
    answer = await _ask(operations, "GET", f"/api/revisions?{query}")
    assert (answer.status_code, operations.told) == (400, [])


async def test_a_revision_comes_with_every_character_of_its_text() -> None:
    answer = await _ask(FakeOperations(), "GET", "/api/revisions/7")
    body = answer.json()
    assert body["text"].encode() == "\ufeffé\r\n".encode()
    assert (body["revision"]["serving"], len(body["problems"])) == (False, 1)


@pytest.mark.parametrize("number", ["8", "0", "-7", "x", "9" * 5000, "7/"])
async def test_there_may_be_no_such_revision(number: str) -> None:
    assert (await _ask(FakeOperations(), "GET", f"/api/revisions/{number}")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/revisions"), ("GET", "/api/revisions/7"), ("POST", "/api/reload")],
)
async def test_a_database_that_is_away_is_said_so(method: str, path: str) -> None:
    operations = FakeOperations(fault=StartError("cannot use the database: it is away"))
    answer = await _ask(operations, method, path, JSON)
    assert answer.status_code == 503
    assert answer.json()["detail"] == "cannot use the database: it is away"


async def test_without_operations_there_are_no_such_pages() -> None:
    transport = httpx.ASGITransport(create_app(FakeView()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.post("/api/reload", headers=JSON)).status_code == 404

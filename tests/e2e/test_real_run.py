"""The monolith against the image service, both real, by the shipped routes.yaml.

From the first trial to a verdict, with the import running beside.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.conftest import Figures
from tests.e2e.real_run import NEEDED, RealRun, real_run

pytestmark = pytest.mark.e2e

READS = ("GET /images/{id} 2xx", "GET /images/{id}/file 2xx")
ORDERS = "POST /images 2xx"
READY, NOT_READY, INSUFFICIENT = 0, 1, 3
PAGE = (Path(__file__).parents[2] / "docs" / "run-a-migration.md").read_text("utf-8")
_TABLES = ("images", "jobs", "attempts", "job_events", "idempotency_claims", "accounts")


def kept(here: RealRun) -> Mapping[str, object]:
    """What the image service holds but for the monolith's images: rows, and pictures."""
    with sqlite3.connect(here.folder / "images.db") as connection:
        found: dict[str, object] = {
            table: connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - our words
            for table in _TABLES
        }
    blobs = here.world.folder / "blobs"
    return found | {"blobs": sorted(path.name for path in blobs.rglob("*") if path.is_file())}


def shape(text: str) -> str:
    """A report up to its balance sheet, without what is another thing each time."""
    head = text.partition("\nWHAT BECAME")[0].partition("\n...")[0]
    # First the words, as a duration may stand over the end of a line.
    head = " ".join(head.split())
    head = re.sub(r"(about )?(less than a minute|\d+ (second|minute|hour|day)s?)", "T", head)
    return re.sub(r"[0-9a-f]{12}", "#", head)


def pasted(verdict: str) -> str:
    """The report of that verdict, as docs/run-a-migration.md shows it."""
    (found,) = re.findall(rf"^(images: {verdict}  .*?)^(?:```|\.\.\.)", PAGE, re.M | re.S)
    return str(found)


def test_from_the_first_trial_to_ready(tmp_path: Path, figures: Figures) -> None:
    """Ready for reading images, for their pictures, and for orders, which leave nothing behind."""
    with real_run(tmp_path) as here:
        product = here.customer.post("/products", json={"name": "Caneca", "price": 19.9}).json()
        began_s = time.monotonic()
        first = here.orders([f"farol {number}" for number in range(8)])
        # Nobody has brought a row over: that is no fault of the service, and no evidence.
        here.looks(first)
        assert here.settled()["not_replicated"] == 16
        assert not any(kept(here).values())
        code, told = here.told()
        assert code == INSUFFICIENT
        assert shape(here.report()[1]) == shape(pasted("INSUFFICIENT"))
        assert any("most of it is not_replicated" in reason for reason in told["reasons"])
        done = here.figueira.admin.get("/api/runs").json()["runs"][0]["epoch"]["build"]
        assert done not in {"", "unnamed"}, "the service names its build"
        reset = ("evidence", "reset", "images", "--because", "the import runs now")
        assert here.command(*reset).returncode == 0
        with here.importing():
            # Everybody looks at once at what he has just ordered.
            here.buy_and_look([f"praia {number}" for number in range(NEEDED)], product["id"])
            classes = here.settled()
        code, told = here.told()
        figures["real run: seconds to ready"] = round(time.monotonic() - began_s, 1)
        figures["real run: trials to ready"] = sum(each["trials"] for each in told["strata"])
        assert code == READY, here.report()[1]
        assert shape(here.report()[1]) == shape(pasted("READY"))
        assert set(here.kinds()) == {*READS, ORDERS}
        assert {each[1:] for each in here.kinds().values()} == {(0, "ready")}
        assert not {"mismatched", "candidate_failed", "compare_failed", "raced"} & set(classes)
        # The monolith bought what customers ordered, and nobody else bought anything.
        assert here.openai.purchases().total() == len(first) + NEEDED
        left = kept(here)
        rows = left["images"]
        assert isinstance(rows, list)
        assert len(rows) == len(first) + NEEDED, "only what was brought over"
        assert all(left[table] == [] for table in _TABLES[1:])


def test_a_service_that_writes_a_size_otherwise_is_not_ready(tmp_path: Path) -> None:
    """One field of one answer: found, named, with an example; the picture is as it was."""

    def twist(body: bytes) -> bytes:
        return body.replace(b'"size":"256x256"', b'"size":"256 x 256"')

    with real_run(tmp_path, twist=twist) as here:
        ids = here.orders([f"serra {number}" for number in range(12)])
        with here.importing():
            here.looks(ids)
            here.settled()
        code, told = here.told()
        assert code == NOT_READY
        kinds = here.kinds()
        assert kinds["GET /images/{id} 2xx"] == (12, 12, "not ready")
        assert kinds["GET /images/{id}/file 2xx"] == (12, 0, "insufficient")
        assert kinds[ORDERS] == (12, 12, "not ready")
        assert {each["place"] for each in told["differences"]} == {"json:$.size"}
        exported = here.command("evidence", "export", "images")
        (example, *_) = [json.loads(line) for line in exported.stdout.splitlines()]
        assert example["request"]["target"].startswith("/images")
        assert "serra" not in exported.stdout, "prompts are customers' own"

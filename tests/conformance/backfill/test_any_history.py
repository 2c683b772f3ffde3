"""Whatever happens to the monolith's images, and wherever the import breaks off: the same table.

The feed is the monolith's own, in this process, on a real database; so are rows and blobs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from image_service.backfill.feed import Feed
from image_service.backfill.importing import Hand, Importer
from image_service.backfill.landing import Landed, Landing
from image_service.backfill.pictures import Pictures
from image_service.backfill.progress import Progress
from image_service.backfill.verifying import Verifier
from image_service.blobs.folder import FolderBlobs
from image_service.database import open_database
from image_service.providers.procedural import render
from image_service.store import Store
from legacy_stub import database as legacy
from legacy_stub.feed.pictures import Pictures as FeedPictures
from legacy_stub.feed.readers import Readers
from legacy_stub.feed.reading import Reader
from legacy_stub.feed.retention import Pruning, Retention
from legacy_stub.feed.server import utc_now
from legacy_stub.feed.switching import switch
from legacy_stub.feed.web import Changes, create_app

_PICTURES = [None, render("a", 256, 256), render("b", 256, 256)]
_INSERT = (
    "INSERT INTO image (id, prompt, size, status, png) VALUES (:id, :prompt, :size, :now, :png)"
)
_CHANGES = {
    "put": ["DELETE FROM image WHERE id = :id", _INSERT],
    "paint": ["UPDATE image SET png = :png, status = :now WHERE id = :id"],
    "correct": ["UPDATE image SET prompt = :prompt WHERE id = :id"],
    "delete": ["DELETE FROM image WHERE id = :id"],
    "number": ["UPDATE OR IGNORE image SET id = id + 1 WHERE id = :id"],
    "product": ["INSERT INTO product (name, price) VALUES (:prompt, 1)"],
}

_STEPS = ["step", "die before", "die after", "begin again", "catch up", "prune"]
# Whatever no reader with a name holds goes at once.
_NONE_KEPT = Retention(days=1000, events=0, reader_days=1000)

changes = st.tuples(
    st.sampled_from(sorted(_CHANGES)),
    st.integers(1, 4),
    st.text(max_size=3).map(lambda found: found.replace("\0", "")),
    st.sampled_from([0, 1, 2]),
)
steps = st.one_of(changes, st.sampled_from(_STEPS))
Step = tuple[str, int, str, int] | str


class DeadError(Exception):
    """The import was killed."""


class MortalLanding(Landing):
    """Dies before or after its next commit, when told to."""

    dies = ""

    async def commit(self, before: Progress, after: Progress, landed: Sequence[Landed]) -> None:
        """Commit, or not."""
        dies, self.dies = self.dies, ""
        if dies == "die before":
            raise DeadError
        await super().commit(before, after, landed)
        if dies == "die after":
            raise DeadError


@contextmanager
def monolith(folder: Path, before: Sequence[Step]) -> Iterator[Engine]:
    """A monolith's database whose feed begins after some changes."""
    engine = legacy.open_database(f"sqlite:///{folder}/legacy.db", connections=8)
    for one in before:
        change(engine, one)
    switch(engine, on=True)
    try:
        yield engine
    finally:
        engine.dispose()


def change(engine: Engine, step: Step) -> None:
    """Change the monolith's table."""
    if isinstance(step, str):
        return
    kind, image_id, prompt, picture = step
    png = _PICTURES[picture]
    values = {"id": image_id, "prompt": prompt, "png": png, "size": "256x256"}
    values["now"] = "pendente" if png is None else "pronta"
    with engine.begin() as connection:
        for statement in _CHANGES[kind]:
            connection.execute(text(statement), values)


async def play(folder: Path, before: Sequence[Step], history: Sequence[Step]) -> None:
    """Let a history happen; afterwards both sides must be the same."""
    with monolith(folder, before) as engine:
        feed_app = create_app(
            Changes(
                Reader(engine, utc_now),
                Readers(engine, utc_now),
                FeedPictures(engine),
                stopping=lambda: True,
            )
        )
        database = open_database(make_url(f"sqlite+aiosqlite:///{folder}/images.db"))
        await database.prepare()
        transport = httpx.ASGITransport(app=feed_app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            feed, blobs = Feed(client), FolderBlobs(folder / "blobs")
            landing = MortalLanding(database)
            importer = Importer(
                feed=feed,
                landing=landing,
                pictures=Pictures(feed, blobs),
                hand=Hand(
                    clock=lambda: utc_now().timestamp(),
                    report=lambda _: None,
                    reader="images",
                    page_events=2,
                ),
            )
            for step in history:
                await do(step, engine, importer, landing)
            progress = await importer.catch_up(await importer.begin())
            assert progress.is_complete
            assert progress.is_swept
            assert progress.behind == 0

            async def catch_up() -> Progress:
                return await importer.catch_up(await landing.begin())

            verdict = await Verifier(feed=feed, landing=landing, blobs=blobs).verify(catch_up)
            assert verdict.is_clean, list(verdict.lines())
            assert not verdict.waiting
            await assert_same(engine, Store(database), blobs)
        await database.close()


async def do(step: Step, engine: Engine, importer: Importer, landing: MortalLanding) -> None:
    """Do one step of a history."""
    if not isinstance(step, str):
        change(engine, step)
        return
    if step == "begin again":
        await importer.begin(anew=True)
        return
    if step == "catch up":
        await importer.catch_up(await importer.begin())
        return
    if step == "prune":
        Pruning(engine, _NONE_KEPT, utc_now).prune()
        return
    landing.dies = step if step.startswith("die") else ""
    try:
        await importer.step(await importer.begin())
    except DeadError:
        pass
    finally:
        landing.dies = ""


async def assert_same(engine: Engine, store: Store, blobs: FolderBlobs) -> None:
    """Compare the tables themselves, not by way of the feed."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT id, product_id, prompt, size, status, png FROM image ORDER BY id")
        ).all()
    images = await store.page(after=0)
    ours = [
        (
            image.image_id,
            image.order.product_id,
            image.order.prompt,
            str(image.order.size),
            image.status,
            image.sha256 and await _read(blobs, image.sha256),
        )
        for image in images
    ]
    assert ours == [tuple(row) for row in rows]


async def _read(blobs: FolderBlobs, sha256: str) -> bytes:
    return b"".join(
        [piece async for piece in blobs.read(sha256, 0, await blobs.size_bytes(sha256))]
    )


@given(before=st.lists(changes, max_size=4), history=st.lists(steps, max_size=14))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_folded_import_is_the_monoliths_table(before: list[Step], history: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(play, Path(folder), before, history)

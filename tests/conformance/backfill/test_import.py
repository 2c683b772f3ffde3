"""Images of the monolith answer on the service as they do on the monolith."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from image_service.models import FIRST_ID
from tests.conformance.backfill.world import World, assert_same_answers, order

pytestmark = pytest.mark.e2e

_ROW = "INSERT INTO image (id, product_id, prompt, size, status, png) VALUES "


def test_every_image_is_answered_as_the_monolith_answers_it_byte_for_byte(world: World) -> None:
    """From before the feed and after, pending, deleted, made anew, changed by scripts."""
    with world.monolith(LEGACY_CHANGES="off") as (shop, _):
        old = [order(shop, f"praia {n}: ação \\0 'x' 🌊") for n in range(4)]
    world.script(
        _ROW + "(70, 9, 'à espera', '512x512', 'pendente', NULL)",
        _ROW + "(71, NULL, 'outro tamanho', '640x480', 'falhou', NULL)",
    )
    with world.monolith() as (shop, feed):
        httpx.delete(f"{shop}/images/{old[1]}")
        new = [order(shop, f"serra {n}") for n in range(3)]
        assert "2 of them" not in world.verified(feed)
        world.script(
            "UPDATE image SET prompt = 'corrigida', product_id = 3 WHERE id = 1",
            "UPDATE image SET png = (SELECT png FROM image WHERE id = 1) WHERE id = 4",
            "DELETE FROM image WHERE id = 3",
            _ROW + "(3, NULL, 'outra com o mesmo número', '256x256', 'pendente', NULL)",
        )
        assert "0 of them refused" in world.verified(feed)
        with world.service() as service:
            assert_same_answers(shop, service, range(80))
            assert _mark(service)["id"] == 2, "the third is being made, for all anybody knows"
            world.script("UPDATE image SET status = 'falhou' WHERE id = 3")
            world.verified(feed)
            mark = _mark(service)
            metrics = httpx.get(f"{service}/metrics").text
            assert order(service, "own") == FIRST_ID
    assert mark["id"] == max(71, *new)
    assert (mark["events_behind"], mark["complete"]) == (0, True)
    assert 0 <= mark["lag_s"] < 60
    assert f"figueira_images_import_position {mark['position']}.0" in metrics
    assert f"figueira_images_import_complete_id {mark['id']}.0" in metrics


def test_the_services_own_images_are_neither_touched_nor_imported_again(world: World) -> None:
    with world.service() as service, world.monolith() as (shop, feed):
        own = order(service, "praia")
        order(shop, "serra")
        # As a row of the service's own would look that somebody has copied to the monolith.
        world.script(_ROW + f"({own}, NULL, 'copy', '256x256', 'pendente', NULL)")
        world.verified(feed)
        assert httpx.get(f"{service}/images/{own}").json()["prompt"] == "praia"
        assert [row["id"] for row in httpx.get(f"{service}/images").json()] == [1, own]


def test_importing_again_changes_nothing_and_fetches_nothing(sqlite_world: World) -> None:
    with sqlite_world.monolith() as (shop, feed):
        order(shop, "praia")
        sqlite_world.verified(feed)
        [blob] = (sqlite_world.folder / "blobs").rglob("??/????*")
        before = blob.stat().st_mtime_ns
        assert sqlite_world.bring(feed, "--begin-again", "--verify").returncode == 0
        assert [*(sqlite_world.folder / "blobs").rglob("??/????*")] == [blob]
        assert blob.stat().st_mtime_ns == before


def test_another_feed_is_never_mixed_in_and_a_new_beginning_leaves_nothing_old(
    sqlite_world: World, tmp_path: Path
) -> None:
    other = replace(sqlite_world, legacy_url=f"sqlite:///{tmp_path}/other.db")
    with sqlite_world.monolith() as (shop, feed):
        for n in range(3):
            order(shop, f"first {n}")
        sqlite_world.verified(feed)
    with other.monolith() as (shop, feed):
        order(shop, "second")
        refused = other.bring(feed, "--verify")
        assert refused.returncode == 4
        assert "another_feed" in refused.stderr
        assert "--begin-again" in refused.stderr
        assert refused.stderr.count("\n") == 1
        with other.service() as service:
            prompts = [row["prompt"] for row in httpx.get(f"{service}/images").json()]
            assert prompts == ["first 0", "first 1", "first 2"], "nothing was changed"
            begun = other.bring(feed, "--begin-again", "--verify")
            assert begun.returncode == 0, begun.stderr
            assert_same_answers(shop, service, range(5))


def test_what_cannot_be_held_is_named_and_holds_nothing_up(sqlite_world: World) -> None:
    """SQLite takes anything in any column; the next image must come all the same."""
    with sqlite_world.monolith() as (shop, feed):
        order(shop, "praia")
        sqlite_world.script(
            _ROW + "(2, 'abc', 'p', '256x256', 'pronta', NULL)",
            _ROW + "(3, NULL, 'p', 'grande', 'pronta', NULL)",
            _ROW + "(4, NULL, 'p', '256x256', 'perdida', NULL)",
            _ROW + "(5, NULL, 'p', '256x256', 'pronta', CAST('no picture' AS BLOB))",
            _ROW + "(6, NULL, x'00ff', '256x256', 'pronta', NULL)",
            _ROW + "(7, NULL, 'p', '256x256', 'pronta', (SELECT substr(png, 1, 500) FROM image))",  # noqa: S608
        )
        order(shop, "serra")
        done = sqlite_world.bring(feed, "--verify")
    assert done.returncode == 3
    assert "8 images of the monolith are on record, 6 of them refused" in done.stdout
    assert "2 images equal, 0 missing, 0 extra, 0 different, 6 refused" in done.stdout
    for reason in (
        "2 (its product_id 'abc' is no whole number",
        "3 (its size 'grande' is not written as in 512x512",
        "4 (its status 'perdida' is none that is known here",
        "5 (its picture is application/octet-stream, not image/png",
        "6 (its prompt is no text",
        "7 (its picture is none",
    ):
        assert reason in done.stdout


def test_verify_finds_what_was_changed_lost_added_and_damaged_here(world: World) -> None:
    with world.monolith() as (shop, feed):
        for n in range(4):
            order(shop, f"praia {n}")
        world.verified(feed)
        with world.service() as service:
            httpx.delete(f"{service}/images/2")
        blobs = sorted((world.folder / "blobs").rglob("??/????*"))
        shown = {_picture(shop, n): n for n in (1, 3, 4)}
        [damaged, lost] = [path for path in blobs if path.read_bytes() in shown][:2]
        named = shown[damaged.read_bytes()], shown[lost.read_bytes()]
        damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
        lost.unlink()
        done = world.bring(feed, "--verify")
    assert done.returncode == 3
    assert "1 images equal, 1 missing, 0 extra, 0 different" in done.stdout
    assert "\nmissing: 2\n" in done.stdout
    assert f"picture damaged: {named[0]} ({damaged.name})" in done.stdout
    assert f"picture missing: {named[1]} ({lost.name})" in done.stdout


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://a:b@127.0.0.1:1/", "http://x/?q=1"])
def test_what_is_no_url_of_a_feed_is_one_line(sqlite_world: World, url: str) -> None:
    done = sqlite_world.bring(url)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "--from-changes" in done.stderr


def test_who_does_not_answer_and_who_is_no_feed_is_said(sqlite_world: World) -> None:
    silent = sqlite_world.bring("http://127.0.0.1:1", "--reader", "")
    assert silent.returncode == 1
    assert "does not answer: ConnectError" in silent.stderr
    with sqlite_world.monolith(LEGACY_CHANGES="off") as (shop, _):
        wrong = sqlite_world.bring(shop, "--reader", "")
    assert wrong.returncode == 1
    assert "no change feed that can be read: status 404" in wrong.stderr


def _mark(service: str) -> Any:
    return httpx.get(f"{service}/backfill/watermark").json()


def _picture(shop: str, image_id: int) -> bytes:
    return httpx.get(f"{shop}/images/{image_id}/file").content

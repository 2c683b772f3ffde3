"""The verifying form: what is compared, what is counted, and that nobody waits for it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from PIL import Image
from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.gallery.checking import QUEUE_ORDERS, Checks
from legacy_stub.gallery.port import GalleryError, ImageRecord
from legacy_stub.gallery.tally import Outcome, Tally
from legacy_stub.orders import Order, OrderError
from tests.support.polling import eventually
from tests.unit.legacy_stub.gallery.fakes import MemoryGallery

ORDER = Order(prompt="uma praia secreta", size="256x256")


@contextmanager
def comparing(
    sessions: sessionmaker[Session], local: MemoryGallery, remote: MemoryGallery, *, exact: bool
) -> Iterator[Checks]:
    """A comparison that runs."""
    checks = Checks(local=local, remote=remote, tally=Tally(sessions), exact=exact)
    checks.start()
    yield checks
    checks.close()


def counted(sessions: sessionmaker[Session], orders: int) -> dict[str, int]:
    """Wait until so many orders are counted; return those that are not zero."""
    tally = Tally(sessions)
    eventually(lambda: sum(tally.counts().values()) == orders, f"{orders} orders counted")
    return {outcome.value: count for outcome, count in tally.counts().items() if count}


def ordered(gallery: MemoryGallery) -> ImageRecord:
    image = gallery.order(ORDER)
    assert image is not None
    return image


def test_equal_answers_are_counted_and_the_copy_is_deleted(
    sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    local, remote = MemoryGallery(), MemoryGallery(next_id=1_000_000_001)
    with comparing(sessions, local, remote, exact=True) as checks:
        checks.offer(ORDER, ordered(local))
        assert counted(sessions, 1) == {"same": 1}
    assert (remote.images, remote.next_id) == ({}, 1_000_000_002)
    assert caplog.messages == []


def test_a_difference_is_one_line_with_the_fields_and_nothing_the_customer_wrote(
    sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    local, remote = MemoryGallery(), MemoryGallery(next_id=5, paint=lambda _: b"something else")
    image = ordered(local)
    other = replace(image, order=replace(ORDER, size="512x512"), status="pendente")
    local.images[1] = other
    with comparing(sessions, local, remote, exact=True) as checks:
        checks.offer(ORDER, other)
        assert counted(sessions, 1) == {"different": 1}
    assert caplog.messages == ["images_differ local=1 remote=5 fields=size,status,picture"]
    assert "secreta" not in caplog.text


def test_pictures_of_a_model_are_compared_by_their_shape(sessions: sessionmaker[Session]) -> None:
    """No two paintings are the same to the byte; format, mode and sides are."""

    def png(colour: str, side: int = 8) -> bytes:
        out = io.BytesIO()
        Image.new("RGB", (side, side), colour).save(out, "PNG")
        return out.getvalue()

    local = MemoryGallery(paint=lambda _: png("red"))
    remote = MemoryGallery(paint=lambda _: png("blue"))
    with comparing(sessions, local, remote, exact=False) as checks:
        checks.offer(ORDER, ordered(local))
        assert counted(sessions, 1) == {"same": 1}
        remote.paint = lambda _: png("blue", 9)
        checks.offer(ORDER, ordered(local))
        assert counted(sessions, 2) == {"same": 1, "different": 1}
        remote.paint = lambda _: b"no picture at all"
        checks.offer(ORDER, ordered(local))
        assert counted(sessions, 3) == {"same": 1, "different": 2}


@pytest.mark.parametrize("fault", [GalleryError("down"), OrderError("Prompt longo demais")])
def test_a_service_that_fails_or_refuses_is_counted_and_said(
    fault: GalleryError | OrderError,
    sessions: sessionmaker[Session],
    caplog: pytest.LogCaptureFixture,
) -> None:
    local, remote = MemoryGallery(), MemoryGallery(fault=fault)
    with comparing(sessions, local, remote, exact=True) as checks:
        checks.offer(ORDER, ordered(local))
        assert counted(sessions, 1) == {"failed": 1}
    assert caplog.messages == [f"images_remote_failed local=1 reason={str(fault)!r}"]


def test_a_picture_that_cannot_be_fetched_is_a_failure_and_its_copy_is_deleted(
    sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    class WithoutFiles(MemoryGallery):
        def file(self, image_id: int) -> bytes | None:
            raise GalleryError(f"no file of {image_id}")

    local, remote = MemoryGallery(), WithoutFiles(next_id=7)
    with comparing(sessions, local, remote, exact=True) as checks:
        checks.offer(ORDER, ordered(local))
        assert counted(sessions, 1) == {"failed": 1}
    assert remote.images == {}
    assert caplog.messages == ["images_remote_failed local=1 reason='no file of 7'"]


@pytest.mark.parametrize(
    ("fault", "outcome"), [(None, "different"), (GalleryError("down too"), "same")]
)
def test_an_order_that_failed_here_ought_to_fail_there(
    fault: GalleryError | None, outcome: str, sessions: sessionmaker[Session]
) -> None:
    with comparing(sessions, MemoryGallery(), MemoryGallery(fault=fault), exact=True) as checks:
        checks.offer(ORDER, None)
        assert counted(sessions, 1) == {outcome: 1}


def test_an_image_deleted_meanwhile_has_no_picture_to_compare(
    sessions: sessionmaker[Session],
) -> None:
    local, remote = MemoryGallery(), MemoryGallery()
    image = ordered(local)
    local.delete(image.image_id)
    with comparing(sessions, local, remote, exact=True) as checks:
        checks.offer(ORDER, image)
        assert counted(sessions, 1) == {"same": 1}


def test_a_copy_that_cannot_be_deleted_is_named(
    sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    class Undeletable(MemoryGallery):
        def delete(self, image_id: int) -> bool:
            raise GalleryError(f"will not let go of {image_id}")

    local = MemoryGallery()
    with comparing(sessions, local, Undeletable(next_id=7), exact=True) as checks:
        checks.offer(ORDER, ordered(local))
        assert counted(sessions, 1) == {"same": 1}
    assert caplog.messages == ["images_copy_left remote=7 reason='will not let go of 7'"]


def test_a_fault_of_the_comparison_itself_is_logged_and_the_next_order_is_compared(
    sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    local, remote = MemoryGallery(), MemoryGallery()

    def broken(_order: Order) -> bytes:
        remote.paint = lambda order: order.prompt.encode()
        raise ZeroDivisionError

    remote.paint = broken
    with comparing(sessions, local, remote, exact=True) as checks:
        for _ in range(2):
            checks.offer(ORDER, ordered(local))
        assert counted(sessions, 1) == {"same": 1}
    assert caplog.messages == ["images_check_failed"]


def test_beyond_its_short_queue_orders_are_shed_and_counted_and_nobody_waits(
    sessions: sessionmaker[Session],
) -> None:
    go_on = threading.Event()
    local, remote = MemoryGallery(), MemoryGallery()

    def held(order: Order) -> bytes:
        assert go_on.wait(20)
        return order.prompt.encode()

    remote.paint = held
    image = ordered(local)
    with comparing(sessions, local, remote, exact=True) as checks:
        checks.offer(ORDER, image)
        eventually(lambda: remote.images, "the first order under way")
        for _ in range(QUEUE_ORDERS + 3):
            checks.offer(ORDER, image)
        go_on.set()
        assert counted(sessions, QUEUE_ORDERS + 4) == {"same": QUEUE_ORDERS + 1, "shed": 3}


def test_counts_last_until_they_are_reset(sessions: sessionmaker[Session]) -> None:
    for _ in range(2):
        Tally(sessions).add(Outcome.SAME)
    assert Tally(sessions).counts()[Outcome.SAME] == 2
    Tally(sessions).reset()
    assert set(Tally(sessions).counts().values()) == {0}

"""The verifying form of the branch: the image service draws the monolith's orders once more.

Behind the customers' backs: one thread of its own, one order at a time, and what does not fit into
its short queue is shed and counted. The service's copy is deleted once it has been compared.
"""

from __future__ import annotations

import contextlib
import io
import logging
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from legacy_stub.gallery.port import Gallery, GalleryError, ImageRecord
from legacy_stub.gallery.tally import Outcome, Tally
from legacy_stub.orders import Order, OrderError
from legacy_stub.stopping import StoppingError

QUEUE_ORDERS = 16  # four rounds of the shop's own four workers
SHOWN_CHARACTERS = 200  # of a reason
CLOSE_S = 2.0  # for the thread to notice the end

log = logging.getLogger("legacy_stub.images")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An order that the monolith has dealt with; ``image`` is None when it failed to."""

    order: Order
    image: ImageRecord | None


class Checks:
    """Compares the two sides.

    Args:
        local: The side that answered.
        remote: The side that is tried out.
        tally: Counts what came of each order.
        exact: Whether both paint the same picture for the same order, to the byte.
    """

    def __init__(self, *, local: Gallery, remote: Gallery, tally: Tally, exact: bool) -> None:
        self._local = local
        self._remote = remote
        self._tally = tally
        self._exact = exact
        self._queue: queue.Queue[Check | None] = queue.Queue(QUEUE_ORDERS)
        self._thread = threading.Thread(target=self._run, daemon=True, name="legacy-check")
        self._has_ended = False

    def start(self) -> None:
        """Begin to compare."""
        self._thread.start()

    def offer(self, order: Order, image: ImageRecord | None) -> None:
        """Have an order compared, if there is room; never waits and never fails."""
        try:
            self._queue.put_nowait(Check(order=order, image=image))
        except queue.Full:
            self._tally.add_later(Outcome.SHED)

    def close(self) -> None:
        """Stop comparing; what is still to be compared is dropped."""
        self._has_ended = True
        with contextlib.suppress(queue.Full):  # then it looks up after the order it is at
            self._queue.put_nowait(None)
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (check := self._queue.get()) is not None and not self._has_ended:
            try:
                self._tally.add(self._compare(check))
            except StoppingError:
                return
            except Exception:  # one order's root: the next is compared all the same
                log.exception("images_check_failed")

    def _compare(self, check: Check) -> Outcome:
        try:
            fields = self._ask(check)
        except (GalleryError, OrderError) as error:
            if check.image is None:
                return Outcome.SAME
            # a refusal is in the service's own words; neither kind quotes the customer
            reason = str(error)[:SHOWN_CHARACTERS]
            log.warning("images_remote_failed local=%d reason=%r", check.image.image_id, reason)
            return Outcome.FAILED
        return Outcome.DIFFERENT if fields else Outcome.SAME

    def _ask(self, check: Check) -> list[str]:
        """Have the image service draw the order; return the names of what differs."""
        remote = self._remote.order(check.order)
        if remote is None:
            raise GalleryError("image service: deleted by somebody else before it was compared")
        try:
            if check.image is None:
                fields = ["outcome"]
            else:
                fields = [*_differing(check.image, remote), *self._pictures(check.image, remote)]
        finally:
            self._clean(remote.image_id)
        if fields:
            local = "-" if check.image is None else str(check.image.image_id)
            names = ",".join(fields)
            log.warning("images_differ local=%s remote=%d fields=%s", local, remote.image_id, names)
        return fields

    def _pictures(self, local: ImageRecord, remote: ImageRecord) -> Iterator[str]:
        ours = self._local.file(local.image_id)
        theirs = self._remote.file(remote.image_id)
        if ours is None:  # deleted meanwhile
            return
        same = ours == theirs if self._exact else _shape(ours) == _shape(theirs)
        if not same:
            yield "picture"

    def _clean(self, image_id: int) -> None:
        try:
            self._remote.delete(image_id)
        except GalleryError as error:
            log.warning("images_copy_left remote=%d reason=%r", image_id, str(error))


def _differing(local: ImageRecord, remote: ImageRecord) -> Iterator[str]:
    """Name the fields of the record that differ, those aside that must: id and url."""
    ours, theirs = local.as_json(), remote.as_json()
    for name in ("product_id", "prompt", "size", "status"):
        if ours[name] != theirs[name]:
            yield name


def _shape(content: bytes | None) -> object:
    """Return what two paintings of one order have in common: format, mode, sides."""
    try:
        with Image.open(io.BytesIO(content or b"")) as picture:
            return picture.format, picture.mode, picture.size
    except OSError:
        return None

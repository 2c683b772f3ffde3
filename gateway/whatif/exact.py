"""Recalling a request whose path can be read in several ways.

Such a request is refused where its readings lead to different backends, and that may hang on the
bucket: so each sticky value has to stand in its own bucket already while the decision is made.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.routing.path import is_plain, readings
from gateway.routing.snapshot import BUCKETS
from gateway.routing.split import bucket_of
from gateway.whatif.knowledge import CLIENT_IP, Knowledge
from gateway.whatif.recall import Recall, Value
from gateway.whatif.record import Record


def is_ambiguous(path: str) -> bool:
    """Whether some readers could read a path in another way than others."""
    raw = path.encode("latin-1", "replace")
    return not is_plain(raw) and len(readings(raw) or ()) > 1


class StandIns:
    """A value for each bucket, found by trial: a bucket's takes 100,000 of them at most often."""

    def __init__(self) -> None:
        self._found: dict[int, bytes] = {}
        self._tried = 0

    def value(self, bucket: int) -> bytes:
        """A value that lies in `bucket`, and is none that a route asks for."""
        found = self._found
        while bucket not in found:
            self._tried += 1
            value = b"\x01%d" % self._tried
            found.setdefault(bucket_of(value), value)
        return found[bucket]


_STAND_INS = StandIns()
"""For every file that is looked at: what lies in a bucket hangs on nothing else."""


class ExactRecall(Recall):
    """One record, in which every sticky value lies in its own bucket."""

    def __init__(
        self,
        record: Record,
        known: Knowledge,
        edges: Sequence[int],
        *,
        is_address_known: bool,
    ) -> None:
        """Take the first bucket of every share as `edges`: between two of them nothing changes."""
        super().__init__(record, known)
        self._edges = edges
        self._is_address_known = is_address_known

    def draw(self) -> float:
        """The draw that was recorded, or one for each share."""
        bucket = self.drawn_bucket()
        if bucket is None:
            chosen = self._assume("draw", [b"%d" % edge for edge in self._edges])
            bucket = int(chosen or 0)
        return (bucket + 0.5) / BUCKETS

    def _present(self, source: str) -> Value:
        bucket = self.bucket(source)
        if bucket is not None and (source != CLIENT_IP or self._is_address_known):
            return _STAND_INS.value(bucket)
        key = f"bucket of {source.replace(':', ' ', 1)}"
        return self._assume(key, [_STAND_INS.value(edge) for edge in self._edges])

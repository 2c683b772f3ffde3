"""Large bodies on their way from workers: each is put together before its exchange is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.control.messages import WorkerName
from gateway.control.trials.spool import Spool, Spooled
from gateway.parallel_run.classes import TrialClass
from gateway.proxy.captured import MOST_BODY_BYTES, Poured


@dataclass(frozen=True, slots=True)
class Bodies:
    """What of one exchange is kept in the spool."""

    request: Spooled = field(default_factory=Spooled)
    answer: Spooled = field(default_factory=Spooled)

    @property
    def both(self) -> tuple[Spooled, Spooled]:
        """By side."""
        return self.request, self.answer

    def fault(self, poured: Poured) -> TrialClass | None:
        """What becomes of the trial if not all is there that was sent; None if it is."""
        if any(body.fault for body in self.both):
            return TrialClass.SHED
        sizes = poured.request_bytes, poured.answer_bytes
        is_whole = sizes == (self.request.size, self.answer.size)
        return None if is_whole else TrialClass.LOST


class Arriving:
    """The captures of all workers that are not over."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._bodies: dict[tuple[WorkerName, int], Bodies] = {}

    def add(self, worker: WorkerName, capture_id: int, side: int, pieces: Sequence[bytes]) -> None:
        """Take bytes of a body; more than a worker would send of one are not kept."""
        bodies = self._bodies.setdefault((worker, capture_id), Bodies())
        body = bodies.both[1 if side else 0]
        if body.size + sum(map(len, pieces)) <= MOST_BODY_BYTES:
            self._spool.add(body, pieces)

    def take(self, worker: WorkerName, poured: Poured) -> Bodies:
        """What has come of an exchange that is over; whoever takes it has to free it."""
        return self._bodies.pop((worker, poured.capture_id), None) or Bodies()

    def give_up(self, worker: WorkerName, capture_ids: Iterable[int]) -> None:
        """Forget captures of which nothing comes."""
        for capture_id in capture_ids:
            self.free(self._bodies.pop((worker, capture_id), None))

    def lose(self, worker: WorkerName) -> None:
        """Forget all captures of a worker."""
        self.give_up(worker, [number for name, number in self._bodies if name == worker])

    def free(self, bodies: Bodies | None) -> None:
        """Let others have the room."""
        for body in bodies.both if bodies is not None else ():
            self._spool.free(body)

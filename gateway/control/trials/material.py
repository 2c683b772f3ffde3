"""What a trial is made of: what a worker has handed over, and what is in the spool."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.control.trials.arriving import Bodies
from gateway.control.trials.asking import read_answered, read_asked
from gateway.control.trials.knowing import fingerprint
from gateway.control.trials.spool import Spool
from gateway.parallel_run.observation import Asked, Observation
from gateway.proxy.captured import Captured

_LEAST_ANSWER_BYTES = 64 * 1024
"""Reserved for each answer; most are smaller."""
_MOST_ANSWERS = 4
"""Of one trial: control and candidate, and each once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A request, and what the side did that the customer was answered by."""

    asked: Asked
    served: Observation
    fingerprint: str


def at_hand(captured: Captured) -> Material:
    """Of an exchange that was handed over as a whole."""
    asked = read_asked(captured)
    return Material(asked=asked, served=read_answered(captured), fingerprint=fingerprint(asked))


def outline(captured: Captured) -> Material:
    """The same for a trial that nobody is asked for: without bodies that are not at hand."""
    if captured.poured is None:
        return at_hand(captured)
    served = replace(read_answered(captured), answer=None)
    return Material(asked=read_asked(captured, b""), served=served, fingerprint="")


async def fetch(spool: Spool, captured: Captured, bodies: Bodies) -> Material:
    """The same where bodies are in the spool.

    Raises:
        SpoolError: They cannot be read.
    """

    def read() -> Material:
        rest = captured.request.partition(b"\r\n\r\n")[2]
        asked = read_asked(captured, spool.read_now(bodies.request, rest))
        served = read_answered(captured, spool.read_now(bodies.answer, captured.body))
        return Material(asked=asked, served=served, fingerprint=fingerprint(asked))

    return await spool.run(read)


def share_bytes(captured: Captured) -> int:
    """How much memory a trial is given: for its request, and for every answer to it."""
    request, answer = len(captured.request), len(captured.body)
    if captured.poured is not None:
        request += captured.poured.request_bytes
        answer += captured.poured.answer_bytes
    return request + _MOST_ANSWERS * max(answer, _LEAST_ANSWER_BYTES)

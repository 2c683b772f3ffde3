"""What the comparing process does: a comparison, asked for and answered on its standard streams.

``python -m gateway.control.trials.comparing`` ends when its input does. A comparison that takes
longer than it may ends the process by an alarm, even if nobody is there any more to kill it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from dataclasses import replace
from functools import lru_cache
from typing import BinaryIO

import msgspec

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.answers import Sides, compare
from gateway.parallel_run.comparison import Comparison
from gateway.parallel_run.plan import Rules

LENGTH_BYTES = 4
LIMIT_S = 5
"""Of one comparison: a hundred times what two pictures of 1 MiB take."""
_MOST_MEMORY_BYTES = 2 * 1024**3
_NICE = 10


class Job(msgspec.Struct, array_like=True, frozen=True):
    """One comparison."""

    sides: Sides
    rules: bytes
    """Encoded, as the same come again and again."""
    body_bytes: tuple[int, int]
    """Of the control's and the candidate's bodies. They come behind it as they are: nothing of them
    is copied on control's event loop."""


job_encoder = msgspec.msgpack.Encoder()
rules_encoder = msgspec.msgpack.Encoder()
comparison_decoder = msgspec.msgpack.Decoder(Comparison)
_job_decoder = msgspec.msgpack.Decoder(Job)
_rules_decoder = msgspec.msgpack.Decoder(Rules)


@lru_cache(maxsize=64)
def _rules(encoded: bytes) -> Rules:
    return _rules_decoder.decode(encoded)


def frame(body: bytes) -> bytes:
    """A message as it is sent either way."""
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def job_of(sides: Sides, rules: Rules) -> tuple[bytes, bytes, bytes]:
    """A comparison as it is asked for: a frame, and the two bodies that go behind it."""
    control, candidate = sides.control.body, sides.candidate.body
    bare = replace(
        sides,
        control=replace(sides.control, body=b""),
        candidate=replace(sides.candidate, body=b""),
    )
    job = Job(bare, rules_encoder.encode(rules), (len(control), len(candidate)))
    return frame(job_encoder.encode(job)), control, candidate


def safely(sides: Sides, rules: Rules) -> Comparison:
    """Compare; a fault in a rule or in the comparison itself is told, never a match."""
    try:
        return compare(sides, rules)
    except Exception as fault:  # noqa: BLE001 - the root of a comparison: whatever it is, is told
        return Comparison(became=TrialClass.COMPARE_FAILED, fault=repr(fault)[:300])


def _read_job(stream: BinaryIO) -> Job | None:
    """The next comparison; None if there is none, or not all of it."""
    head = stream.read(LENGTH_BYTES)
    length = int.from_bytes(head, "big")
    encoded = stream.read(length)
    if not encoded or len(encoded) < length:
        return None
    job = _job_decoder.decode(encoded)
    control, candidate = (stream.read(size) for size in job.body_bytes)
    if (len(control), len(candidate)) != job.body_bytes:
        return None
    sides = job.sides
    whole = replace(
        sides,
        control=replace(sides.control, body=control),
        candidate=replace(sides.candidate, body=candidate),
    )
    return Job(whole, job.rules, job.body_bytes)


def main() -> None:
    """Compare until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Behind workers, where cores are few: customers come first.
    os.nice(_NICE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
    while (job := _read_job(sys.stdin.buffer)) is not None:
        # Twice what whoever asked waits: it is the alarm only of those who are left alone.
        signal.alarm(2 * LIMIT_S)
        found = safely(job.sides, _rules(job.rules))
        signal.alarm(0)
        try:
            sys.stdout.buffer.write(frame(job_encoder.encode(found)))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            # Whoever asked was killed: there is nobody to be told, and nothing to be said of it.
            os._exit(0)


if __name__ == "__main__":
    main()

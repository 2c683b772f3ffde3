"""The gateway's own log: one line an event, on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import Problem
from gateway.telemetry.events import Event, write_event

if TYPE_CHECKING:
    from gateway.control.certificate import Certificate

_MAX_NAMES = 5
"""Of a certificate, in a line; some have a hundred."""
_MAX_PROBLEMS = 20
"""Lines about one file; `figueira check` tells them all."""
_log = logging.getLogger("figueira")


def start_log(process: str) -> None:
    """Send the log of this process to standard error, under its name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s %(levelname)s {process}: %(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    _log.handlers[:] = [handler]
    _log.setLevel(logging.INFO)
    _log.propagate = False


def note(event: Event, **values: object) -> None:
    """Log what went as it should."""
    _log.info("%s", write_event(event, **values))


def warn(event: Event, **values: object) -> None:
    """Log what an operator should look at."""
    _log.warning("%s", write_event(event, **values))


def say_certificate(event: Event, certificate: Certificate, now: datetime) -> None:
    """Log which certificate customers are shown, and whether it is over or soon will be."""
    facts = certificate.facts
    if facts is None:
        note(event, sha256=certificate.fingerprint)
        return
    names = ",".join(facts.names[:_MAX_NAMES])
    if len(facts.names) > _MAX_NAMES:
        names += f",+{len(facts.names) - _MAX_NAMES}"
    ends = f"{facts.not_after:%Y-%m-%dT%H:%M:%SZ}"
    note(event, names=names, not_after=ends, sha256=certificate.fingerprint)
    if facts.is_due(now):
        warn(Event.CERTIFICATE_DUE, names=names, not_after=ends)


def say_refused(problems: Sequence[Problem], config: Path, *, serving: int) -> None:
    """Log why a changed routes.yaml is refused, and which revision serves on."""
    for problem in problems[:_MAX_PROBLEMS]:
        said = problem.describe(str(config))
        warn(Event.REVISION_REFUSED, serving=serving, problem=said)
    if len(problems) > _MAX_PROBLEMS:
        more = f"{len(problems) - _MAX_PROBLEMS:,} more; run: figueira check {config}"
        warn(Event.REVISION_REFUSED, serving=serving, problem=more)

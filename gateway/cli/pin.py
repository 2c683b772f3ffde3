"""`figueira pin`: a signed pin for a tester, as a header for curl or a browser's extension."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway.config.wording import Guess, quoted
from gateway.control.loading import load_config
from gateway.errors import ConfigError
from gateway.routing.snapshot import Snapshot
from gateway.wire.pins import write_pin

HEADER = "X-Figueira-Backend"
_UNITS_S = {"m": 60, "h": 3600, "d": 86_400}
_FOR = re.compile(r"([1-9][0-9]{0,5})([mhd])")
LONGEST_S = 30 * 86_400
"""A month: nobody remembers who was given what is valid longer."""


def pin(config: Path, backend: str, valid_for: str, *, as_json: bool) -> int:
    """Print a header that is honoured for a while; everything else is told to standard error.

    Returns:
        The exit code: 0 done, 1 the file cannot be used or has no secret, 2 wrong use.
    """
    duration_s = read_duration_s(valid_for)
    if duration_s is None:
        return _complain(f"--for {valid_for!r} is no time from 1m to 30d: write 30m, 8h or 2d", 2)
    try:
        snapshot = load_config(config, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(problem.describe(str(config)) + "\n")
        return 1
    if not snapshot.trust.pin_secret:
        hint = 'add it: trust: {pin_secret: "${FIGUEIRA_PIN_SECRET}"}'
        return _complain(f"{config} has no trust.pin_secret, or it is empty; {hint}", 1)
    routes = _routes(snapshot, backend)
    if not routes:
        known = {share.backend for route in snapshot.routes for share in route.shares}
        hint = Guess().hint(backend, known, kind="backends of splits")
        return _complain(f"no route's split has a backend {quoted(backend)} ({hint})", 2)
    expires_s = int(time.time()) + duration_s  # noqa: TID251 - what gateways compare it with
    value = write_pin(backend, expires_s, snapshot.trust.pin_secret)
    until = datetime.fromtimestamp(expires_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if as_json:
        told = {"header": HEADER, "value": value, "expires": until, "routes": routes}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        sys.stdout.write(f"{HEADER}: {value}\n")
        sys.stderr.write(f"new work of {', '.join(routes)} goes to {backend} until {until}\n")
    return 0


def read_duration_s(text: str) -> int | None:
    """``30m``, ``8h``, ``2d`` in seconds; None if it is none of these, or over `LONGEST_S`."""
    parts = _FOR.fullmatch(text)
    duration_s = int(parts[1]) * _UNITS_S[parts[2]] if parts else 0
    return duration_s if 0 < duration_s <= LONGEST_S else None


def _routes(snapshot: Snapshot, backend: str) -> list[str]:
    """The routes whose split has the backend, weight 0 included."""
    return [r.name for r in snapshot.routes if any(s.backend == backend for s in r.shares)]


def _complain(why: str, code: int) -> int:
    sys.stderr.write(f"figueira: error: {why}\n")
    return code

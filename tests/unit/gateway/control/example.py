"""A routes.yaml that can be flipped, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gateway.config import codec, load
from gateway.control.messages import Accepted
from gateway.routing.snapshot import Snapshot
from gateway.telemetry.counters import Counters, LaneCounters

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
BAD = "version: 2\n"


def text(percent: int = 0) -> str:
    """A good routes.yaml."""
    return f"""\
version: 1
backends:
  legacy: {{url: "http://127.0.0.1:1"}}
  image_service: {{url: "http://127.0.0.1:2"}}
routes:
  - {{name: all, match: {{path_prefix: /}}, split: {{legacy: rest, image_service: {percent}}}}}
"""


def snapshot(percent: int = 0) -> Snapshot:
    """What the file compiles to."""
    return load(text(percent).encode())


def accepted(revision: int = 1, percent: int = 0) -> Accepted:
    """The message that makes workers route by the file."""
    return Accepted(revision, codec.encode(snapshot(percent)), AT)


def write(folder: Path, percent: int = 0) -> Path:
    """The file, in a folder."""
    path = folder / "routes.yaml"
    path.write_text(text(percent), "utf-8")
    return path


def counted(requests: int) -> Counters:
    """What a worker has counted that has served some requests and holds a connection open."""
    lane = LaneCounters("all", "legacy")
    for _ in range(requests):
        lane.count(200, "draw", 0.01, "")
    return Counters(lanes=[lane], client_connections=1)


def requests_in(counters: Counters) -> int:
    """How many requests were counted in all."""
    return sum(sum(lane.by_class) for lane in counters.lanes)

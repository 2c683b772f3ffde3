"""A routes.yaml that can be flipped, and what comes of it."""

from __future__ import annotations

from pathlib import Path

from gateway.config import codec, load
from gateway.control.messages import Accepted
from gateway.routing.snapshot import Snapshot
from tests.support.counted import AT

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

"""What fuzzing starts from: files of messages, some of which were failures once.

``requests/*.http`` hold what a customer sends on one connection; ``answers/METHOD-ENDING-*.http``
what a backend answers to a request of that method, and how it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.answers import Ending

_FOLDER = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Answered:
    """A backend's bytes and what goes with them."""

    id: str
    method: bytes
    ending: Ending
    data: bytes


def requests() -> dict[str, bytes]:
    """Name -> what is sent."""
    return {path.stem: path.read_bytes() for path in sorted((_FOLDER / "requests").glob("*.http"))}


def answers() -> list[Answered]:
    """What is answered."""
    return [_read(path) for path in sorted((_FOLDER / "answers").glob("*.http"))]


def _read(path: Path) -> Answered:
    method, ending, _ = path.stem.split("-", 2)
    return Answered(path.stem, method.encode(), Ending(ending), path.read_bytes())

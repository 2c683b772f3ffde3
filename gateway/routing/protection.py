"""What routes.yaml says of a backend's health, and of what happens when it fails: plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftError:
    """Answers of `status` whose JSON matches count as another status."""

    json: str
    """A path, as `gateway.json_path` takes it."""
    equals: str | int | float | bool | None = None
    """The value that has to stand there; None: any but null, false, 0 and what is empty."""
    status: int = 200
    counts_as: int
    """400..599."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """Who is asked instead, once, when a backend is unavailable."""

    to: str
    """Another backend's name."""

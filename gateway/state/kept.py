"""What is kept of each routes.yaml, as plain data: to be had without the database's driver."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a change of the file comes from, as far as somebody told."""

    author: str | None = None
    """The operating system's user who gave the command; None for a plain edit."""
    how: str | None = None
    """The command, e.g. ``set images image_service=25``."""
    restores: int | None = None
    """The revision that was undone to."""


UNKNOWN = Origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionFacts:
    """What is known of an accepted routes.yaml, beside its text."""

    number: int
    """From 1, growing; on PostgreSQL numbers may be skipped."""
    accepted_at: datetime
    """In UTC."""
    digest: str
    """SHA-256 of the text, hexadecimal."""
    origin: Origin
    diff: str | None
    """Against the revision before; None if it was not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRevision:
    """One accepted routes.yaml."""

    facts: RevisionFacts
    text: bytes
    """The file as it was read: references to variables, never their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A file that was not accepted."""

    refused_at: datetime
    """In UTC."""
    digest: str
    """SHA-256 of the file; empty if it could not be read."""
    origin: Origin
    problem: str
    """The first problem, in words."""
    problems: int

"""What can be done on the admin port beside looking: reload, and the history of routes.yaml.

The field names are the keys of the JSON.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Protocol

import msgspec

from gateway.errors import Problem
from gateway.state.kept import Origin, Refusal, RevisionFacts, StoredRevision

PAGE = 20
"""Revisions in an answer, unless more are asked for."""
MAX_PAGE = 200
_NO_NUL = r"^[^\x00]*$"
"""PostgreSQL keeps no text with it; the revision, and all behind it, would wait for ever."""


class RevisionLine(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted routes.yaml, in a list."""

    number: int
    accepted_at: datetime
    digest: str
    """SHA-256 of the file's bytes, hexadecimal."""
    author: str | None
    """The operating system's user who gave the command; None for a plain edit."""
    how: str | None
    """The command, e.g. ``set images image_service=25``; None for a plain edit."""
    restores: int | None
    """The revision whose text this is again, if it was undone to."""
    diff: str | None
    """What it changed in the one before, as `diff -u` shows it; None if that was not kept."""
    serving: bool


class RefusalLine(msgspec.Struct, frozen=True, kw_only=True):
    """A routes.yaml that was refused."""

    refused_at: datetime
    digest: str
    """Empty if it could not be read."""
    author: str | None
    how: str | None
    problem: str
    """The first of them, in words."""
    problems: int


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Both, each with the newest first."""

    revisions: tuple[RevisionLine, ...]
    refusals: tuple[RefusalLine, ...] = ()
    """Not older than the oldest revision here."""


class RevisionText(msgspec.Struct, frozen=True, kw_only=True):
    """One revision with its text."""

    revision: RevisionLine
    text: str
    """The file, a byte order mark included; references to variables, never their values."""
    problems: tuple[Problem, ...] = ()
    """Why the gateway could not use it now: a variable or a file that it names may be gone."""


class Announcement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is about to write which content."""

    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    author: Annotated[str, msgspec.Meta(max_length=255, pattern=_NO_NUL)] | None = None
    how: Annotated[str, msgspec.Meta(max_length=1000, pattern=_NO_NUL)] | None = None
    restores: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    force: bool = False
    """Whether ``safety`` is to let this content pass, whatever it moves."""


class ReloadResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the file came to."""

    revision: int
    """What serves now."""
    digest: str
    path: str
    """The file that the gateway runs by, as the gateway calls it."""
    file_digest: str
    """Of that file now; empty if it cannot be read."""
    problems: tuple[Problem, ...]
    """Why it does not serve; empty if it does."""
    workers: int
    """How many are alive."""
    behind: tuple[int, ...]
    """Those that have not taken the revision, though they had time."""


class Operations(Protocol):
    """What must be behind these pages. All but `announce` may raise `GatewayError`."""

    async def reload(self) -> ReloadResult:
        """Look at the file now, and wait until every worker routes by what serves then."""

    def announce(self, announcement: Announcement) -> None:
        """Remember who writes a content that will come."""

    async def history(self, before: int | None, limit: int) -> HistoryPage:
        """Revisions, those with smaller numbers than `before` unless it is None."""

    async def revision(self, number: int) -> RevisionText | None:
        """One revision with its text; None if there is none."""


def line_of(facts: RevisionFacts, serving: int | None) -> RevisionLine:
    """A revision of the database as it is shown; `serving` is the number of the one that serves."""
    return RevisionLine(
        number=facts.number,
        accepted_at=facts.accepted_at,
        digest=facts.digest,
        author=facts.origin.author,
        how=facts.origin.how,
        restores=facts.origin.restores,
        diff=facts.diff,
        serving=facts.number == serving,
    )


def page_of(
    facts: list[RevisionFacts], refusals: list[Refusal], serving: int | None
) -> HistoryPage:
    """A page of the database as it is shown."""
    oldest = facts[-1].accepted_at if facts else None
    return HistoryPage(
        revisions=tuple(line_of(one, serving) for one in facts),
        refusals=tuple(
            RefusalLine(
                refused_at=refusal.refused_at,
                digest=refusal.digest,
                author=refusal.origin.author,
                how=refusal.origin.how,
                problem=refusal.problem,
                problems=refusal.problems,
            )
            for refusal in refusals
            if oldest is None or refusal.refused_at >= oldest
        ),
    )


def text_of(
    stored: StoredRevision, serving: int | None, problems: tuple[Problem, ...] = ()
) -> RevisionText:
    """A revision of the database with its text."""
    line = line_of(stored.facts, serving)
    return RevisionText(revision=line, text=stored.text.decode(), problems=problems)


def origin_of(announcement: Announcement) -> Origin:
    """What is kept of an announcement."""
    return Origin(author=announcement.author, how=announcement.how, restores=announcement.restores)

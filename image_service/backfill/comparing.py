"""What is here against what the feed tells, row by row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from image_service.backfill.events import Picture

_SHOWN_IDS = 20


class Kind(StrEnum):
    """What can be wrong with an image."""

    MISSING = "missing"
    """The monolith has it, and it is not here."""
    EXTRA = "extra"
    """It is here, and the monolith has it not."""
    DIFFERENT = "different"
    REFUSED = "refused"
    """It cannot be held here, or its picture cannot; the import has said so."""
    NO_BLOB = "picture missing"
    """The row names a picture that the blob store does not hold."""
    DAMAGED = "picture damaged"
    """The blob store holds other bytes than its name says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An image's row, in values that do not depend on the database."""

    product_id: int | None
    prompt: str
    size: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An image as the feed tells of it; ``row`` is None where it cannot be held here."""

    image_id: int
    row: Row | None
    picture: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actual:
    """An image as it is here.

    Attributes:
        row: None where the import has refused it.
        sha256: Its picture; None without one.
        refused: Why the row or its picture is not here; None if nothing was refused.
    """

    image_id: int
    row: Row | None
    sha256: str | None
    refused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong with one image; ``detail`` quotes no customer."""

    image_id: int
    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.image_id} ({self.detail})" if self.detail else str(self.image_id)


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What a comparison came to.

    Attributes:
        position: Both sides are compared as of this position of the feed.
        equal: How many images are the same.
        waiting: How many have a picture that was replaced before it could be fetched; a later
            event brings the next.
        pictures: How many blobs were read, and found to be what their name says.
        picture_bytes: Their length.
        counts: How many findings there are of each kind.
        shown: The first of each kind.
    """

    position: int
    equal: int = 0
    waiting: int = 0
    pictures: int = 0
    picture_bytes: int = 0
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    shown: dict[Kind, list[Finding]] = field(default_factory=lambda: {kind: [] for kind in Kind})

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not any(self.counts.values())

    def add(self, finding: Finding) -> None:
        """Count a finding; keep it if it is among the first."""
        self.counts[finding.kind] += 1
        if len(self.shown[finding.kind]) < _SHOWN_IDS:
            self.shown[finding.kind].append(finding)

    def lines(self) -> Iterator[str]:
        """Put it into words."""
        found = ", ".join(f"{count} {kind}" for kind, count in self.counts.items())
        yield (
            f"verified at position {self.position}: {self.equal} images equal, {found}; "
            f"{self.pictures} pictures read ({self.picture_bytes / 1e6:.1f} MB)"
        )
        if self.waiting:
            yield f"waiting for their next picture, by an event still to come: {self.waiting}"
        for kind, findings in self.shown.items():
            if findings:
                more = self.counts[kind] - len(findings)
                ids = ", ".join(str(finding) for finding in findings)
                yield f"{kind}: {ids}" + (f" and {more} more" if more else "")


def judge(expected: Expected | None, actual: Actual | None) -> Finding | None:
    """Compare one image; None if it is the same on both sides.

    Raises:
        ValueError: There is none on either side.
    """
    if expected is None or actual is None:
        there = expected or actual
        if there is None:
            raise ValueError("there is nothing to compare")
        kind = Kind.EXTRA if expected is None else Kind.MISSING
        return Finding(image_id=there.image_id, kind=kind)
    if actual.refused is not None:
        return Finding(image_id=actual.image_id, kind=Kind.REFUSED, detail=actual.refused)
    fields = _differing(expected, actual)
    if not fields:
        return None
    return Finding(image_id=actual.image_id, kind=Kind.DIFFERENT, detail=", ".join(fields))


def pairs(
    expected: Iterable[Expected], actual: Iterable[Actual]
) -> Iterator[tuple[Expected | None, Actual | None]]:
    """Bring both sides together by id; each is in order of id."""
    ours, theirs = iter(actual), iter(expected)
    here, there = next(ours, None), next(theirs, None)
    while here is not None or there is not None:
        if here is None or (there is not None and there.image_id < here.image_id):
            yield there, None
            there = next(theirs, None)
        elif there is None or here.image_id < there.image_id:
            yield None, here
            here = next(ours, None)
        else:
            yield there, here
            here, there = next(ours, None), next(theirs, None)


def _differing(expected: Expected, actual: Actual) -> list[str]:
    if expected.row is None or actual.row is None:
        return [] if expected.row == actual.row else ["row"]
    names = [
        name
        for name in ("product_id", "prompt", "size", "status")
        if getattr(expected.row, name) != getattr(actual.row, name)
    ]
    told = None if expected.picture is None else expected.picture.sha256
    return names if told == actual.sha256 else [*names, "picture"]

"""What a comparison comes to: differences, each with its place, its kind and both sides' words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.parallel_run.classes import TrialClass

LONGEST_SHOWN = 200
"""Characters of a side's value that a mismatch carries; the ledger keeps whole bodies apart."""


class Kind(StrEnum):
    """How the two sides differ at a place."""

    VALUE = "value"
    TYPE = "type"
    MISSING = "missing"
    """The control has it, the candidate does not."""
    EXTRA = "extra"
    """The candidate has it, the control does not."""
    ORDER = "order"
    LENGTH = "length"
    PIXELS = "pixels"
    """Pictures of one contract whose pixels are not equal."""
    UNREADABLE = "unreadable"
    """A body that is not what its Content-Type says."""
    UNMATCHED_CALL = "unmatched_collaborator_call"
    """One side asks a collaborator for something that the other does not ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One difference."""

    place: str
    """Where, the same for the same kind of difference: ``status``, ``header:content-type``,
    ``json:$.items[*].price`` (lists' indices as ``*``), ``image:size``, ``sse:event[*].data``."""
    kind: Kind
    control: str
    """What it says there, readable, shortened to `LONGEST_SHOWN`."""
    candidate: str
    times: int = 1
    """How many differences of this place and kind there are; the first is the one shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found between two answers."""

    became: TrialClass
    """``matched``, ``ignored``, ``mismatched`` or ``compare_failed``; noise and races are told
    apart later, by whoever can ask a control again."""
    mismatches: tuple[Mismatch, ...] = ()
    """One for each place and kind, in the order they were found; bounded."""
    ignored: tuple[tuple[Mismatch, str], ...] = ()
    """Differences that a rule covers, with the rule's name as routes.yaml writes it."""
    omitted: int = 0
    """Differences at further places."""
    fault: str = ""
    """Why it failed, in words, with the rule that did it."""
    looks: Mapping[str, float] | None = None
    """Feature -> how far apart two pictures are in it, 0..1, where they are not held against each
    other but judged by many (``exchangeable``); None where there are no such two."""


def became(
    mismatches: tuple[Mismatch, ...],
    ignored: tuple[tuple[Mismatch, str], ...] = (),
    omitted: int = 0,
) -> Comparison:
    """The comparison that found these; its class follows."""
    if mismatches or omitted:
        one = TrialClass.MISMATCHED
    else:
        one = TrialClass.IGNORED if ignored else TrialClass.MATCHED
    return Comparison(became=one, mismatches=mismatches, ignored=ignored, omitted=omitted)


def together(one: Comparison, other: Comparison) -> Comparison:
    """Two comparisons of one trial as one."""
    whole = became(
        one.mismatches + other.mismatches,
        one.ignored + other.ignored,
        one.omitted + other.omitted,
    )
    return replace(whole, looks=one.looks)

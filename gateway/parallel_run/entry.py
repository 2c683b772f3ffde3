"""A trial's result as the ledger takes it: what is counted of it, without the bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.parallel_run.classes import COUNTED, TrialClass
from gateway.parallel_run.comparison import Comparison
from gateway.parallel_run.observation import Observation
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.strata import OTHERS, Stratum

LONGEST_PLACE = 160
_LONGEST_TEMPLATE = 200
_LONGEST_METHOD = 16
_LONGEST_FAULT = 200
_PERSONAL = re.compile(
    r"""
    [^\s"'.\[\]$:/]+@[^\s"'\[\]:/]+                        # an address of mail
    | [0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}   # UUID (RFC 9562)
    | (?=[0-9a-fA-F]*\d)[0-9a-fA-F]{16,}                   # a hash
    | \d[\d.-]{3,}\d                                       # a number that names somebody
    | (?<=\[")(?=[^"]*[^\w.:$@/"-])[^"\\]*(\\.[^"\\]*)*(?="\])  # what is no name: "Ana Maria"
    """,
    re.VERBOSE,
)
"""In the name of a member: a map keyed by customers has customers in its places."""
ANY = "ANY"
TOO_MANY = Stratum(ANY, OTHERS, 0)
"""Where there is no room for another stratum, and where nobody knows which it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A difference, as it is counted."""

    place: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """How far apart the pictures of one trial are, by feature; no feature: not at all."""

    candidate: Mapping[str, float]
    """The candidate's and the control's."""
    second: Mapping[str, float]
    """The second control's and the control's."""
    again: Mapping[str, float]
    """The candidate's two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is counted of one trial."""

    run: str
    epoch_key: str
    stratum: Stratum
    became: TrialClass
    fingerprint: str
    """Empty where none was looked at: then it counts as no distinct request."""
    at_s: float
    latency: tuple[float, float] | None = None
    """The control's and the candidate's, where both answered and were compared."""
    found: tuple[Found, ...] = ()
    first: frozenset[str] = frozenset()
    """Places at which the candidate differed, whatever the trial became."""
    second: frozenset[str] | None = None
    """Places at which the second control differed; None if none was asked."""
    again: frozenset[str] | None = None
    """Places at which the candidate, asked twice, differed from itself."""
    looks: Looks | None = None
    """None where no pictures are judged by many, or were not asked for twice."""
    is_looked_at: bool = False
    """Whether its pictures differ, and are judged by many."""
    rules: tuple[str, ...] = ()
    """Those that covered a difference, each once."""
    fault: str = ""
    """Why the comparison failed."""
    route: str = ""

    @property
    def is_compared(self) -> bool:
        """Whether it counts for the statistics."""
        return self.became in COUNTED and bool(self.fingerprint)


def entry_of(result: TrialResult) -> Entry:
    """What is counted of a result."""
    comparison = result.comparison
    return Entry(
        run=result.run,
        epoch_key=result.epoch_key,
        stratum=bounded(result.stratum),
        became=result.became,
        fingerprint=result.fingerprint,
        at_s=result.at_s,
        latency=_latency(result),
        found=_found(result),
        first=_places(comparison) or frozenset(),
        second=_places(result.second_comparison),
        again=_places(result.again_comparison),
        looks=_looks(result),
        is_looked_at=comparison is not None and comparison.looks is not None,
        rules=tuple(sorted({rule for _, rule in comparison.ignored})) if comparison else (),
        fault=comparison.fault[:_LONGEST_FAULT] if comparison else "",
        route=result.route,
    )


def bounded(stratum: Stratum) -> Stratum:
    """The stratum, where its words are as long as words of customers may be."""
    if len(stratum.method) > _LONGEST_METHOD or len(stratum.template) > _LONGEST_TEMPLATE:
        method = stratum.method if len(stratum.method) <= _LONGEST_METHOD else ANY
        return Stratum(method, OTHERS, stratum.status)
    return stratum


def safe_place(place: str) -> str:
    """A place without what could name a customer, and not too long."""
    text = _PERSONAL.sub("*", place)
    text = "".join(each if each.isprintable() else "*" for each in text)
    return text if len(text) <= LONGEST_PLACE else text[: LONGEST_PLACE - 1] + "…"


def _found(result: TrialResult) -> tuple[Found, ...]:
    if result.became not in COUNTED:
        return ()
    comparison, candidate = result.comparison, result.candidate
    pairs: dict[tuple[str, str], None] = {}
    if comparison is not None:
        for each in comparison.mismatches:
            pairs[safe_place(each.place), each.kind.value] = None
    if result.became is TrialClass.CANDIDATE_FAILED and not pairs:
        pairs[_failure(candidate), "failure"] = None
    return tuple(Found(place=place, kind=kind) for place, kind in pairs)


def _failure(candidate: Observation | None) -> str:
    if candidate is None:
        return "failure:unknown"
    if candidate.answer is not None:
        return f"failure:status {candidate.answer.status}"
    return safe_place(f"failure:{candidate.failure or 'unknown'}")


def _looks(result: TrialResult) -> Looks | None:
    first, second, again = found = (
        result.comparison,
        result.second_comparison,
        result.again_comparison,
    )
    if first is None or second is None or again is None:
        return None
    if all(each is None or each.looks is None for each in found):
        return None
    if any(each is None or each.mismatches or each.omitted for each in found):
        # Of another size, or no picture at all: told of as such, and not as a look.
        return None
    return Looks(candidate=first.looks or {}, second=second.looks or {}, again=again.looks or {})


def _places(comparison: Comparison | None) -> frozenset[str] | None:
    if comparison is None:
        return None
    return frozenset(safe_place(each.place) for each in comparison.mismatches)


_TIMED = COUNTED - {TrialClass.CANDIDATE_FAILED}
"""A failure is mostly fast, and no answer."""


def _latency(result: TrialResult) -> tuple[float, float] | None:
    control, candidate = result.control, result.candidate
    if result.became not in _TIMED or control is None or candidate is None:
        return None
    return control.duration_s, candidate.duration_s

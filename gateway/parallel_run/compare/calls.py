"""Outgoing calls to a collaborator: what either side asked for, in the order it asked.

A side that asks for another size, drops a parameter or asks twice is told of here, however much
alike the answers look that it makes of what it gets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.parallel_run.compare.findings import ABSENT, Difference, Findings
from gateway.parallel_run.compare.json_diff import JsonDiff, TooDeepError, without_twins
from gateway.parallel_run.compare.json_values import NotJsonError, canonical, decode
from gateway.parallel_run.compare.rules import Ruling
from gateway.parallel_run.compare.streams import NotAFormError, read_form, read_multipart
from gateway.parallel_run.comparison import Comparison, Kind, became
from gateway.parallel_run.plan import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a collaborator."""

    method: str
    target: str
    """Path and query behind the listener's own prefix."""
    content_type: bytes = b""
    body: bytes = field(default=b"", repr=False)

    def document(self) -> dict[str, object]:
        """The call as it is compared; the body by what it is."""
        return {"method": self.method, "target": self.target, "body": self._content()}

    def _content(self) -> object:
        kind = self.content_type.partition(b";")[0].strip().lower()
        try:
            if kind == b"multipart/form-data":
                return read_multipart(self.body, self.content_type)
            if kind == b"application/x-www-form-urlencoded":
                return read_form(self.body)
            return decode(self.body) if self.body else None
        except (NotAFormError, NotJsonError):
            return self.body.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True, kw_only=True)
class BothCalls:
    """What the two sides of a trial have asked for, each in its order."""

    control: tuple[Call, ...]
    candidate: tuple[Call, ...]


def compare_calls(
    control: Sequence[Call], candidate: Sequence[Call], rules: Rules, aliases: Mapping[str, str]
) -> Comparison:
    """Compare two sequences of calls; rules apply to ``$[*].body`` and below.

    Raises:
        TooDeepError: A call's body goes too deep.
    """
    ours, theirs = ([call.document() for call in calls] for calls in (control, candidate))
    ruling = Ruling(rules, aliases)
    ruling.documents = ours, theirs
    findings = Findings(ruling.covers)
    diff = JsonDiff(findings, ruling.is_unordered, "call")
    if len(ours) == len(theirs):
        diff.compare(ours, theirs)
    else:
        _unequal(diff, findings, ours, theirs)
    return became(findings.mismatches(), findings.ignored(), findings.omitted)


def is_covered(one: Call, other: Call, rules: Rules) -> bool:
    """Whether two calls differ only where a rule says that it does not matter."""
    try:
        return not compare_calls((one,), (other,), rules, {}).mismatches
    except (TooDeepError, RecursionError):
        return False


def _unequal(
    diff: JsonDiff,
    findings: Findings,
    ours: Sequence[dict[str, object]],
    theirs: Sequence[dict[str, object]],
) -> None:
    """Tell which calls only one side makes; those that are both without a twin are one call."""
    left, right = list(map(canonical, ours)), list(map(canonical, theirs))
    mine = without_twins(left, Counter(right))
    others = without_twins(right, Counter(left))
    for index, other in zip(mine, others, strict=False):
        diff.compare(ours[index], theirs[other], (index,))
    for index in mine[len(others) :]:
        findings.add(Difference("call", (index,), Kind.UNMATCHED_CALL, ours[index], ABSENT))
    for index in others[len(mine) :]:
        findings.add(Difference("call", (index,), Kind.UNMATCHED_CALL, ABSENT, theirs[index]))

"""Outgoing calls to a collaborator: what either side asked for, in the order it asked.

A side that asks for another size, drops a parameter or asks twice is told of here, however much
alike the answers look that it makes of what it gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.parallel_run.compare.findings import Findings
from gateway.parallel_run.compare.json_diff import JsonDiff
from gateway.parallel_run.compare.json_values import NotJsonError, decode
from gateway.parallel_run.compare.rules import Ruling
from gateway.parallel_run.compare.streams import NotAFormError, read_form, read_multipart
from gateway.parallel_run.comparison import Comparison, became
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
    JsonDiff(findings, ruling.is_unordered, "call").compare(ours, theirs)
    return became(findings.mismatches(), findings.ignored(), findings.omitted)

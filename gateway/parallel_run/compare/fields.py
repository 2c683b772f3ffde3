"""Header fields of two answers: those that are declared to matter, by their values."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.parallel_run.compare.findings import ABSENT, Difference, Findings
from gateway.parallel_run.comparison import Kind
from gateway.parallel_run.observation import Answer


def compare_headers(
    control: Answer, candidate: Answer, names: Sequence[str], findings: Findings
) -> None:
    """Add to `findings` which of `names` differ."""
    for name in names:
        ours, theirs = header(control, name), header(candidate, name)
        if name == "content-type":
            ours, theirs = _media_type(ours), _media_type(theirs)
        if ours == theirs:
            continue
        if theirs is None:
            findings.add(Difference("header", (name,), Kind.MISSING, ours, ABSENT))
        elif ours is None:
            findings.add(Difference("header", (name,), Kind.EXTRA, ABSENT, theirs))
        else:
            findings.add(Difference("header", (name,), Kind.VALUE, ours, theirs))


def header(answer: Answer, name: str) -> bytes | None:
    """A field's value, several lines as one list (RFC 9110, section 5.3); None without it."""
    wanted = name.encode()
    found = [value.strip() for key, value in answer.headers if key.lower() == wanted]
    return b", ".join(found) if found else None


def _media_type(value: bytes | None) -> bytes | None:
    """Without the boundary of parts, which is chance, and in lower case (section 8.3.1)."""
    if value is None:
        return None
    first, *parameters = [each.strip() for each in value.split(b";")]
    kept = [each for each in parameters if not each.lower().startswith(b"boundary=")]
    return b"; ".join([first.lower(), *kept])

"""Header fields of two answers: those that are declared to matter, by their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gateway.parallel_run.compare.findings import ABSENT, Difference, Findings
from gateway.parallel_run.comparison import Kind
from gateway.parallel_run.observation import Answer

_REFUSED = frozenset({b"q=0", b"q=0.", b"q=0.0", b"q=0.00", b"q=0.000"})


def compare_headers(
    control: Answer, candidate: Answer, names: Sequence[str], findings: Findings
) -> None:
    """Add to `findings` which of `names` differ."""
    for name in names:
        read = _READERS.get(name, _value)
        ours, theirs = read(control, name), read(candidate, name)
        if ours == theirs:
            continue
        if theirs is None:
            findings.add(Difference("header", (name,), Kind.MISSING, ours, ABSENT))
        elif ours is None:
            findings.add(Difference("header", (name,), Kind.EXTRA, ABSENT, theirs))
        else:
            findings.add(Difference("header", (name,), Kind.VALUE, ours, theirs))


def compare_codings(control: Answer, candidate: Answer, accepts: bytes, findings: Findings) -> None:
    """Add a content coding that the customer did not ask for, and does not get from the control.

    Whoever names none takes any by RFC 9110, section 12.5.3; few of these can undo one.
    """
    ours, theirs = header(control, "content-encoding"), header(candidate, "content-encoding")
    known = {*_listed(ours or b""), *_accepted(accepts), b"identity"}
    if b"*" not in known and not known.issuperset(_listed(theirs or b"")):
        sides = (ABSENT if ours is None else ours, theirs)
        kind = Kind.EXTRA if ours is None else Kind.VALUE
        findings.add(Difference("header", ("content-encoding",), kind, *sides))


def _listed(value: bytes) -> list[bytes]:
    return [each.strip().lower() for each in value.split(b",") if each.strip()]


def _accepted(accepts: bytes) -> Iterator[bytes]:
    """Codings that are named, but for those with a weight of 0 (RFC 9110, section 12.4.2)."""
    for each in _listed(accepts):
        name, _, weight = (part.strip() for part in each.partition(b";"))
        if weight not in _REFUSED:
            yield name


def header(answer: Answer, name: str) -> bytes | None:
    """A field's value, several lines as one list (RFC 9110, section 5.3); None without it."""
    wanted = name.encode()
    found = [value.strip() for key, value in answer.headers if key.lower() == wanted]
    return b", ".join(found) if found else None


def _value(answer: Answer, name: str) -> bytes | None:
    return header(answer, name)


def _media_type(answer: Answer, name: str) -> bytes | None:
    """Without the boundary of parts, which is chance, and in lower case (section 8.3.1)."""
    value = header(answer, name)
    if value is None:
        return None
    first, *parameters = [each.strip() for each in value.split(b";")]
    kept = [each for each in parameters if not each.lower().startswith(b"boundary=")]
    return b"; ".join([first.lower(), *kept])


def _cookies(answer: Answer, name: str) -> bytes | None:
    """Which cookies are set, and how: names and attributes in order (RFC 6265, section 4.1).

    Values are secrets and differ by nature; so do dates of expiry, of which the presence is kept.
    """
    found = [value for key, value in answer.headers if key.lower() == name.encode()]
    return b", ".join(sorted(map(_cookie, found))) if found else None


def _cookie(line: bytes) -> bytes:
    pair, *attributes = [each.strip() for each in line.split(b";")]
    key, _, value = pair.partition(b"=")
    kept = sorted(map(_attribute, attributes))
    return b"; ".join([key + (b"=..." if value else b"="), *kept])


def _attribute(attribute: bytes) -> bytes:
    key, separator, value = attribute.lower().partition(b"=")
    return key + b"=..." if key == b"expires" else key + separator + value


_READERS: dict[str, Callable[[Answer, str], bytes | None]] = {
    "content-type": _media_type,
    "set-cookie": _cookies,
}
"""How a field's value is read, where it is not compared as it stands."""

"""Two bodies, compared by what their Content-Type says they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from gateway.parallel_run.compare.coding import CodingError, decoded
from gateway.parallel_run.compare.fields import header
from gateway.parallel_run.compare.findings import Difference, Findings
from gateway.parallel_run.compare.json_diff import JsonDiff
from gateway.parallel_run.compare.json_values import NotJsonError, decode, is_strict
from gateway.parallel_run.compare.pictures import compare_pictures
from gateway.parallel_run.compare.rules import Ruling
from gateway.parallel_run.compare.streams import (
    NotAFormError,
    read_events,
    read_form,
    read_multipart,
)
from gateway.parallel_run.compare.text import compare_html, compare_text
from gateway.parallel_run.comparison import Kind
from gateway.parallel_run.observation import Answer


def compare_bodies(control: Answer, candidate: Answer, ruling: Ruling, findings: Findings) -> None:
    """Add to `findings` where the bodies differ.

    The control's Content-Type decides what they are: that the candidate says something else is a
    difference of its own.

    Raises:
        CodingError: The control's content coding cannot be undone.
        PictureError: A picture is not compared.
        TooDeepError: A document goes too deep.
    """
    codings = header(control, "content-encoding"), header(candidate, "content-encoding")
    if control.body == candidate.body and codings[0] == codings[1]:
        return
    ours = decoded(control.body, codings[0] or b"")
    try:
        theirs = decoded(candidate.body, codings[1] or b"")
    except CodingError as error:
        findings.add(Difference("body", (), Kind.UNREADABLE, "", str(error)))
        return
    if ours != theirs:
        _comparer(control)(_Bodies(ours, theirs, control, candidate, ruling, findings))


@dataclass(frozen=True, slots=True)
class _Bodies:
    """Two bodies that are not equal, their content codings undone."""

    ours: bytes
    theirs: bytes
    control: Answer
    candidate: Answer
    ruling: Ruling
    findings: Findings

    def as_json(self) -> None:
        try:
            left = decode(self.ours)
        except NotJsonError:
            # Nor could any customer read it so far: it is text.
            self.as_text()
            return
        try:
            right = decode(self.theirs)
        except NotJsonError as error:
            self.findings.add(Difference("body", (), Kind.UNREADABLE, "JSON", str(error)))
            return
        self._as_documents("json", left, right)
        if not self.findings.mismatches():
            self._see_that_all_can_read()

    def _see_that_all_can_read(self) -> None:
        """Everybody could read the control's; what only lenient readers take breaks the others."""
        if is_strict(self.theirs) or not is_strict(self.ours):
            return
        why = "only lenient readers take it: no UTF-8, a mark before it, or no JSON number"
        self.findings.add(Difference("body", (), Kind.UNREADABLE, "JSON", why))

    def as_events(self) -> None:
        self._as_documents("sse", read_events(self.ours), read_events(self.theirs))

    def as_form(self) -> None:
        try:
            left, right = read_form(self.ours), read_form(self.theirs)
        except NotAFormError:
            self.as_bytes()
            return
        self._as_documents("form", left, right)

    def as_parts(self) -> None:
        types = [header(side, "content-type") or b"" for side in (self.control, self.candidate)]
        try:
            left = read_multipart(self.ours, types[0])
            right = read_multipart(self.theirs, types[1])
        except NotAFormError:
            self.as_bytes()
            return
        self._as_documents("form", left, right)

    def _as_documents(self, part: str, left: object, right: object) -> None:
        self.ruling.documents = left, right
        JsonDiff(self.findings, self.ruling.is_unordered, part).compare(left, right)

    def as_text(self) -> None:
        compare_text(*self._texts(), self.findings)

    def as_html(self) -> None:
        compare_html(*self._texts(), self.findings)

    def _texts(self) -> tuple[str, str]:
        return _text(self.ours, self.control), _text(self.theirs, self.candidate)

    def as_picture(self) -> None:
        compare_pictures(self.ours, self.theirs, self.ruling.rules.pictures, self.findings)

    def as_bytes(self) -> None:
        if len(self.ours) != len(self.theirs):
            sizes = len(self.ours), len(self.theirs)
            self.findings.add(Difference("body", ("bytes",), Kind.LENGTH, *sizes))
            return
        sums = [f"sha256 {hashlib.sha256(each).hexdigest()}" for each in (self.ours, self.theirs)]
        self.findings.add(Difference("body", (), Kind.VALUE, *sums))


_COMPARERS: dict[bytes, Callable[[_Bodies], None]] = {
    b"application/json": _Bodies.as_json,
    b"text/event-stream": _Bodies.as_events,
    b"text/html": _Bodies.as_html,
    b"application/xhtml+xml": _Bodies.as_html,
    b"application/x-www-form-urlencoded": _Bodies.as_form,
    b"multipart/form-data": _Bodies.as_parts,
    b"image/svg+xml": _Bodies.as_text,
    b"image": _Bodies.as_picture,
    b"text": _Bodies.as_text,
}
"""By media type, or by what stands before its slash."""


def _comparer(answer: Answer) -> Callable[[_Bodies], None]:
    media_type = (header(answer, "content-type") or b"").partition(b";")[0].strip().lower()
    if media_type in _COMPARERS:
        return _COMPARERS[media_type]
    if media_type.endswith(b"+json"):
        return _Bodies.as_json
    return _COMPARERS.get(media_type.partition(b"/")[0], _Bodies.as_bytes)


def _text(body: bytes, answer: Answer) -> str:
    """The body by the charset it names, UTF-8 without one; unreadable bytes stay visible."""
    value = header(answer, "content-type") or b""
    _, _, charset = value.lower().partition(b"charset=")
    name = charset.partition(b";")[0].strip().strip(b'"').decode("ascii", "replace") or "utf-8"
    try:
        return body.decode(name, "backslashreplace")
    except (LookupError, ValueError):
        # No such charset, or a name that is none: a NUL in it is a ValueError.
        return body.decode("latin-1")

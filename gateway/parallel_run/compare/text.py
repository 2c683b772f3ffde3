"""Text and HTML, without what nobody sees: line ends, spaces at their end, order of attributes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

from gateway.parallel_run.compare.findings import ABSENT, Difference, Findings
from gateway.parallel_run.comparison import Kind

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track"}
    | {"wbr"}
)
"""Elements that hold nothing (HTML, section 13.1.2)."""
_VERBATIM = frozenset({"pre", "textarea", "script", "style"})
_MOST_DEPTH = 100
"""Elements; what is nested deeper counts as there."""

_MOST_FACTS = 20_000
"""Elements, attributes and texts of a page; a larger one is compared as text. The longest pages
that people read have a few thousand."""

_MOST_OPEN = 1_000
"""Tags that begin and do not end: the parser reads the rest of the page for each of them anew."""
_Facts = list[tuple[str, str]]
"""Path of each attribute and text, in document order, and its value."""


def compare_text(control: str, candidate: str, findings: Findings) -> None:
    """Compare line by line; the first that differs, and their number, say enough."""
    left, right = _lines(control), _lines(candidate)
    if left == right:
        return
    for ours, theirs in zip(left, right, strict=False):
        if ours != theirs:
            findings.add(Difference("text", ("line",), Kind.VALUE, ours, theirs))
            break
    if len(left) != len(right):
        findings.add(Difference("text", ("lines",), Kind.LENGTH, len(left), len(right)))


def compare_html(control: str, candidate: str, findings: Findings) -> None:
    """Compare elements, attributes and texts.

    Where both have the same elements in the same order, values are compared one by one; else what
    one side has more of is said, by path. What the parser cannot follow, or is too much of, is
    compared as text.
    """
    try:
        left, right = _facts(control), _facts(candidate)
    except (AssertionError, _TooManyError):
        # The first is the standard library's way of saying that a marked section is broken.
        compare_text(control, candidate, findings)
        return
    if left == right:
        return
    if [path for path, _ in left] != [path for path, _ in right]:
        _compare_shape(left, right, findings)
        return
    for (path, ours), (_, theirs) in zip(left, right, strict=True):
        if ours != theirs:
            findings.add(Difference("html", (path,), Kind.VALUE, ours, theirs))


def _compare_shape(left: _Facts, right: _Facts, findings: Findings) -> None:
    ours, theirs = Counter(path for path, _ in left), Counter(path for path, _ in right)
    if ours == theirs:
        where = next(a for (a, _), (b, _) in zip(left, right, strict=True) if a != b)
        findings.add(Difference("html", (where,), Kind.ORDER, ours[where], theirs[where]))
    for path in dict.fromkeys([*ours, *theirs]):
        if ours[path] == theirs[path]:
            continue
        kind = Kind.MISSING if not theirs[path] else Kind.EXTRA if not ours[path] else Kind.LENGTH
        sides = (_count(ours[path]), _count(theirs[path]))
        findings.add(Difference("html", (path,), kind, *sides))


def _count(count: int) -> object:
    return count or ABSENT


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _facts(page: str) -> _Facts:
    if page.count("<") - page.count(">") > _MOST_OPEN:
        raise _TooManyError
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return list(reader.facts())


class _TooManyError(Exception):
    """A page says more than `_MOST_FACTS`, or leaves more than `_MOST_OPEN` open."""


class _Reader(HTMLParser):
    """Gathers what a page says, each with its path of elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._facts: list[tuple[str, str, bool]] = []

    def facts(self) -> Iterator[tuple[str, str]]:
        """Path and value, neighbouring texts as one, empty ones left out."""
        for path, value, is_verbatim in self._facts:
            text = value if is_verbatim else " ".join(value.split())
            if text or not path.endswith("text()"):
                yield path, text

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element and its attributes in order of their names."""
        if len(self._facts) > _MOST_FACTS:
            raise _TooManyError
        path = self._path(tag)
        self._facts.append((path, "", False))
        for name, value in sorted(attrs, key=lambda each: each[0]):
            self._facts.append((f"{path}/@{name}", value or "", False))
        if tag not in _VOID and len(self._open) < _MOST_DEPTH:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it; it holds nothing."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element, and what was left open in it."""
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Note a text."""
        is_verbatim = not _VERBATIM.isdisjoint(self._open)
        self._facts.append((self._path("text()"), data, is_verbatim))

    def _path(self, last: str) -> str:
        return "/" + "/".join([*self._open, last])

"""What changed between two texts, as lines: the unified form that `diff -u` and git print."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

_CONTEXT = 3
"""Lines around a change, as `diff -u` has them."""
_COMPARED = 400
"""Lines, without those that are the same at either end, up to which lines that moved are found
again; of more, all are shown as replaced. Comparing takes time in the square of them."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


@dataclass(frozen=True, slots=True)
class _Change:
    """Lines ``start..end`` of the old text give way to lines ``new_start..new_end``."""

    start: int
    end: int
    new_start: int
    new_end: int


def line_diff(old: bytes, new: bytes, *, context: int = _CONTEXT) -> list[str]:
    """The difference, line by line without line ends; empty if there is none.

    Lines begin with ``@@``, a space, ``-`` or ``+``. A text that is not UTF-8 is shown with
    replacement characters, and carriage returns are not shown.
    """
    before, after = _lines(old), _lines(new)
    shown: list[str] = []
    for group in _groups(_changes(before, after), context):
        start = max(group[0].start - context, 0)
        end = min(group[-1].end + context, len(before))
        shift = group[0].new_start - group[0].start
        new_end = group[-1].new_end + end - group[-1].end
        shown.append(f"@@ -{_range(start, end)} +{_range(start + shift, new_end)} @@")
        shown += _hunk(before, after, group, (start, end))
    return shown


def changed_lines(diff: list[str]) -> tuple[int, int]:
    """How many lines a difference adds, and how many it removes."""
    added = sum(line.startswith("+") for line in diff)
    return added, sum(line.startswith("-") for line in diff)


def _lines(text: bytes) -> list[str]:
    return list(_LINE.findall(text.decode(errors="replace")))


def _changes(before: list[str], after: list[str]) -> list[_Change]:
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    old_end, new_end = len(before) - tail, len(after) - tail
    if head == old_end and head == new_end:
        return []
    return [
        _Change(head + start, head + end, head + new_start, head + new_end)
        for start, end, new_start, new_end in _spans(before[head:old_end], after[head:new_end])
    ]


def _spans(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Where lines differ: from and to in the old text, from and to in the new."""
    if (runs := _changed_in_place(old, new)) is not None:
        return [(start, end, start, end) for start, end in runs]
    if max(len(old), len(new)) > _COMPARED:
        return [(0, len(old), 0, len(new))]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [(i, j, k, m) for tag, i, j, k, m in matcher.get_opcodes() if tag != "equal"]


def _changed_in_place(old: list[str], new: list[str]) -> list[tuple[int, int]] | None:
    """Runs of lines that gave way to as many others; None if one of them may have moved.

    Weights change that way, and a flip waits for its difference: to look for moved lines where a
    hundred are alike takes tens of milliseconds.
    """
    if len(old) != len(new):
        return None
    changed = [i for i, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    if not {old[i] for i in changed}.isdisjoint(new[i] for i in changed):
        return None
    runs: list[tuple[int, int]] = []
    for i in changed:
        start = runs.pop()[0] if runs and runs[-1][1] == i else i
        runs.append((start, i + 1))
    return runs


def _groups(changes: list[_Change], context: int) -> Iterator[list[_Change]]:
    """Changes whose surroundings touch are shown together."""
    group: list[_Change] = []
    for change in changes:
        if group and change.start - group[-1].end > 2 * context:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _hunk(
    before: list[str], after: list[str], group: list[_Change], span: tuple[int, int]
) -> Iterator[str]:
    at, end = span
    for change in group:
        yield from _marked(" ", before[at : change.start])
        yield from _marked("-", before[change.start : change.end])
        yield from _marked("+", after[change.new_start : change.new_end])
        at = change.end
    yield from _marked(" ", before[at:end])


def _marked(mark: str, lines: list[str]) -> Iterator[str]:
    return (mark + line.rstrip("\r\n") for line in lines)


def _range(start: int, end: int) -> str:
    count = end - start
    first = start + 1 if count else start
    return str(first) if count == 1 else f"{first},{count}"

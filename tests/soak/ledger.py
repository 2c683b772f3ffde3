"""What came of each request, judged: right, excused by a fault that stood then, or wrong.

A fault excuses no more than it must: who dies takes its connections along, a backend that is down
makes 502, 503 and 504. Nothing ever excuses a complete answer that is not the right one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

Found = int | str
"""A status, "cut", or what is wrong with a complete answer."""
Expected = Found | tuple[Found, ...]
_MARGIN_S = 2.0
"""Until what a fault has left behind is gone: a new process serves, cut connections are noticed."""
_GATEWAY_STATUSES = frozenset({502, 503, 504})
MAX_SHOWN = 20


class Excuse(Enum):
    """What a fault may do to a request."""

    CUT = "its connection may be cut"
    FAILED = "it may be answered 502, 503 or 504, or cut"


@dataclass(slots=True, kw_only=True)
class Window:
    """A time in which a fault stands.

    Attributes:
        until_s: When it was mended; None while it stands.
    """

    excuse: Excuse
    since_s: float
    until_s: float | None = None

    def covers(self, began_s: float, ended_s: float) -> bool:
        """Whether it overlaps a request's time."""
        is_over = self.until_s is not None and began_s > self.until_s + _MARGIN_S
        return not is_over and ended_s >= self.since_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A request that came to what it may not come to."""

    kind: str
    target: str
    expected: Expected
    found: Found

    def __str__(self) -> str:
        return f"{self.kind}: {self.found}, not {self.expected}: {self.target}"


@dataclass(slots=True)
class Ledger:
    """All that was asked."""

    right: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    wrong: list[Wrong] = field(default_factory=list)
    """The first of them."""
    wrongs: Counter[str] = field(default_factory=Counter)
    windows: list[Window] = field(default_factory=list)

    def open_window(self, excuse: Excuse, now_s: float) -> Window:
        """Note that a fault begins."""
        window = Window(excuse=excuse, since_s=now_s)
        self.windows.append(window)
        return window

    def note(
        self,
        kind: str,
        expected: Expected,
        found: Found,
        *,
        target: str = "",
        began_s: float,
        ended_s: float,
    ) -> None:
        """Judge one request.

        Args:
            kind: What was done.
            expected: What it may come to, without an excuse.
            found: What it came to.
            target: Of the request, to be found in the access log.
            began_s: Monotonic.
            ended_s: Monotonic.
        """
        if found in (expected if isinstance(expected, tuple) else (expected,)):
            self.right[kind] += 1
        elif self._is_excused(found, began_s, ended_s):
            self.excused[kind] += 1
        else:
            self.wrongs[kind] += 1
            if len(self.wrong) < MAX_SHOWN:
                self.wrong.append(Wrong(kind=kind, target=target, expected=expected, found=found))

    def _is_excused(self, found: Found, began_s: float, ended_s: float) -> bool:
        excuses = {each.excuse for each in self.windows if each.covers(began_s, ended_s)}
        if found == "cut":
            return bool(excuses)
        return found in _GATEWAY_STATUSES and Excuse.FAILED in excuses

"""What a change of routes.yaml does to recorded traffic, as data.

The field names are the keys of ``figueira diff --json``.
"""

from __future__ import annotations

import msgspec

from gateway.whatif.distinct import Count

FIRST_EXAMPLES = 20
"""Of each row: enough to look them up, few enough to be kept and read."""


class Example(msgspec.Struct, frozen=True):
    """A recorded request; nothing in it that an access line would not hold."""

    place: str
    """``access.log:26``: file and line."""
    method: str
    path: str
    time: str = ""


class Move(msgspec.Struct):
    """Requests of one route that go from one backend to another."""

    route: str
    """Under the old file; empty for requests that it refuses."""
    source: str
    """Backend, or why they are refused."""
    target: str
    new_route: str
    """Under the new file; empty for requests that it refuses."""
    requests: int = 0
    writes: int = 0
    """Of them, those with a method that is not safe (RFC 9110, section 9.2.1)."""
    existing: int = 0
    """Of them, those to resources with an owner under the old file: they may be there alone."""
    customers: Count = Count(0, is_exact=True)
    examples: list[Example] = []


class Undecidable(msgspec.Struct):
    """Requests of which the record does not tell whether they move."""

    missing: list[str]
    """The keys that would decide."""
    requests: int = 0
    writes: int = 0
    routes: list[str] = []
    """That they may take under the new file."""
    examples: list[Example] = []


class DeadRoute(msgspec.Struct, frozen=True):
    """A route of the new file that no recorded request takes."""

    route: str
    before: int
    """Requests that took it under the old file; 0 too if it is new."""


class UnreadLines(msgspec.Struct):
    """Lines that are no record; none of them counts."""

    torn: int = 0
    foreign: int = 0
    first: list[str] = []
    """Places of the first ones."""


class Impact(msgspec.Struct):
    """What the change does."""

    requests: int
    """Recorded, and put before both files."""
    since: str
    """Time of the first record, as it stands there."""
    until: str
    moved: int
    moved_percent: float
    """Of `requests`."""
    writes_moved: int
    existing_moved: int
    customers: Count
    """By their sticky values; in logs of others by their addresses."""
    customers_moved: Count
    moves: list[Move]
    """Most requests first."""
    newly_refused: list[Move]
    """Requests that match nothing any more, or cannot be routed safely; `target` says why."""
    newly_taken: list[Move]
    """Requests that were refused so far; `source` says why."""
    rerouted: list[Move]
    """Requests that another route takes to the same backend; not counted as moved."""
    undecidable: list[Undecidable]
    undecidable_requests: int
    dead_routes: list[DeadRoute]
    never_routed: int
    """Requests that the gateway refused before any route was asked; neither file changes that."""
    unread: UnreadLines
    is_token_key_known: bool
    """Whether values behind tokens could be tested."""
    max_moved_percent: float | None
    """``safety.max_moved`` of the old file; None without it."""

    @property
    def is_certain(self) -> bool:
        """Whether the record tells of each request whether it moves."""
        return not self.undecidable_requests

    @property
    def is_refused(self) -> bool:
        """Whether ``safety`` refuses such a change; what may move counts as moved."""
        if self.max_moved_percent is None or not self.requests:
            return False
        most = 100 * (self.moved + self.undecidable_requests) / self.requests
        return most > self.max_moved_percent

"""Answers that say 200 and mean something else.

The declared status counts for health and for decisions about the request. The customer gets what
the backend sent, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from gateway.json_path import JsonPath

MAX_BODY_BYTES = 4096
"""Errors are short. Whatever is longer is passed on as it comes, and is what it says it is."""
FIRST_FAILURE = 500
"""Statuses from here on say that the backend itself has failed."""


@dataclass(frozen=True, slots=True)
class SoftError:
    """A rule: an answer of `status` whose JSON matches counts as `counts_as`."""

    status: int
    path: JsonPath
    equals: str | int | float | bool | None
    """The value that has to stand there; None: any but null, false, 0 and what is empty."""
    counts_as: int

    def matches(self, value: object) -> bool:
        """Whether a body, decoded from JSON, is such an error."""
        wanted = self.equals
        if wanted is None:
            return any(self.path.find(value))
        # To Python true is 1.
        is_truth = isinstance(wanted, bool)
        return any(
            found == wanted and isinstance(found, bool) is is_truth
            for found in self.path.find(value)
        )


class SoftErrors:
    """The rules of one backend, in order: the first that matches counts."""

    __slots__ = ("_needles", "_rules", "_statuses")

    def __init__(self, rules: Sequence[SoftError]) -> None:
        self._rules = tuple(rules)
        self._statuses = frozenset(rule.status for rule in rules)
        self._needles = tuple({rule.path.needle for rule in rules})

    def may_match(self, status: int, length_bytes: int) -> bool:
        """Whether such an answer has to be looked into, if it is JSON.

        Args:
            status: Of the answer.
            length_bytes: Of its body; 0 if it has none, or it is not told beforehand.
        """
        return 0 < length_bytes <= MAX_BODY_BYTES and status in self._statuses

    def status_of(self, status: int, body: bytes) -> int:
        """The status that the answer counts as; `status` itself if no rule matches.

        Args:
            status: Of the answer.
            body: All of it, at most `MAX_BODY_BYTES`.
        """
        if b"\\" not in body and not any(needle in body for needle in self._needles):
            # Decoding costs ten times this.
            return status
        try:
            value = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return status
        for rule in self._rules:
            if rule.status == status and rule.matches(value):
                return rule.counts_as
        return status


def is_json(content_type: bytes) -> bool:
    """Whether a Content-Type is JSON's: ``application/json`` or ``.../...+json``."""
    media_type = content_type.partition(b";")[0].strip().lower()
    return media_type == b"application/json" or media_type.endswith(b"+json")

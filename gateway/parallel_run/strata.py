"""Kinds of requests that are judged apart: what holds for reads need not hold for writes.

A stratum is a method, a template of a path and the class of the control's status. Those with less
than a hundredth of the traffic are judged together: alone they would never come to an end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

LEAST_SHARE = 0.01
MOST_TEMPLATES = 200
"""Of one run; whatever comes later is of the template `OTHERS`: paths are the customers' to choose,
and each template costs memory for the length of an epoch."""
OTHERS = "(others)"
_ID = "{id}"
_IDS = re.compile(
    r"""
    .{25,}                                              # longer than words are
    | [-+]?\d+                                          # counted
    | [0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}  # UUID (RFC 9562)
    | (?=[0-9a-fA-F]*\d)[0-9a-fA-F]{16,}                # a hash
    | [A-Za-z]{1,16}[_-](?=\w*\d)\w{4,}                 # img_7f3c9a
    | .*(@|%).*                                         # an address of mail; what is no word
    | (.*\d){5,}.*                                      # numbers of people, cards, telephones
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
"""Beside ids, what may be somebody's: templates are kept, and shown in reports, as they are."""


@dataclass(frozen=True, slots=True, order=True)
class Stratum:
    """What requests have in common that are judged together."""

    method: str
    template: str
    status: int
    """Class of the control's status, soft errors counted in: 2 for 200..299."""

    def __str__(self) -> str:
        """``GET /images/{id} 2xx``."""
        return f"{self.method} {self.template} {self.status}xx"

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `str` wrote.

        Raises:
            ValueError: It is something else.
        """
        method, _, rest = text.partition(" ")
        template, _, status = rest.rpartition(" ")
        if not method or not template or not re.fullmatch("[0-9]xx", status):
            raise ValueError(f"{text!r} is no stratum")
        return cls(method, template, int(status[0]))


def template(path: str) -> str:
    """The path with a placeholder for each segment that names a thing: ``/images/{id}/file``.

    Args:
        path: As received, without the query.
    """
    return "/".join(_ID if _IDS.fullmatch(each) else each for each in path.split("/"))


class Templates:
    """The templates of a run; bounded."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = set(known)

    def of(self, path: str) -> str:
        """The template of a path, or `OTHERS` where there are too many already."""
        found = template(path)
        if found in self._known:
            return found
        if len(self._known) >= MOST_TEMPLATES:
            return OTHERS
        self._known.add(found)
        return found


def pooled(traffic: Mapping[Stratum, int]) -> frozenset[Stratum]:
    """Which strata are too small to be judged alone.

    Args:
        traffic: Eligible requests by stratum.
    """
    least = LEAST_SHARE * sum(traffic.values())
    return frozenset(stratum for stratum, count in traffic.items() if count < least)

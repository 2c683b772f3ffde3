"""Matches that can never be chosen, because others take all their requests; and parts of them.

By the precedence of the Gateway API (HTTPRouteRule.matches, HTTPRouteSpec.hostnames), with regular
expressions between exact paths and prefixes. A match that is looser than another in its hosts, or
within one kind of path, loses against it. So only two things can take all of a match's requests for
one host and one method: an earlier match that is equal in all other conditions, and a pattern that
takes all its paths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from gateway.config.covering import Covering, literal_beginning
from gateway.config.draft import Draft
from gateway.config.report import Report
from gateway.config.spec import MatchSpec
from gateway.config.wording import plural, quoted

_ANY = ""
"""Stands for a match without a condition on host or method, which is a rank of its own."""
_SHOWN = 3
"""Routes that are named as the takers of a match's requests."""

Conditions = tuple[object, ...]
Part = tuple[str, str]
"""A host and a method of a match: it consists of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A match and where it stands."""

    index: int
    """Of its route."""
    position: int
    match: MatchSpec
    others: tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]
    """The conditions on headers and query keys."""

    @property
    def loc(self) -> tuple[str | int, ...]:
        return ("routes", self.index, "match", self.position)

    @property
    def hosts(self) -> list[str]:
        return list(dict.fromkeys(self.match.hosts)) or [_ANY]

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(self.match.methods)) or [_ANY]


def check_reachable(draft: Draft, report: Report) -> None:
    """Report every match that no request can reach, and warn of every part of one."""
    if not draft.knows("routes"):
        return
    placed = list(_known(draft))
    patterns = _Wider([one for one in placed if one.match.path_regex is not None])
    takers: dict[Conditions, dict[Part, int]] = {}
    for one in placed:
        match = one.match
        conditions = (match.path, match.path_regex, match.path_prefix, *one.others)
        before = takers.setdefault(conditions, {})
        wider = list(patterns.than(one))
        taken: dict[Part, int] = {}
        for part in product(one.hosts, one.methods):
            taker = before.get(part)
            if taker is None:
                taker = next((w.index for w in wider if _takes(w, part)), None)
            if taker is not None:
                taken[part] = taker
            before.setdefault(part, one.index)
        if taken:
            _tell(draft, report, one, taken)


def _known(draft: Draft) -> Iterator[_Placed]:
    for index, route in enumerate(draft.spec.routes):
        if not draft.knows("routes", index, "match"):
            continue
        for position, match in enumerate(route.match):
            headers = ((name.lower(), value) for name, value in match.headers.items())
            others = (frozenset(headers), frozenset(match.query.items()))
            yield _Placed(index=index, position=position, match=match, others=others)


class _Wider:
    """Patterns that may take all of another match's paths."""

    def __init__(self, patterns: list[_Placed]) -> None:
        self._patterns = patterns
        self._covering = Covering([one.match.path_regex or "" for one in patterns])

    def than(self, one: _Placed) -> Iterator[_Placed]:
        """Those that are looked at before `one` and take all its paths, headers and keys."""
        if one.match.path_prefix is not None:
            for index in sorted(self._covering.below(one.match.path_prefix)):
                pattern = self._patterns[index]
                pairs = zip(pattern.others, one.others, strict=True)
                if all(theirs <= mine for theirs, mine in pairs):
                    yield pattern
        elif one.match.path_regex is not None:
            for index in sorted(self._covering.beginning(literal_beginning(one.match.path_regex))):
                pattern = self._patterns[index]
                is_before = (pattern.index, pattern.position) < (one.index, one.position)
                # Of patterns, those with more conditions come first.
                is_equal = bool(pattern.match.methods) == bool(one.match.methods)
                if is_before and is_equal and pattern.others == one.others:
                    yield pattern


def _takes(pattern: _Placed, part: Part) -> bool:
    host, method = part
    return host in pattern.hosts and (not pattern.match.methods or method in pattern.methods)


def _tell(draft: Draft, report: Report, one: _Placed, taken: Mapping[Part, int]) -> None:
    def by(takers: Iterable[int], what: str) -> str:
        named = _named(draft, report, one, takers)
        return f"{named} {what}" if named else "this route has the same conditions already"

    if len(taken) == len(one.hosts) * len(one.methods):
        takers = by(taken.values(), "every request that matches this")
        report.at_value(one.loc, f"unreachable: {takers}")
        return
    told: set[Part] = set()
    for key, lost in (("methods", _lost(one, taken, 1)), ("hosts", _lost(one, taken, 0))):
        for number, value, parts in lost:
            takers = by((taken[part] for part in parts), "these requests")
            message = f"{value} has no effect here: {takers}"
            report.warn_at_value((*one.loc, key, number), message, "remove it")
            told.update(parts)
    for part in sorted(taken.keys() - told):
        message = f"{part[1]} to {part[0]} has no effect here: "
        report.warn_at_value(one.loc, message + by([taken[part]], "these requests"))


def _lost(
    one: _Placed, taken: Mapping[Part, int], side: int
) -> Iterator[tuple[int, str, list[Part]]]:
    """Values of one side of the parts that others take altogether: place in the list, value, parts.

    A value without a list it stands in (any host, any method) is not told of.
    """
    written = one.match.methods if side else one.match.hosts
    count = Counter(part[side] for part in taken)
    others = one.hosts if side else one.methods
    for number, value in enumerate(written):
        if count[value] == len(others):
            yield number, value, [(o, value) if side else (value, o) for o in others]


def _named(draft: Draft, report: Report, one: _Placed, takers: Iterable[int]) -> str:
    """The routes that take requests, as the beginning of a sentence; empty if it is this one."""
    owners = sorted(set(takers))
    if owners == [one.index]:
        return ""
    shown = [
        f"route {quoted(draft.spec.routes[owner].name)} (line {report.line_of(('routes', owner))})"
        for owner in owners[:_SHOWN]
    ]
    shown += [plural(len(owners) - _SHOWN, "more route")] if len(owners) > _SHOWN else []
    return f"{' and '.join(shown)} {'take' if len(owners) > 1 else 'takes'}"

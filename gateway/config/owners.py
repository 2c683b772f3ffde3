"""What must hold within a route's owner, so that nothing that was made can be lost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from gateway.config.draft import Draft
from gateway.config.report import Report
from gateway.config.spec import MERGE, OneListSpec, OwnerSpec, RouteSpec
from gateway.config.units import Span
from gateway.config.wording import quoted


def check_owners(draft: Draft, report: Report) -> None:
    """Report whatever is wrong in the owners that are known."""
    if not draft.knows("routes"):
        return
    for index, route in enumerate(draft.spec.routes):
        owner = route.owner
        if owner is None or not draft.knows("routes", index, "owner"):
            continue
        _ranges(report, index, owner)
        _prefixes(report, index, owner)
        _creators(draft, report, index, route, owner)
        _second_look(report, index, owner)
        _lists(draft, report, index, owner)


def named_backends(owner: OwnerSpec) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """The backends that an owner names: where, the name, and whether it is a key there."""
    yield ("unknown",), owner.unknown, False
    if owner.second_look is not None:
        yield ("second_look",), owner.second_look, False
    if isinstance(owner.lists, OneListSpec):
        yield ("lists",), owner.lists.backend, False
    for part in ("ranges", "prefixes"):
        for name in getattr(owner, part):
            yield (part, name), name, True


def _ranges(report: Report, index: int, owner: OwnerSpec) -> None:
    """No id belongs to two backends."""
    ordered = sorted(owner.ranges.items(), key=lambda item: item[1].first)
    if not ordered:
        return
    widest: tuple[str, Span] = ordered[0]
    for _, (backend, span) in pairwise(ordered):
        last = widest[1].last
        if last is None or span.first <= last:
            message = f"{span} overlaps {widest[1]} of {quoted(widest[0])}"
            report.at_value(("routes", index, "owner", "ranges", backend), message)
        if last is not None and (span.last is None or span.last > last):
            widest = (backend, span)


def _prefixes(report: Report, index: int, owner: OwnerSpec) -> None:
    """No id begins with two of them, and none of them begins a number that ranges tell of."""
    loc = ("routes", index, "owner", "prefixes")
    seen: list[tuple[str, str]] = []
    for backend, written in owner.prefixes.items():
        for prefix in written:
            for other, whose in seen:
                is_shared = prefix.startswith(other) or other.startswith(prefix)
                if is_shared and whose != backend:
                    message = f"{quoted(prefix)} overlaps {quoted(other)} of {quoted(whose)}"
                    report.at_value((*loc, backend), message)
            if owner.ranges and prefix[0].isdigit():
                message = f"{quoted(prefix)} could begin a number, and there are ranges"
                report.at_value((*loc, backend), message, "begin with a letter")
            seen.append((prefix, backend))


def _creators(draft: Draft, report: Report, index: int, route: RouteSpec, owner: OwnerSpec) -> None:
    """Whoever may create is found by the ids that it gives."""
    known = {owner.unknown, *owner.ranges, *owner.prefixes}
    if not known <= draft.backends:
        return
    for backend in route.split:
        if backend in draft.backends and backend not in known:
            message = f"{quoted(backend)} creates, but no ids are its own: they would be unknown"
            hint = "give it ranges or prefixes, or make it the one for unknown"
            report.at_key(("routes", index, "split", backend), message, hint)


def _second_look(report: Report, index: int, owner: OwnerSpec) -> None:
    if owner.second_look == owner.unknown:
        message = f"{quoted(owner.unknown)} is the one that is asked at first (unknown)"
        report.at_value(("routes", index, "owner", "second_look"), message, "name another")


def _lists(draft: Draft, report: Report, index: int, owner: OwnerSpec) -> None:
    loc = ("routes", index, "owner", "lists")
    if isinstance(owner.lists, OneListSpec):
        return
    if MERGE in draft.backends:
        message = f"{quoted(MERGE)} means merged lists here, and a backend is called so"
        report.at_value(loc, message, "rename the backend")
    others = {owner.second_look or owner.unknown, *owner.ranges, *owner.prefixes}
    if others == {owner.unknown}:
        message = f"there is nothing to merge: all ids are those of {quoted(owner.unknown)}"
        report.at_value(loc, message, f"write {owner.unknown}")

"""What a changed text changes for customers, as data and in words."""

from __future__ import annotations

import msgspec

from gateway.config.splits import WrittenRoute, written_routes
from gateway.errors import ConfigError
from gateway.routing.moves import moves


class MovedShare(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a route's customers that goes elsewhere."""

    origin: str
    target: str
    percent: float


class RouteEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one route's new work."""

    route: str
    before: dict[str, float] | None
    """Backend -> percent; None if the route is new."""
    after: dict[str, float] | None
    """None if it is gone."""
    moved: tuple[MovedShare, ...] = ()
    sticky: tuple[str, ...] = ()
    """What keeps a customer on one side; empty draws every request anew."""
    keeps_owned: bool = False
    """Whether what exists stays with the side that made it."""
    changed: tuple[str, ...] = ()
    """Keys beside the weights that both texts have and that differ: match, sticky, owner."""


def effects(old: bytes, new: bytes) -> list[RouteEffect]:
    """The routes that differ, in the order of the new text; those that are gone last.

    A text that is no YAML has no routes.
    """
    before = {route.name: route for route in _routes(old)}
    after = {route.name: route for route in _routes(new)}
    names = dict.fromkeys([*after, *before])
    found = (_effect(name, before.get(name), after.get(name)) for name in names)
    return [
        effect
        for effect in found
        if effect.before != effect.after or effect.moved or effect.changed
    ]


def _routes(text: bytes) -> list[WrittenRoute]:
    try:
        return written_routes(text)
    except ConfigError:
        return []


def _effect(name: str, old: WrittenRoute | None, new: WrittenRoute | None) -> RouteEffect:
    moved = moves(old.shares, new.shares) if old and new else ()
    rules, before = dict(new.rules if new else ()), dict(old.rules if old else ())
    changed = tuple(key for key in rules if key in before and rules[key] != before[key])
    return RouteEffect(
        route=name,
        before=_percents(old) if old else None,
        after=_percents(new) if new else None,
        moved=tuple(
            MovedShare(origin=move.origin, target=move.target, percent=move.percent)
            for move in moved
        ),
        sticky=new.sticky if new else (),
        keeps_owned=bool(new and new.has_owner) and "owner" not in changed,
        changed=changed,
    )


def _percents(route: WrittenRoute) -> dict[str, float]:
    # In one order, so that a line that is only written in another is no change.
    return {s.backend: s.percent for s in sorted(route.shares, key=lambda s: s.backend)}


def in_words(effect: RouteEffect) -> list[str]:
    """A headline and what it means."""
    if effect.before is None or effect.after is None:
        state = "is new" if effect.before is None else "is gone"
        return [f"{effect.route} {state}: {_shares(effect.after or effect.before or {})}"]
    names = dict.fromkeys([*effect.before, *effect.after])
    weights = ", ".join(_weight(name, effect.before, effect.after) for name in names)
    lines = [f"{effect.route}: {weights}"]
    if not effect.moved and not effect.changed:
        return [*lines, "  nobody moves"]
    lines += [_CHANGED[key] for key in effect.changed]
    lines += _movements(effect)
    if effect.moved and effect.keeps_owned:
        lines.append("  what exists stays with the side that made it: this moves new work alone")
    return lines


_CHANGED = {
    "match": "  its match changes: other requests take this route",
    "sticky": "  its sticky changes: customers are told apart anew, and may move either way",
    "owner": "  its owner changes: what exists may be looked for where it was not made",
}


def _movements(effect: RouteEffect) -> list[str]:
    if "sticky" in effect.changed:
        return [f"  a customer is told by {', else '.join(effect.sticky) or 'nothing'} from now on"]
    if not effect.sticky:
        return [
            f"  {share.percent:g} % of requests go to {share.target} instead of {share.origin}, "
            "each drawn anew (nothing is sticky)"
            for share in effect.moved
        ]
    lines = [
        f"  {share.percent:g} % of customers move from {share.origin} to {share.target}"
        for share in effect.moved
    ]
    if len(effect.moved) == 1:
        lines[0] += "; nobody moves the other way"
    if not lines:
        return []
    return [*lines, f"  a customer is told by {', else '.join(effect.sticky)}"]


def _weight(name: str, before: dict[str, float], after: dict[str, float]) -> str:
    old, new = before.get(name), after.get(name)
    if old == new:
        return f"{name} {new:g} %"
    if old is None or new is None:
        return f"{name} {'none' if old is None else f'{old:g} %'} -> " + (
            "none" if new is None else f"{new:g} %"
        )
    return f"{name} {old:g} -> {new:g} %"


def _shares(percents: dict[str, float]) -> str:
    return ", ".join(f"{name} {percent:g} %" for name, percent in percents.items())

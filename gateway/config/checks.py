"""What one value alone cannot show: names that must be known, sums, pairs, and the last route."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config import paths
from gateway.config.draft import Draft
from gateway.config.owners import named_backends
from gateway.config.report import Report
from gateway.config.spec import MatchSpec, OwnerSpec, RouteSpec, StickySpec
from gateway.config.units import REST, percent
from gateway.config.wording import quoted
from gateway.routing.snapshot import BUCKETS

CATCH_ALL = "{name: everything-else, match: {path_prefix: /}, backend: NAME}"


def check(draft: Draft, report: Report) -> None:
    """Report whatever is wrong across values, in those parts of the draft that are known."""
    if not draft.knows("routes"):
        return
    _names(draft, report)
    for index, route in enumerate(draft.spec.routes):
        _destination(draft, report, index, route)
        _backends(draft, report, index, route)
        _split(report, index, route)
        _sticky(report, index, route.sticky)
        for position, match in enumerate(route.match):
            _header_names(report, (index, position), match)
            _repeated(report, (index, position), match)
        if route.owner is not None and draft.knows("routes", index, "match"):
            _owner_place(report, index, route, route.owner)
    _last_route(draft, report)


def _names(draft: Draft, report: Report) -> None:
    first: dict[str, int] = {}
    for index, route in enumerate(draft.spec.routes):
        if not draft.knows("routes", index, "name"):
            continue
        loc = ("routes", index, "name")
        if route.name in first:
            line = report.line_of(("routes", first[route.name], "name"))
            message = f"duplicate route name {quoted(route.name)}"
            report.at_value(loc, message, f"the first is at line {line}")
        first.setdefault(route.name, index)


def _destination(draft: Draft, report: Report, index: int, route: RouteSpec) -> None:
    """Exactly one of backend and split; sticky and owner only beside a split."""
    loc = ("routes", index)
    if not draft.knows(*loc):
        return
    has = {
        key: key in route.model_fields_set or not draft.knows(*loc, key)
        for key in ("backend", "split", "sticky", "owner")
    }
    if has["backend"] and has["split"]:
        report.at_key((*loc, "split"), "a route has either backend or split, not both", "keep one")
    elif not has["backend"] and not has["split"]:
        report.within(loc, "needs backend or split", "say where its requests go")
    elif not has["split"]:
        for key in ("sticky", "owner"):
            if has[key]:
                report.at_key((*loc, key), f"{key} has a meaning only beside split", "remove it")


def _backends(draft: Draft, report: Report, index: int, route: RouteSpec) -> None:
    """Every backend that a route names is configured."""
    if not draft.knows("backends"):
        return
    loc = ("routes", index)
    values: dict[tuple[str, ...], str] = {}
    keys: dict[tuple[str, ...], str] = {("split", name): name for name in route.split}
    if route.backend is not None:
        values["backend",] = route.backend
    if route.owner is not None:
        for place, name, is_key in named_backends(route.owner):
            (keys if is_key else values)["owner", *place] = name
    for place, name in values.items():
        if draft.knows(*loc, *place) and name not in draft.backends:
            report.at_value((*loc, *place), *_unknown_backend(draft, report, name))
    for place, name in keys.items():
        if name not in draft.backends:
            report.at_key((*loc, *place), *_unknown_backend(draft, report, name))


def _unknown_backend(draft: Draft, report: Report, name: str) -> tuple[str, str]:
    hint = report.guess.hint(name, draft.backends, kind="backends")
    return f"unknown backend {quoted(name)}", hint


def _split(report: Report, index: int, route: RouteSpec) -> None:
    """The weights fill 100 percent: by their sum, or by one rest."""
    loc = ("routes", index, "split")
    if not route.split:
        return
    rests = [name for name, weight in route.split.items() if weight == REST]
    for name in rests[1:]:
        first = f"{rests[0]} is the rest already"
        report.at_value((*loc, name), "only one backend can be the rest", first)
    total = sum(weight for weight in route.split.values() if weight != REST)
    if total > BUCKETS:
        report.at_value(loc, f"the weights sum to {percent(total)}, more than 100 percent")
    elif total < BUCKETS and not rests:
        missing = percent(BUCKETS - total)
        hint = f"add {missing}, or write rest for one backend"
        report.at_value(loc, f"the weights sum to {percent(total)}, not to 100 percent", hint)


def _sticky(report: Report, index: int, sticky: Iterable[StickySpec]) -> None:
    seen: set[tuple[str, str]] = set()
    for position, item in enumerate(sticky):
        # Header names are case-insensitive (RFC 9110, section 5.1), cookie names are not.
        key = ((item.header or "").lower(), item.cookie or "")
        if key in seen:
            report.at_value(("routes", index, "sticky", position), "is in the list already")
        seen.add(key)


def _header_names(report: Report, position: tuple[int, int], match: MatchSpec) -> None:
    index, match_index = position
    seen: set[str] = set()
    for name in match.headers:
        if name.lower() in seen:
            loc = ("routes", index, "match", match_index, "headers", name)
            report.at_key(loc, f"header {quoted(name)} is here twice: case has no meaning in it")
        seen.add(name.lower())


def _repeated(report: Report, position: tuple[int, int], match: MatchSpec) -> None:
    index, match_index = position
    for key, values in (("hosts", match.hosts), ("methods", match.methods)):
        seen: set[str] = set()
        for place, value in enumerate(values):
            if value in seen:
                loc = ("routes", index, "match", match_index, key, place)
                report.at_value(loc, f"{quoted(value)} is in the list already", "remove it")
            seen.add(value)


def _owner_place(report: Report, index: int, route: RouteSpec, owner: OwnerSpec) -> None:
    """The route gets the requests that its owner is to decide."""
    prefixes = [match.path_prefix for match in route.match if match.path_prefix is not None]
    inside = paths.inside_of(owner.id)
    if not any(paths.is_inside(inside, prefix) for prefix in prefixes):
        message = f"{quoted(owner.id)} and what is below it lie outside what the route matches"
        hint = f"match {{path_prefix: {inside}}}"
        report.at_value(("routes", index, "owner", "id"), message, hint)


def _last_route(draft: Draft, report: Report) -> None:
    last = len(draft.spec.routes) - 1
    if not draft.knows("routes", last, "match"):
        return
    if any(map(_is_catch_all, draft.spec.routes[last].match)):
        return
    hint = f"add as the last route: {CATCH_ALL}"
    for index, route in enumerate(draft.spec.routes):
        if draft.knows("routes", index, "match") and any(map(_is_catch_all, route.match)):
            hint = (
                f"move {quoted(route.name)} (line {report.line_of(('routes', index))}) to the end"
            )
    message = "missing catch-all: the last route must match everything"
    report.at_value(("routes", last), message, hint)


def _is_catch_all(match: MatchSpec) -> bool:
    return match.path_prefix == "/" and not (
        match.hosts or match.methods or match.headers or match.query
    )

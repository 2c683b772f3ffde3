"""Matches that can never be chosen, because earlier ones take all their requests.

By the precedence of the Gateway API (HTTPRouteRule.matches): exact path, longest prefix, a method
condition, number of headers, number of query parameters, then file order. A match that is looser
than another in any of these loses against it, so only matches with equal path, headers and query
can shadow one another, and only the earlier the later, if they take every one of its methods.
"""

from __future__ import annotations

from gateway.config.draft import Draft
from gateway.config.report import Report
from gateway.config.spec import MatchSpec
from gateway.config.wording import plural, quoted

_ANY = ""
"""Stands for a match without a method condition, which is a rank of its own."""

Conditions = tuple[object, ...]


def check_reachable(draft: Draft, report: Report) -> None:
    """Report every match that no request can reach."""
    if not draft.knows("routes"):
        return
    takers: dict[Conditions, dict[str, int]] = {}
    for index, route in enumerate(draft.spec.routes):
        if not draft.knows("routes", index, "match"):
            continue
        for position, match in enumerate(route.match):
            by_method = takers.setdefault(_conditions(match), {})
            methods = match.methods or [_ANY]
            if all(method in by_method for method in methods):
                owners = sorted({by_method[method] for method in methods})
                message = "unreachable: " + _taken_by(draft, report, owners, index)
                report.at_value(("routes", index, "match", position), message)
            for method in methods:
                by_method.setdefault(method, index)


def _conditions(match: MatchSpec) -> Conditions:
    """All that must be equal; never equal for different conditions."""
    headers = frozenset((name.lower(), value) for name, value in match.headers.items())
    return match.path, match.path_prefix, headers, frozenset(match.query.items())


def _taken_by(draft: Draft, report: Report, takers: list[int], index: int) -> str:
    if takers == [index]:
        return "this route has the same conditions already"
    shown = [
        f"route {quoted(draft.spec.routes[taker].name)} (line {report.line_of(('routes', taker))})"
        for taker in takers[:3]
    ]
    shown += [plural(len(takers) - 3, "more route")] if len(takers) > 3 else []  # noqa: PLR2004
    names = " and ".join(shown)
    return f"{names} {'take' if len(takers) > 1 else 'takes'} every request that matches this"

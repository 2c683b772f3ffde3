"""The splits that a text writes, whatever else is in it.

For those who look at weights alone: no variable is filled in and no other key is judged, so that a
file can be read where the environment of the gateway is not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.config.document import Document, Value, parse
from gateway.config.layout import Weight, lay_out
from gateway.config.source import decode
from gateway.config.units import weight
from gateway.config.wording import Refusal
from gateway.routing.snapshot import BUCKETS, Share

_RULES = ("match", "sticky", "owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRoute:
    """Where a route sends new work, as it is written."""

    index: int
    """Its place in the list ``routes``, from 0."""
    name: str
    backend: str | None = None
    """Where it has one backend and no split."""
    weights: dict[str, Weight]
    """As written, in file order; empty without a split."""
    sticky: tuple[str, ...] = ()
    """What keeps a customer on one side, in words; empty draws every request anew."""
    has_owner: bool = False
    rules: tuple[tuple[str, Value], ...] = ()
    """Its other keys that say who goes where, as they are written: match, sticky, owner."""

    @property
    def shares(self) -> tuple[Share, ...]:
        """Its shares, as they are compiled."""
        if self.backend is not None:
            return (Share(backend=self.backend, start=0, end=BUCKETS),)
        return lay_out(self.weights)


def written_routes(source: bytes) -> list[WrittenRoute]:
    """The routes of a file, in file order; those that cannot be understood are left out.

    Raises:
        ConfigError: The file is no YAML.
    """
    return routes_of(parse(decode(source)))


def has_safety(source: bytes) -> bool:
    """Whether a file says which changes are refused for what they move.

    Raises:
        ConfigError: The file is no YAML.
    """
    data = parse(decode(source)).data
    return isinstance(data, dict) and data.get("safety") is not None


def routes_of(document: Document) -> list[WrittenRoute]:
    """The same, of what was parsed already."""
    routes = document.data.get("routes") if isinstance(document.data, dict) else None
    if not isinstance(routes, list):
        return []
    found = (_route(index, route) for index, route in enumerate(routes))
    return [route for route in found if route is not None]


def _route(index: int, route: Value) -> WrittenRoute | None:
    if not isinstance(route, dict) or not isinstance(name := route.get("name"), str):
        return None
    backend, split = route.get("backend"), route.get("split")
    if isinstance(backend, str) and split is None:
        rules = (("match", route.get("match")),)
        return WrittenRoute(index=index, name=name, backend=backend, weights={}, rules=rules)
    if not isinstance(split, dict):
        return None
    try:
        weights = {key: weight(value) for key, value in split.items()}
    except Refusal:
        return None
    return WrittenRoute(
        index=index,
        name=name,
        weights=weights,
        sticky=_sticky(route.get("sticky")),
        has_owner=route.get("owner") is not None,
        rules=tuple((key, route.get(key)) for key in _RULES),
    )


def _sticky(written: Value) -> tuple[str, ...]:
    items = written if isinstance(written, list) else []
    said: list[str] = []
    for item in items:
        if isinstance(item, dict):
            said += [f"{kind} {name}" for kind, name in item.items() if isinstance(name, str)]
        elif item == "client_ip":
            said.append("client_ip")
    return tuple(said)

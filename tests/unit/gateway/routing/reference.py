"""Routing as its documents tell it, read out loud: slow, plain, and sharing no code with it.

Only the readings of a path and the hash of a value are taken from the package: both have tests of
their own against fixed results.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gateway.routing.path import readings
from gateway.routing.snapshot import Match, Owner, Route, Snapshot
from gateway.routing.split import bucket_of
from gateway.wire.messages import RequestHead


@dataclass(frozen=True)
class Expected:
    """What must come out: a status, or a route, a backend and the reason's name."""

    status: int | None = None
    route: str = ""
    backend: str = ""
    reason: str = ""


def expected(snapshot: Snapshot, head: RequestHead, draw: float) -> Expected:
    """The decision for a request."""
    paths = readings(head.path)
    if paths is None:
        return Expected(status=400)
    outcomes = [_on_path(snapshot, head, path, draw) for path in paths]
    places = {(outcome.status, outcome.route, outcome.backend) for outcome in outcomes}
    return outcomes[0] if len(places) == 1 else Expected(status=400)


def _on_path(snapshot: Snapshot, head: RequestHead, path: bytes, draw: float) -> Expected:
    found: list[tuple[tuple[int, ...], Route]] = []
    for position, route in enumerate(snapshot.routes):
        for number, match in enumerate(route.matches):
            met = [host for host in match.hosts or [""] if _host_holds(host, head)]
            if _holds(match, head, path):
                found += [((*_weight(host, match), -position, -number), route) for host in met]
    if not found:
        return Expected(status=404)
    route = max(found, key=lambda pair: pair[0])[1]
    backend, reason = _backend(route, head, path, draw)
    return Expected(route=route.name, backend=backend, reason=reason)


def _weight(host: str, match: Match) -> tuple[int, ...]:
    """Greater wins: exact host, its length, exact path, regex, length, has a method, ..."""
    kind = 2 if match.path is not None else 1 if match.path_regex is not None else 0
    return (
        int("*" not in host and host != ""),
        len(host),
        kind,
        len((match.path_prefix or "").rstrip("/")),
        int(len(match.methods) > 0),
        len(match.headers),
        len(match.query),
    )


def _host_holds(host: str, head: RequestHead) -> bool:
    got = head.named.get(b"host", b"").decode().lower()
    if "[" not in got:
        got = got.split(":")[0]
    if got.endswith("."):
        got = got[:-1]
    if host.startswith("*"):
        return got.endswith(host[1:]) and len(got) > len(host[1:])
    return host in ("", got)


def _holds(match: Match, head: RequestHead, path: bytes) -> bool:
    if match.path is not None:
        path_holds = path == match.path.encode()
    elif match.path_regex is not None:
        path_holds = re.fullmatch(match.path_regex.encode(), path) is not None
    else:
        wanted = [part for part in (match.path_prefix or "").split("/") if part]
        parts = path.decode("latin-1").split("/")[1:] if path.startswith(b"/") else []
        path_holds = parts[: len(wanted)] == wanted
    keys: list[tuple[bytes, bytes]] = []
    for pair in head.query.split(b"&"):
        key, _, value = pair.partition(b"=")
        keys.append(
            (
                unquote_to_bytes(key.replace(b"+", b" ")),
                unquote_to_bytes(value.replace(b"+", b" ")),
            )
        )
    first = {key: value for key, value in reversed(keys)}  # noqa: C416 - the first one stays
    return (
        path_holds
        and (not match.methods or head.method.decode() in match.methods)
        and all(head.named.get(name.encode()) == value.encode() for name, value in match.headers)
        and all(first.get(key.encode()) == value.encode() for key, value in match.query)
    )


def _backend(route: Route, head: RequestHead, path: bytes, draw: float) -> tuple[str, str]:
    if route.backend is not None:
        return route.backend, "backend"
    if route.owner is not None:
        claimed = _owner(route.owner, head.method, path)
        if claimed is not None:
            return claimed
    for sticky in route.sticky:
        value = head.client_ip.encode()
        if sticky.source == "header":
            value = head.named.get(sticky.name.encode(), b"")
        elif sticky.source == "cookie":
            value = _cookie(head.named.get(b"cookie", b""), sticky.name.encode())
        if value:
            return _share(route, bucket_of(value)), "sticky"
    return _share(route, int(draw * 100_000)), "draw"


def _cookie(header: bytes, name: bytes) -> bytes:
    pairs = [pair.strip().split(b"=", 1) for pair in header.split(b";") if b"=" in pair]
    return next((value for key, value in pairs if key == name), b"")


def _share(route: Route, bucket: int) -> str:
    return next(share.backend for share in route.shares if share.start <= bucket < share.end)


def _owner(owner: Owner, method: bytes, path: bytes) -> tuple[str, str] | None:
    collection = owner.collection.rstrip("/")
    text = path.decode("latin-1")
    if text in (collection, collection + "/"):
        return None if method == b"POST" else (owner.lists, "owner_list")
    if not text.startswith(collection + "/"):
        return None
    name = text[len(collection) + 1 :].split("/")[0]
    if 1 <= len(name) <= 19 and set(name) <= set("0123456789"):
        for span in owner.ranges:
            if span.first <= int(name) and (span.last is None or int(name) <= span.last):
                return span.backend, "owner"
    return owner.unknown, "owner_unknown"

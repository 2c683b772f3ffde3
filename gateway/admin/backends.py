"""What the admin port says of backends. Pure, but for what it is handed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gateway.admin.view import Address, Backend, Check
from gateway.routing import snapshot as compiled
from gateway.telemetry.counters import Counters


def backends_of(
    snapshot: compiled.Snapshot, counters: Counters, addresses: Mapping[str, Sequence[Address]]
) -> tuple[Backend, ...]:
    """Every backend, from what workers count and what is known of its addresses."""
    return tuple(
        Backend(
            name=backend.name,
            service=counters.service.get(backend.name, {}),
            addresses=tuple(addresses[backend.name]),
            connections=counters.upstream_connections.get(backend.name, 0),
            breaker_opened=counters.breaker_opened.get(backend.name, 0),
            in_flight=counters.upstream_in_flight.get(backend.name, 0),
            fallback=backend.fallback.to if backend.fallback else "",
        )
        for backend in snapshot.backends
    )


def checks_of(snapshot: compiled.Snapshot, backends: Iterable[Backend]) -> list[Check]:
    """A check for each backend; none of them decides whether the gateway is ready."""
    known = {backend.name: backend for backend in backends}
    return [
        Check(
            name=f"backend:{name}",
            ok=not (_left_out(backend) or _ailing(backend)),
            detail="; ".join(_words(snapshot, backend, known)),
        )
        for name, backend in known.items()
    ]


def _ailing(backend: Backend) -> list[str]:
    return [text for text in backend.service if text != "in"]


def _left_out(backend: Backend) -> list[Address]:
    return [each for each in backend.addresses if each.ejected_by or each.probe == "ill"]


def _words(
    snapshot: compiled.Snapshot, backend: Backend, known: Mapping[str, Backend]
) -> Iterator[str]:
    workers = sum(backend.service.values())
    for text in sorted(_ailing(backend)):
        service, _, why = text.partition(":")
        what = {"out": "out of service", "trial": "on trial"}[service]
        yield f"{what} ({why}) with {backend.service[text]} of {workers} workers"
    for each in _left_out(backend):
        if each.probe == "ill":
            yield f"{each.address} is ill: {each.probe_detail}"
        else:
            yield f"requests to {each.address} fail"
    if _is_out(backend):
        yield from _consequences(snapshot, backend.name, known)


def _is_out(backend: Backend) -> bool:
    return any(text.startswith("out") for text in backend.service)


def _consequences(
    snapshot: compiled.Snapshot, name: str, known: Mapping[str, Backend]
) -> Iterator[str]:
    """Where its new work goes, by route."""
    moved: list[str] = []
    kept: list[str] = []
    for route in snapshot.routes:
        weighty = {share.backend for share in route.shares if share.start < share.end}
        if route.backend == name or name in weighty:
            others = weighty - {name}
            is_moved = any(not _is_out(known[other]) for other in others)
            (moved if is_moved else kept).append(route.name)
    if moved:
        yield f"new work of {_listed(moved)} goes elsewhere"
    if kept:
        verb, falls = ("has", "falls") if len(kept) == 1 else ("have", "fall")
        fallback = known[name].fallback
        reads = f" for writes, and {falls} back to {fallback} for reads" if fallback else " to ask"
        yield f"{_listed(kept)} {verb} nobody else{reads}"


def _listed(names: Sequence[str]) -> str:
    few = 4
    more = f" and {len(names) - few} more" if len(names) > few else ""
    return ", ".join(names[:few]) + more

"""Spec -> Snapshot. Nothing can fail here: what is wrong has been refused before."""

from __future__ import annotations

from gateway.config.egress_spec import compile_egress
from gateway.config.layout import lay_out
from gateway.config.run_compile import compile_run
from gateway.config.spec import (
    AccessLogSpec,
    BackendSpec,
    BreakerSpec,
    FileSpec,
    HealthSpec,
    ListsSpec,
    MatchSpec,
    OneListSpec,
    OwnerSpec,
    RouteSpec,
    SoftErrorSpec,
    StickySpec,
    TlsSpec,
)
from gateway.routing.protection import Breaker, Fallback, Health, SoftError
from gateway.routing.snapshot import (
    Backend,
    IdPrefix,
    IdRange,
    Match,
    Merge,
    Owner,
    Route,
    Safety,
    Sensitive,
    Snapshot,
    Sticky,
    Timeouts,
    Tls,
    Trust,
)


def compile_snapshot(spec: FileSpec, *, digest: str) -> Snapshot:
    """Compile a spec that passed every check; backends and routes keep the file's order."""
    return Snapshot(
        digest=digest,
        sensitive=_sensitive(spec.access_log),
        safety=Safety(max_moved_percent=spec.safety.max_moved) if spec.safety else None,
        trust=Trust(
            proxies=tuple(spec.trust.proxies),
            testers=tuple(spec.trust.testers),
            pin_secret=spec.trust.pin_secret,
        ),
        backends=tuple(_backend(name, backend) for name, backend in spec.backends.items()),
        routes=tuple(map(_route, spec.routes)),
        parallel_runs=tuple(compile_run(name, run) for name, run in spec.parallel_runs.items()),
        egress=compile_egress(spec.egress) if spec.egress is not None else None,
    )


def _sensitive(spec: AccessLogSpec) -> Sensitive:
    return Sensitive(
        headers=tuple(dict.fromkeys(name.lower() for name in spec.sensitive_headers)),
        query=tuple(dict.fromkeys(spec.sensitive_query)),
    )


def _backend(name: str, spec: BackendSpec) -> Backend:
    return Backend(
        name=name,
        addresses=tuple(endpoint.address for endpoint in spec.endpoints),
        tls=_tls(spec),
        timeouts=Timeouts(
            connect_s=spec.timeouts.connect,
            first_byte_s=spec.timeouts.first_byte,
            idle_s=spec.timeouts.idle,
            total_s=spec.timeouts.total,
        ),
        max_connections=spec.max_connections,
        max_waiting=spec.max_waiting,
        health=_health(spec.health) if spec.health is not None else None,
        breaker=_breaker(spec.breaker) if spec.breaker is not None else None,
        soft_errors=tuple(map(_soft_error, spec.soft_errors)),
        fallback=Fallback(to=spec.fallback.to) if spec.fallback is not None else None,
    )


def _tls(spec: BackendSpec) -> Tls | None:
    if spec.endpoints[0].scheme != "https":
        return None
    written = spec.tls or TlsSpec()
    return Tls(ca=written.ca, server_name=written.server_name)


def _health(spec: HealthSpec) -> Health:
    return Health(
        path=spec.path,
        interval_s=spec.interval,
        timeout_s=spec.timeout,
        unhealthy_after=spec.unhealthy_after,
        healthy_after=spec.healthy_after,
    )


def _breaker(spec: BreakerSpec) -> Breaker:
    return Breaker(
        failures=spec.failures,
        window_s=spec.window,
        min_requests=spec.min_requests,
        open_s=spec.open,
    )


def _soft_error(spec: SoftErrorSpec) -> SoftError:
    return SoftError(json=spec.json_, equals=spec.equals, status=spec.status, counts_as=spec.as_)


def _route(spec: RouteSpec) -> Route:
    return Route(
        name=spec.name,
        matches=tuple(map(_match, spec.match)),
        backend=spec.backend,
        shares=lay_out(spec.split),
        sticky=tuple(map(_sticky, spec.sticky)),
        owner=_owner(spec.owner) if spec.owner is not None else None,
        parallel_run=spec.parallel_run,
    )


def _match(spec: MatchSpec) -> Match:
    return Match(
        path=spec.path,
        path_regex=spec.path_regex,
        path_prefix=spec.path_prefix,
        hosts=tuple(dict.fromkeys(spec.hosts)),
        methods=tuple(dict.fromkeys(spec.methods)),
        headers=tuple((name.lower(), value) for name, value in spec.headers.items()),
        query=tuple(spec.query.items()),
    )


def _sticky(spec: StickySpec) -> Sticky:
    if spec.header is not None:
        return Sticky(source="header", name=spec.header.lower())
    if spec.cookie is not None:
        return Sticky(source="cookie", name=spec.cookie)
    return Sticky(source="client_ip")


def _owner(spec: OwnerSpec) -> Owner:
    ranges = [
        IdRange(backend=backend, first=span.first, last=span.last)
        for backend, span in spec.ranges.items()
    ]
    prefixes = [
        IdPrefix(backend=backend, prefix=prefix)
        for backend, written in spec.prefixes.items()
        for prefix in written
    ]
    lists = spec.lists
    return Owner(
        collection=spec.id,
        ranges=tuple(sorted(ranges, key=lambda r: r.first)),
        prefixes=tuple(prefixes),
        unknown=spec.unknown,
        second_look=spec.second_look,
        lists=lists.backend if isinstance(lists, OneListSpec) else spec.unknown,
        merge=None if isinstance(lists, OneListSpec) else _merge(lists),
    )


def _merge(spec: ListsSpec) -> Merge:
    query = None if spec.query is None else tuple(dict.fromkeys(spec.query))
    return Merge(id=spec.merge, order=spec.order, query=query)

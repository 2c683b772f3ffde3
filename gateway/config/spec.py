"""routes.yaml as it is written: its keys, their types and their defaults.

The defaults that the compiled types have too are taken from there, so each is written once.
pydantic checks the structure; every single value is read by a parser of `units`, `urls` or
`paths`, which knows what to say about it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    model_validator,
)

from gateway.config import ids, paths, protection, units
from gateway.config.egress_spec import EgressSpec
from gateway.config.hosts import condition
from gateway.config.outside import NOTHING_SET, Outside, no_files
from gateway.config.patterns import pattern
from gateway.config.run_spec import ParallelRunSpec
from gateway.config.secret import secret
from gateway.config.slips import space_hint
from gateway.config.strict import Spec, written
from gateway.config.urls import Endpoint, endpoint, host_name
from gateway.config.wording import Refusal
from gateway.routing.protection import Breaker, Health
from gateway.routing.snapshot import Backend, Merge, Timeouts

_TIMEOUTS = Timeouts()
_BACKEND = Backend(name="", addresses=())
_HEALTH, _BREAKER = Health(path=""), Breaker()
_MERGE = Merge()
MERGE = "merge"
"""What stands for a backend's name where lists of several are merged."""


def _endpoint(value: object, info: ValidationInfo) -> Endpoint:
    return endpoint(value, _outside(info).environment)


def _secret(value: object, info: ValidationInfo) -> str:
    return secret(value, _outside(info).environment)


def _certificates(value: object, info: ValidationInfo) -> str:
    name = units.text(value, example="ca.pem")
    if not name:
        raise Refusal("must be the name of a file, not empty")
    return _outside(info).certificates(name)


def _outside(info: ValidationInfo) -> Outside:
    """What the validation was handed; nothing where a spec is built without."""
    if isinstance(info.context, Outside):
        return info.context
    return Outside(environment=NOTHING_SET, certificates=no_files)


def _one_or_many(value: object) -> object:
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return value
    hint = space_hint(value) if isinstance(value, str) else ""
    raise Refusal(f"must be a mapping or a list of mappings, not {units.shown(value)}", hint)


Text = Annotated[str, PlainValidator(units.text)]
Name = Annotated[str, PlainValidator(units.name)]
Token = Annotated[str, PlainValidator(units.token)]
OptionalToken = Annotated[str | None, PlainValidator(units.token)]
DurationS = Annotated[float, PlainValidator(units.duration_s)]
Network = Annotated[str, PlainValidator(units.cidr)]
Weight = Annotated[int | Literal["rest"], PlainValidator(units.weight)]


class TrustSpec(Spec):
    """``trust``: who is believed."""

    proxies: list[Network] = []
    testers: list[Network] = []
    pin_secret: Annotated[str, PlainValidator(_secret)] = ""


class TimeoutsSpec(Spec):
    """``backends.NAME.timeouts``."""

    connect: DurationS = _TIMEOUTS.connect_s
    first_byte: DurationS = _TIMEOUTS.first_byte_s
    idle: DurationS = _TIMEOUTS.idle_s
    total: Annotated[float | None, PlainValidator(units.duration_s)] = _TIMEOUTS.total_s


class TlsSpec(Spec):
    """``backends.NAME.tls``."""

    ca: Annotated[str, PlainValidator(_certificates)] = ""
    """The certificates in the file that is named."""
    server_name: Annotated[str, PlainValidator(host_name)] = ""


Url = Annotated[Endpoint, PlainValidator(_endpoint)]


class HealthSpec(Spec):
    """``backends.NAME.health``."""

    path: Annotated[str, PlainValidator(protection.probe_path)]
    interval: Annotated[float, PlainValidator(protection.window_s)] = _HEALTH.interval_s
    timeout: DurationS = _HEALTH.timeout_s
    unhealthy_after: Annotated[int, PlainValidator(protection.threshold)] = _HEALTH.unhealthy_after
    healthy_after: Annotated[int, PlainValidator(protection.threshold)] = _HEALTH.healthy_after


class BreakerSpec(Spec):
    """``backends.NAME.breaker``."""

    failures: Annotated[float, PlainValidator(protection.share)] = _BREAKER.failures
    window: Annotated[float, PlainValidator(protection.window_s)] = _BREAKER.window_s
    min_requests: Annotated[int, PlainValidator(protection.min_requests)] = _BREAKER.min_requests
    open: DurationS = _BREAKER.open_s


class SoftErrorSpec(Spec):
    """One of ``backends.NAME.soft_errors``."""

    status: Annotated[int, PlainValidator(protection.final_status)] = 200
    json_: Annotated[str, PlainValidator(protection.json_path)] = Field(alias="json")
    equals: Annotated[str | int | float | bool | None, PlainValidator(protection.json_value)] = None
    as_: Annotated[int, PlainValidator(protection.error_status)] = Field(alias="as")


class FallbackSpec(Spec):
    """``backends.NAME.fallback``."""

    on: Annotated[list[Annotated[str, PlainValidator(protection.occasion)]], Field(min_length=1)]
    to: Text


class BackendSpec(Spec):
    """``backends.NAME``."""

    url: Annotated[Endpoint | None, PlainValidator(_endpoint)] = None
    urls: Annotated[list[Url], Field(min_length=1)] = []
    tls: Annotated[TlsSpec | None, BeforeValidator(written)] = None
    timeouts: TimeoutsSpec = TimeoutsSpec()
    max_connections: Annotated[int, PlainValidator(units.connections)] = _BACKEND.max_connections
    max_waiting: Annotated[int | None, PlainValidator(units.waiting)] = _BACKEND.max_waiting
    health: Annotated[HealthSpec | None, BeforeValidator(written)] = None
    breaker: Annotated[BreakerSpec | None, BeforeValidator(written)] = None
    soft_errors: Annotated[list[SoftErrorSpec], Field(min_length=1)] = []
    fallback: Annotated[FallbackSpec | None, BeforeValidator(written)] = None

    @property
    def endpoints(self) -> list[Endpoint]:
        """What is written as `url` or `urls`."""
        return [self.url] if self.url is not None else self.urls


class MatchSpec(Spec):
    """One set of conditions of a route."""

    path: Annotated[str | None, PlainValidator(paths.exact)] = None
    path_regex: Annotated[str | None, PlainValidator(pattern)] = None
    path_prefix: Annotated[str | None, PlainValidator(paths.prefix)] = None
    hosts: Annotated[
        list[Annotated[str, PlainValidator(condition)]],
        Field(min_length=1, max_length=units.MOST_ALTERNATIVES),
    ] = []
    methods: Annotated[
        list[Annotated[str, PlainValidator(units.method)]],
        Field(min_length=1, max_length=units.MOST_ALTERNATIVES),
    ] = []
    headers: dict[Token, Annotated[str, PlainValidator(units.field_value)]] = {}
    query: dict[
        Annotated[str, PlainValidator(units.query_key)],
        Annotated[str, PlainValidator(units.query_text)],
    ] = {}

    @model_validator(mode="after")
    def _exactly_one_path(self) -> MatchSpec:
        kinds = ("path", "path_regex", "path_prefix")
        written = [kind for kind in kinds if getattr(self, kind) is not None]
        if not written:
            raise Refusal(
                "needs a path, a path_regex or a path_prefix", "path_prefix: / matches everything"
            )
        if len(written) > 1:
            raise Refusal(f"has both {' and '.join(written)}", "keep one of them")
        return self


class StickySpec(Spec):
    """One of the attributes that keep a customer on one side."""

    header: OptionalToken = None
    cookie: OptionalToken = None


CLIENT_IP = StickySpec()
"""What ``client_ip`` in the list ``sticky`` becomes: neither a header nor a cookie."""


def _sticky(value: object) -> object:
    if value == "client_ip":
        return CLIENT_IP
    if isinstance(value, dict):
        if not value or {"header", "cookie"} <= value.keys():
            raise Refusal("needs exactly one of header and cookie")
        return value
    raise Refusal(
        f"must be {{header: NAME}}, {{cookie: NAME}} or client_ip, not {units.shown(value)}"
    )


class ListsSpec(Spec):
    """``owner.lists`` of a route, where several backends' lists become one."""

    merge: Annotated[tuple[str, ...], PlainValidator(ids.json_keys)] = _MERGE.id
    """The keys that lead to a record's id."""
    order: Annotated[units.Order, PlainValidator(units.order)] = _MERGE.order
    query: list[Annotated[str, PlainValidator(units.query_key)]] | None = None


class OneListSpec(ListsSpec):
    """``lists: NAME``: the list is that of one backend."""

    backend: str


def _lists(value: object) -> object:
    if value == MERGE:
        return ListsSpec()
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return OneListSpec(backend=value)
    raise Refusal(f"must be a backend's name, merge or a mapping, not {units.shown(value)}")


def _one_or_more(value: object) -> object:
    return value if isinstance(value, list) else [value]


class OwnerSpec(Spec):
    """``owner`` of a route: who serves what already exists."""

    id: Annotated[str, PlainValidator(paths.collection)]
    """The collection's path, without the ``/{id}`` that is written."""
    ranges: Annotated[
        dict[str, Annotated[units.Span, PlainValidator(units.span)]], Field(min_length=1)
    ] = {}
    prefixes: Annotated[
        dict[
            str,
            Annotated[
                list[Annotated[str, PlainValidator(ids.id_prefix)]],
                BeforeValidator(_one_or_more),
                Field(min_length=1),
            ],
        ],
        Field(min_length=1),
    ] = {}
    unknown: Text
    second_look: Annotated[str | None, PlainValidator(units.text)] = None
    lists: Annotated[ListsSpec, BeforeValidator(_lists)]

    @model_validator(mode="after")
    def _some_ids(self) -> OwnerSpec:
        if not (self.ranges or self.prefixes):
            raise Refusal("needs ranges or prefixes", "say which ids each backend has made")
        return self


class RouteSpec(Spec):
    """An entry of ``routes``."""

    name: Name
    match: Annotated[list[MatchSpec], BeforeValidator(_one_or_many), Field(min_length=1)]
    backend: Annotated[str | None, PlainValidator(units.text)] = None
    split: Annotated[dict[str, Weight], Field(min_length=1)] = {}
    """Weights in buckets, or ``rest``."""
    sticky: Annotated[
        list[Annotated[StickySpec, BeforeValidator(_sticky)]], Field(min_length=1)
    ] = []
    owner: Annotated[OwnerSpec | None, BeforeValidator(written)] = None
    parallel_run: Annotated[str | None, PlainValidator(units.text)] = None


class AccessLogSpec(Spec):
    """``access_log``: what of a request is written down."""

    sensitive_headers: list[Token] = []
    sensitive_query: list[Annotated[str, PlainValidator(units.query_key)]] = []


class SafetySpec(Spec):
    """``safety``: which changes are refused."""

    max_moved: Annotated[float, PlainValidator(units.share_percent)]
    """Percent."""


class FileSpec(Spec):
    """The whole of routes.yaml."""

    version: Annotated[int, PlainValidator(units.version)]
    trust: TrustSpec = TrustSpec()
    access_log: AccessLogSpec = AccessLogSpec()
    safety: Annotated[SafetySpec | None, BeforeValidator(written)] = None
    backends: Annotated[dict[Name, BackendSpec], Field(min_length=1)]
    routes: Annotated[list[RouteSpec], Field(min_length=1)]
    parallel_runs: Annotated[dict[Name, ParallelRunSpec], Field(min_length=1)] = {}
    egress: Annotated[EgressSpec | None, BeforeValidator(written)] = None

"""routes.yaml as it is written: its keys, their types and their defaults.

The defaults that the compiled types have too are taken from there, so each is written once.
pydantic checks the structure; every single value is read by a parser of `units`, `urls` or
`paths`, which knows what to say about it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    model_validator,
)

from gateway.config import paths, units
from gateway.config.outside import NOTHING_SET, Outside, no_files
from gateway.config.urls import Endpoint, endpoint, host_name
from gateway.config.wording import Refusal
from gateway.routing.snapshot import Backend, Timeouts

_TIMEOUTS = Timeouts()
_BACKEND = Backend(name="", addresses=())


def _endpoint(value: object, info: ValidationInfo) -> Endpoint:
    return endpoint(value, _outside(info).environment)


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
    raise Refusal(f"must be a mapping or a list of mappings, not {units.shown(value)}")


def _written(value: object) -> object:
    if value is None:
        raise Refusal("must be a mapping, not nothing")
    return value


Text = Annotated[str, PlainValidator(units.text)]
Name = Annotated[str, PlainValidator(units.name)]
Token = Annotated[str, PlainValidator(units.token)]
OptionalToken = Annotated[str | None, PlainValidator(units.token)]
DurationS = Annotated[float, PlainValidator(units.duration_s)]
Network = Annotated[str, PlainValidator(units.cidr)]
Weight = Annotated[int | Literal["rest"], PlainValidator(units.weight)]


class Spec(BaseModel):
    """A mapping of the file: strict types, no unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class TrustSpec(Spec):
    """``trust``: who is believed."""

    proxies: list[Network] = []
    testers: list[Network] = []


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


class BackendSpec(Spec):
    """``backends.NAME``."""

    url: Annotated[Endpoint | None, PlainValidator(_endpoint)] = None
    urls: Annotated[list[Url], Field(min_length=1)] = []
    tls: Annotated[TlsSpec | None, BeforeValidator(_written)] = None
    timeouts: TimeoutsSpec = TimeoutsSpec()
    max_connections: Annotated[int, PlainValidator(units.connections)] = _BACKEND.max_connections
    max_waiting: Annotated[int | None, PlainValidator(units.waiting)] = _BACKEND.max_waiting

    @property
    def endpoints(self) -> list[Endpoint]:
        """What is written as `url` or `urls`."""
        return [self.url] if self.url is not None else self.urls


class MatchSpec(Spec):
    """One set of conditions of a route."""

    path: Annotated[str | None, PlainValidator(paths.exact)] = None
    path_prefix: Annotated[str | None, PlainValidator(paths.prefix)] = None
    methods: Annotated[list[Annotated[str, PlainValidator(units.method)]], Field(min_length=1)] = []
    headers: dict[Token, Annotated[str, PlainValidator(units.field_value)]] = {}
    query: dict[
        Annotated[str, PlainValidator(units.query_key)],
        Annotated[str, PlainValidator(units.query_text)],
    ] = {}

    @model_validator(mode="after")
    def _exactly_one_path(self) -> MatchSpec:
        if self.path is None and self.path_prefix is None:
            raise Refusal("needs a path or a path_prefix", "path_prefix: / matches everything")
        if self.path is not None and self.path_prefix is not None:
            raise Refusal("has both path and path_prefix", "keep one of them")
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


class OwnerSpec(Spec):
    """``owner`` of a route: who serves what already exists."""

    id: Annotated[str, PlainValidator(paths.collection)]
    """The collection's path, without the ``/{id}`` that is written."""
    ranges: Annotated[
        dict[str, Annotated[units.Span, PlainValidator(units.span)]], Field(min_length=1)
    ]
    unknown: Text
    lists: Text


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
    owner: Annotated[OwnerSpec | None, BeforeValidator(_written)] = None


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
    safety: Annotated[SafetySpec | None, BeforeValidator(_written)] = None
    backends: Annotated[dict[Name, BackendSpec], Field(min_length=1)]
    routes: Annotated[list[RouteSpec], Field(min_length=1)]

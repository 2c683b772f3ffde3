"""``egress`` as it is written: its keys, their types and their defaults."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator, ValidationInfo

from gateway.config import leaving, units
from gateway.config.outside import NOTHING_SET, Outside
from gateway.config.strict import Spec
from gateway.config.urls import host_name
from gateway.routing.snapshot import Backend, Door, Egress, Timeouts, Tls

_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=600.0, idle_s=600.0)
"""The callers have timeouts of their own: OpenAI's SDK gives up after ten minutes."""


def _collaborator(value: object, info: ValidationInfo) -> leaving.Collaborator:
    context = info.context
    environment = context.environment if isinstance(context, Outside) else NOTHING_SET
    return leaving.collaborator(value, environment)


class EgressSideSpec(Spec):
    """``egress.sides.NAME``."""

    prefix: Annotated[str, PlainValidator(leaving.prefix)] = ""
    """Empty: ``/NAME/v1``."""
    to: Annotated[leaving.Collaborator, PlainValidator(_collaborator)]


class EgressSpec(Spec):
    """``egress``: the listener for the sides' own calls."""

    listen: Annotated[tuple[str, int], PlainValidator(leaving.listen)] = ("127.0.0.1", 9010)
    hosts: list[Annotated[str, PlainValidator(host_name)]] = []
    sides: Annotated[
        dict[Annotated[str, PlainValidator(units.name)], EgressSideSpec], Field(min_length=1)
    ]
    unmatched_per_day: Annotated[int, PlainValidator(leaving.unmatched)] = 0


def compile_egress(spec: EgressSpec) -> Egress:
    """The listener as it is built."""
    host, port = spec.listen
    return Egress(
        host=host,
        port=port,
        doors=tuple(_door(name, side) for name, side in spec.sides.items()),
        names=tuple(dict.fromkeys(spec.hosts)),
        unmatched_per_day=spec.unmatched_per_day,
    )


def _door(name: str, side: EgressSideSpec) -> Door:
    to = Backend(
        name=f"egress {name}",
        addresses=(side.to.endpoint.address,),
        tls=Tls() if side.to.endpoint.scheme == "https" else None,
        timeouts=_TIMEOUTS,
    )
    return Door(
        side=name,
        prefix=side.prefix or f"/{name}/v1",
        to=to,
        host=side.to.host,
        path=side.to.path,
    )

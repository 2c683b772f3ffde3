"""An example of a difference, as it is kept, exported and shown: redacted, and plain JSON.

The field names are the keys of the JSON.
"""

from __future__ import annotations

import msgspec


class Picture(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a picture."""

    format: str
    """As Pillow names it: ``PNG``."""
    width: int
    height: int
    mode: str
    media_type: str
    """Of `data`."""
    data: str
    """Base64: a small preview, or all of it where that is declared."""
    is_whole: bool = False


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a body."""

    bytes: int
    token: str = ""
    """The same for the same bytes; empty for an empty body."""
    text: str = ""
    """Redacted; JSON is laid out on several lines. Empty where nothing can be shown."""
    is_cut: bool = False
    picture: Picture | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: Body


class Side(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one side did."""

    backend: str
    duration_s: float
    status: int | None = None
    """None: there was no answer, and `failure` says why."""
    failure: str = ""
    headers: list[tuple[str, str]] = []
    body: Body | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One place at which they differ."""

    place: str
    kind: str
    control: str
    candidate: str
    times: int


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One trial."""

    run: str
    epoch: str
    route: str
    stratum: str
    place: str
    """The one that it is an example of."""
    became: str
    at: str
    """When the control began, RFC 3339 in UTC."""
    trace_id: str
    """Of the customer's request, as its access line has it."""
    request: Request | None
    control: Side | None
    candidate: Side | None
    differences: list[Difference]


_DECODER = msgspec.json.Decoder(Example)


def read_example(text: str) -> Example:
    """An example that was kept.

    Raises:
        ValueError: It is none.
    """
    return _DECODER.decode(text)


def write_example(example: Example) -> str:
    """As it is kept: one line."""
    return msgspec.json.encode(example).decode()

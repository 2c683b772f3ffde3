"""Bodies that are turned into documents: forms, and events of a stream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from gateway.parallel_run.compare.json_values import NotJsonError, decode

_MOST_FIELDS = 10_000
_SHORT_BYTES = 4096
"""Of a part of a form, up to which it is compared as text."""


class NotAFormError(ValueError):
    """A body that is not what its Content-Type says."""


def read_form(body: bytes) -> dict[str, list[str]]:
    """An urlencoded form: name -> its values in order.

    Raises:
        NotAFormError: It has too many fields.
    """
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "backslashreplace"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise NotAFormError(str(error)) from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def read_multipart(body: bytes, content_type: bytes) -> dict[str, list[object]]:
    """A form in parts (RFC 7578): name -> its parts; the boundary is left out, it is chance.

    Raises:
        NotAFormError: It is not in parts.
    """
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type + b"\r\n\r\n" + body
    )
    if not message.is_multipart():
        raise NotAFormError("it is not in parts")
    fields: dict[str, list[object]] = {}
    for part in message.iter_parts():
        name = part.get_param("name", "", "content-disposition")
        fields.setdefault(str(name), []).append(_part(part))
    return fields


def _part(part: Message) -> dict[str, object]:
    content = part.get_payload(decode=True)
    content = content if isinstance(content, bytes) else b""
    found: dict[str, object] = {"type": part.get_content_type()}
    if filename := part.get_filename():
        found["filename"] = filename
    if len(content) <= _SHORT_BYTES:
        found["content"] = content.decode("utf-8", "backslashreplace")
    else:
        found["sha256"], found["bytes"] = hashlib.sha256(content).hexdigest(), len(content)
    return found


def read_events(body: bytes) -> list[dict[str, object]]:
    """Server-sent events: type, id and data of each, the data as JSON where it is that."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return list(_events(lines))


def _events(lines: list[str]) -> Iterator[dict[str, object]]:
    event: dict[str, object] = {}
    data: list[str] = []
    for line in lines:
        if not line:
            # An event without data is not dispatched (HTML, section 9.2.6).
            if data:
                yield {**event, "data": _value("\n".join(data))}
            event, data = {}, []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field in {"event", "id", "retry"}:
            event[field] = value


def _value(data: str) -> object:
    try:
        read = decode(data.encode())
    except (NotJsonError, UnicodeEncodeError):
        return data
    # Text keeps its quotes: whoever parses events as JSON cannot read it without.
    return data if isinstance(read, str) else read

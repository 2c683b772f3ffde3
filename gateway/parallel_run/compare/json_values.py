"""JSON as data in which ``1``, ``1.0`` and ``true`` are three things, as they are on the wire."""

from __future__ import annotations

import json
import math

import msgspec

_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder(order="sorted")
_AS_IT_IS = msgspec.json.Encoder()


class NotJsonError(ValueError):
    """The bytes are no JSON; the message says why."""


def decode(body: bytes) -> object:
    """The value, of plain dicts, lists, strings, numbers, booleans and None.

    What the strict decoder refuses is read again with the standard library, which takes what old
    frameworks write: ``Infinity``, ``NaN``, lone surrogates, other encodings than UTF-8.

    Raises:
        NotJsonError: Neither can read it.
    """
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError:
        raise NotJsonError("nested too deeply") from None
    try:
        return json.loads(body, parse_constant=_constant, parse_float=_number)
    except RecursionError:
        raise NotJsonError("nested too deeply") from None
    except ValueError as error:
        raise NotJsonError(str(error)) from None


def is_strict(body: bytes) -> bool:
    """Whether every reader can read it (RFC 8259): UTF-8 without a mark, and numbers that are."""
    try:
        _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _constant(text: str) -> msgspec.Raw:
    """``Infinity`` or ``NaN``, which an encoder would turn into null."""
    return msgspec.Raw(text.encode())


def _number(text: str) -> float | msgspec.Raw:
    number = float(text)
    return number if math.isfinite(number) else msgspec.Raw(text.encode())


def canonical(value: object) -> bytes:
    """A value's one writing: equal if, and only if, nobody could tell the values apart.

    Members are in order of their names; ``1`` and ``1.0`` stay different, ``1.0`` and ``1.00`` are
    the same.
    """
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        # Lone surrogates, which UTF-8 does not have.
        return json.dumps(value, sort_keys=True, default=plain).encode()


def is_written_alike(one: object, other: object) -> bool:
    """Whether `canonical` is the same of both; quicker, where members are in the same order."""
    try:
        if _AS_IT_IS.encode(one) == _AS_IT_IS.encode(other):
            return True
    except UnicodeEncodeError:
        pass
    return canonical(one) == canonical(other)


def plain(value: object) -> str:
    """What stands for a value that JSON does not know."""
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else repr(value)


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    msgspec.Raw: "number",
    str: "string",
    list: "array",
}


def kind_of(value: object) -> str:
    """What JSON calls it, with numbers told apart by how they are written."""
    return _KINDS.get(type(value), "object")

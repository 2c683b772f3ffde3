"""From the specs and the reference to one JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import MaxLen, MinLen
from pydantic import BeforeValidator, PlainValidator
from pydantic.fields import FieldInfo

from gateway.config.spec import FileSpec
from gateway.config.strict import Spec
from tools.routes_schema.values import AROUND, DURATIONS, RULES, VALUES, Schema

ROOT = Path(__file__).resolve().parents[2]
PLACES = (ROOT / "routes.schema.json", ROOT / "gateway" / "config" / "routes.schema.json")
"""Beside the shipped routes.yaml, which names it; and in the package, for `figueira schema`."""
_ROW = re.compile(r"^\| `([^`]+)` \|[^|]*\|[^|]*\| (.*?) \|$", re.MULTILINE)
_LINK = re.compile(r",? \[below\]\(#[^)]*\)")
"""To another part of the reference, which an editor does not show."""
_DRAFT = "http://json-schema.org/draft-07/schema#"
"""What editors understand best."""


def written() -> str:
    """The schema as a file."""
    return json.dumps(schema(_meanings()), indent=2, ensure_ascii=False) + "\n"


def schema(meanings: Mapping[str, str]) -> Schema:
    """The schema of routes.yaml.

    Args:
        meanings: Key, as docs/routes.md writes it -> what it means.
    """
    head = {
        "$schema": _DRAFT,
        "title": "routes.yaml",
        "description": "Where each request goes. Reference: docs/routes.md",
    }
    return head | _mapping(FileSpec, "", meanings)


def _meanings() -> dict[str, str]:
    text = (ROOT / "docs" / "routes.md").read_text("utf-8")
    return {key: _LINK.sub("", meaning) for key, meaning in _ROW.findall(text)}


def _mapping(kind: type[Spec], where: str, meanings: Mapping[str, str]) -> Schema:
    properties: Schema = {}
    fields = {field.alias or name: field for name, field in kind.model_fields.items()}
    for key, field in fields.items():
        place = where + key
        value = _value(field.annotation, field.metadata, place, meanings)
        properties[key] = {"description": meanings[place]} | value | _default(field, value)
    required = [key for key, field in fields.items() if field.is_required()]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        **RULES.get(kind, {}),
        "properties": properties,
    }


def _value(
    annotation: Any, metadata: Iterable[Any], place: str, meanings: Mapping[str, str]
) -> Schema:
    for mark in metadata:
        if isinstance(mark, PlainValidator):
            return dict(VALUES[_function(mark)])
    lengths = [mark for mark in metadata if isinstance(mark, MinLen | MaxLen)]
    before = [mark for mark in metadata if isinstance(mark, BeforeValidator)]
    is_one = any(_function(mark).__name__ == "_one_or_many" for mark in before)
    found = _bare(annotation, place, is_one, meanings)
    for length in lengths:
        found |= _limit(found, length)
    for mark in before:
        found = AROUND[_function(mark)](found)
    return found


def _bare(annotation: Any, place: str, is_one: bool, meanings: Mapping[str, str]) -> Schema:
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _value(arguments[0], arguments[1:], place, meanings)
    if origin in {Union, UnionType}:
        (inner,) = (each for each in arguments if each is not NoneType)
        return _bare(inner, place, is_one, meanings)
    if origin is list:
        item = _bare(arguments[0], place if is_one else f"{place}[]", is_one, meanings)
        return {"type": "array", "items": item}
    if origin is dict:
        below = _bare(arguments[1], f"{place}.NAME", is_one, meanings)
        names = _bare(arguments[0], place, is_one, meanings)
        return {"type": "object", "propertyNames": names, "additionalProperties": below}
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return _mapping(annotation, f"{place}.", meanings)
    plain = {str: "string", int: "integer", float: "number", bool: "boolean"}
    return {"type": plain[annotation]}


def _function(mark: PlainValidator | BeforeValidator) -> Callable[..., Any]:
    function: Callable[..., Any] = mark.func
    return function


def _limit(found: Schema, length: MinLen | MaxLen) -> Schema:
    what = "Items" if found["type"] == "array" else "Properties"
    if isinstance(length, MinLen):
        return {f"min{what}": length.min_length}
    return {f"max{what}": length.max_length}


def _default(field: FieldInfo, value: Schema) -> Schema:
    """The default where it is a number that could be written."""
    functions = {_function(mark) for mark in field.metadata if isinstance(mark, PlainValidator)}
    if not isinstance(field.default, int | float):
        return {}
    if functions & DURATIONS:
        return {"default": f"{field.default:g}s"}
    return {"default": field.default} if value.get("type") == "integer" else {}

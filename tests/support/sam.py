"""A SAM template as plain values: ``!Ref X`` is ``{"Ref": "X"}``, as CloudFormation reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Value = Any  # whatever YAML holds


class _Loader(yaml.SafeLoader):
    """Knows CloudFormation's short forms; nothing is constructed but plain values."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Value]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            value: Value = loader.construct_scalar(node)
            if suffix == "GetAtt":
                value = str(value).split(".", 1)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
        case _:
            raise AssertionError(f"unknown node {node}")
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)


def read_template(path: Path) -> dict[str, Value]:
    """Read a template."""
    with path.open() as file:
        template = yaml.load(file, _Loader)  # noqa: S506 - a SafeLoader, see above
    assert isinstance(template, dict)
    return template


def resources(template: dict[str, Value], kind: str) -> dict[str, dict[str, Value]]:
    """Return the properties of all resources of a type, by name."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def statements(template: dict[str, Value]) -> Iterator[dict[str, Value]]:
    """Return every statement of every policy that gives something away."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        documents = [properties.get("PolicyDocument")]
        documents += [each.get("PolicyDocument") for each in properties.get("Policies", ())]
        for document in filter(None, documents):
            yield from (each for each in document["Statement"] if each["Effect"] == "Allow")

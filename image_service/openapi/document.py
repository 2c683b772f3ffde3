"""Puts the fragments together, and serves the whole as ``/openapi.json``.

A surface describes itself in a YAML file beside this module: ``paths``, ``components`` and
``tags`` of OpenAPI 3.1, nothing else. Its name in ``SURFACES`` makes it part of the document.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib import resources

import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from image_service.errors import ImageServiceError

SURFACES = ("images", "jobs", "blobs", "openai", "operations", "backfill")

_HEAD: dict[str, object] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Figueira image service",
        "version": "1.0.0",
        "summary": "Orders pictures, keeps them, serves them.",
        "license": {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
    },
    "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
}
_MAY_HOLD = frozenset({"paths", "components", "tags"})


class FragmentError(ImageServiceError):
    """Two fragments say different things of the same name, or one says what is not its own.

    Attributes:
        where: The place in the document.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where = where
        self.why = why

    def __str__(self) -> str:
        return f"openapi: {self.where}: {self.why}"


def merged(fragments: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """Return the document made of ``fragments``; neither it nor they share anything mutable.

    Raises:
        FragmentError: They contradict each other. The same said twice is no contradiction.
    """
    document: dict[str, object] = json.loads(json.dumps(_HEAD))
    for fragment in fragments:
        for name in fragment.keys() - _MAY_HOLD:
            raise FragmentError(name, "a fragment holds paths, components and tags alone")
        _merge(document, json.loads(json.dumps(fragment)), "#")
    return document


def _merge(into: dict[str, object], more: Mapping[str, object], where: str) -> None:
    for name, value in more.items():
        at = f"{where}/{name}"
        known = into.setdefault(name, value)
        if known == value:
            continue
        if isinstance(known, dict) and isinstance(value, dict) and "$ref" not in {*known, *value}:
            _merge(known, value, at)
        elif isinstance(known, list) and isinstance(value, list):
            known.extend(item for item in value if item not in known)
        else:
            raise FragmentError(at, "two fragments say different things")


def load_document(surfaces: Iterable[str] = SURFACES) -> dict[str, object]:
    """Read the fragments of the named surfaces from this package and put them together."""
    folder = resources.files("image_service.openapi")
    texts = (folder.joinpath(f"{name}.yaml").read_text("utf-8") for name in surfaces)
    # libyaml's parser: Python's own takes most of the time that the service takes to start.
    return merged(yaml.load(text, yaml.CSafeLoader) for text in texts)


def document_route() -> Route:
    """Return the route of ``/openapi.json``; the document is put together once, here."""
    content = json.dumps(load_document(), separators=(",", ":"), sort_keys=True).encode()

    async def answer(_request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
        return Response(content, headers=headers, media_type="application/json")

    return Route("/openapi.json", answer, methods=["GET"])

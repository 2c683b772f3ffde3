"""The document, and the merging of its fragments."""

from __future__ import annotations

import copy

import pytest
from openapi_spec_validator import validate

from image_service.app import create_app
from image_service.openapi.document import FragmentError, load_document, merged
from image_service.settings import Settings


def test_the_document_is_valid_openapi() -> None:
    document = load_document()
    validate(document)
    assert str(document["openapi"]).startswith("3.1")


async def test_every_path_of_the_service_is_in_it_and_nothing_else(settings: Settings) -> None:
    app = create_app(settings)
    paths = load_document()["paths"]
    assert isinstance(paths, dict)
    async with app.router.lifespan_context(app):
        served = {getattr(route, "path", "").replace(":path}", "}") for route in app.routes}
    assert served - {"/v1/{rest}"} == set(paths)


def test_operations_have_names_of_their_own_and_tags_that_are_explained() -> None:
    document = load_document()
    paths, tags = document["paths"], document["tags"]
    assert isinstance(paths, dict)
    assert isinstance(tags, list)
    operations = [
        operation
        for path in paths.values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    used = {tag for operation in operations for tag in operation["tags"]}
    assert used == {tag["name"] for tag in tags}
    assert all(operation["summary"] for operation in operations)


def test_a_fragment_may_add_to_what_another_began() -> None:
    one = {"paths": {"/a": {"get": {"responses": {"200": {}}}}}, "tags": [{"name": "a"}]}
    two = {"paths": {"/a": {"get": {"responses": {"404": {}}}}}, "tags": [{"name": "b"}]}
    before = copy.deepcopy((one, two))
    document = merged([one, two])
    assert document["paths"] == {"/a": {"get": {"responses": {"200": {}, "404": {}}}}}
    assert document["tags"] == [{"name": "a"}, {"name": "b"}]
    assert (one, two) == before


def test_the_same_said_twice_is_no_contradiction() -> None:
    fragment = {"components": {"schemas": {"A": {"type": "string"}}}}
    assert merged([fragment, fragment])["components"] == fragment["components"]


@pytest.mark.parametrize(
    ("fragments", "where"),
    [
        (
            [
                {"components": {"schemas": {"A": {"type": "string"}}}},
                {"components": {"schemas": {"A": {"type": "integer"}}}},
            ],
            "#/components/schemas/A/type",
        ),
        (
            [
                {"paths": {"/a": {"$ref": "#/components/pathItems/A"}}},
                {"paths": {"/a": {"get": {}}}},
            ],
            "#/paths//a",
        ),
        ([{"openapi": "3.0.0"}], "openapi"),
    ],
)
def test_a_contradiction_is_refused_and_named(
    fragments: list[dict[str, object]], where: str
) -> None:
    with pytest.raises(FragmentError) as error:
        merged(fragments)
    assert error.value.where == where

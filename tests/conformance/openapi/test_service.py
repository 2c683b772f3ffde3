"""Whatever is sent to the service, its answer is one that its document allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks

from image_service.openapi.document import load_document
from tests.support.image_server import serving

# The monolith answers 200 to what is wrong, and so does /images.
_MONOLITHS = ("/images", "/images/{id}", "/images/{id}/file")
_PATIENCE_S = 20.0
_METHODS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The document as the running service hands it out."""
    with serving(tmp_path_factory.mktemp("service"), {"IMAGE_PROVIDER": "procedural"}) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


def _operations() -> Iterator[tuple[str, str, GenerationMode]]:
    """Every operation, and once more with what the document forbids where it forbids anything."""
    paths = load_document()["paths"]
    assert isinstance(paths, dict)
    for path, item in paths.items():
        for method in _METHODS & item.keys():
            yield path, method, GenerationMode.POSITIVE
            if {"parameters", "requestBody"} & {*item, *item[method]}:
                yield path, method, GenerationMode.NEGATIVE


@pytest.mark.parametrize(("path", "method", "mode"), sorted(_operations()))
def test_every_answer_is_one_that_the_document_allows(
    served: BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    operation = served[path][method.upper()]
    # What is valid may still not be there: a job that nobody ordered, a model not painted with.
    excluded: list[CheckFunction] = [checks.positive_data_acceptance]
    if path in _MONOLITHS:
        excluded.append(checks.negative_data_rejection)

    @budget(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(excluded_checks=excluded, timeout=_PATIENCE_S)

    ask()

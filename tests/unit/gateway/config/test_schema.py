"""The JSON Schema of routes.yaml takes what the gateway takes, and refuses what a schema can."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, ValidationError

from gateway.cli.schema import schema
from gateway.config import egress_spec, run_spec, spec
from gateway.config.document import Value, parse
from gateway.config.scalars import Ambiguous
from gateway.config.urls import endpoint
from gateway.config.wording import Refusal, path_text
from tests.unit.gateway.config import example
from tools.routes_schema.build import PLACES, ROOT, written
from tools.routes_schema.values import VALUES

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = json.loads(PLACES[0].read_text("utf-8"))
VALIDATOR = Draft7Validator(SCHEMA)
GOOD = {
    "shipped": (ROOT / "routes.yaml").read_text("utf-8"),
    "every-key": example.TEXT.decode(),
    **{path.stem: path.read_text("utf-8") for path in GOLDEN.glob("warning_*.yaml")},
}
BAD = [
    "backend_and_split",
    "bad_addresses",
    "bad_conditions",
    "bad_durations",
    "bad_fallbacks",
    "bad_health",
    "bad_hosts",
    "bad_names",
    "bad_networks",
    "bad_numbers_of_connections",
    "bad_owner_id",
    "bad_paths",
    "bad_patterns",
    "bad_prefixes",
    "bad_ranges",
    "bad_run_values",
    "bad_soft_errors",
    "bad_sticky",
    "bad_urls",
    "bad_version",
    "bad_weights",
    "comma_for_a_decimal_point",
    "empty_collections",
    "empty_ranges",
    "empty_sticky",
    "everything_at_once",
    "lists_are_no_mappings",
    "missing_required_keys",
    "missing_top_level_keys",
    "missing_values",
    "misspelt_condition",
    "misspelt_key_is_not_also_missing",
    "neither_backend_nor_split",
    "numbers_where_text_is_wanted",
    "path_and_prefix",
    "path_regex_and_path",
    "references_where_none_are_filled_in",
    "sticky_and_owner_without_split",
    "too_many_hosts",
    "unknown_key",
    "version_as_text",
    "wrong_types",
    "yaml_surprises",
]
"""Files whose problems are of single keys and values, at least for the most part."""
BEYOND = {
    "bad_addresses": 3,
    "bad_durations": 1,
    "bad_fallbacks": 2,
    "bad_health": 2,
    "bad_hosts": 1,
    "bad_networks": 3,
    "bad_owner_id": 2,
    "bad_patterns": 13,
    "bad_ranges": 2,
    "bad_run_values": 6,
    "bad_soft_errors": 2,
    "bad_urls": 7,
    "bad_weights": 3,
    "comma_for_a_decimal_point": 2,
    "everything_at_once": 6,
}
"""Of those, how many places only `check` knows of: sums, numbers in texts, names that are known."""


def plain(value: Value) -> Any:
    """As an editor's YAML reader has it."""
    match value:
        case Decimal():
            return float(value)
        case Ambiguous():
            return True if "boolean" in value.reads_as else 0
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


@pytest.mark.parametrize("place", PLACES, ids=["beside-the-file", "in-the-package"])
def test_the_committed_schema_is_what_the_specs_and_the_reference_make(place: Path) -> None:
    """If this fails: ``python -m tools.routes_schema``."""
    assert place.read_text("utf-8") == written()


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema() == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_the_shipped_file_names_it_for_editors() -> None:
    first = GOOD["shipped"].splitlines()[0]
    assert first == "# yaml-language-server: $schema=./routes.schema.json"


@pytest.mark.parametrize("text", list(GOOD.values()), ids=list(GOOD))
def test_what_the_gateway_takes_it_takes(text: str) -> None:
    errors = [error.message for error in VALIDATOR.iter_errors(plain(parse(text).data))]
    assert errors == []


def refused(data: Any) -> set[str]:
    """The places at which the schema finds something, in the words of `check`."""

    def places(errors: Iterable[ValidationError]) -> Iterator[str]:
        for error in errors:
            yield path_text(tuple(error.absolute_path))
            yield from places(error.context or ())

    # A match that is no list is a list of one to some messages.
    return {place.replace("].match[0]", "].match") for place in places(VALIDATOR.iter_errors(data))}


def told(case: str) -> set[str]:
    """The places of a case's messages."""
    text = (GOLDEN / f"{case}.txt").read_text("utf-8")
    found: list[str] = re.findall(r": error: ([a-z_]+(?:[.\[][^: ]+)?): ", text)
    return {place.replace("].match[0]", "].match") for place in found}


@pytest.mark.parametrize("case", BAD)
def test_what_it_can_tell_it_refuses_where_check_does(case: str) -> None:
    text = (GOLDEN / f"{case}.yaml").read_text("utf-8")
    missed = told(case) - refused(plain(parse(text).data))
    assert len(missed) == BEYOND.get(case, 0), missed


@pytest.mark.parametrize("case", ["top_is_a_list", "top_is_text", "missing_top_level_keys"])
def test_a_file_that_is_something_else_is_refused(case: str) -> None:
    assert not VALIDATOR.is_valid(plain(parse((GOLDEN / f"{case}.yaml").read_text()).data))


TEXTS = st.text(alphabet="aZ09/.%2FC3-_:*[]${}()+\\é ~msx", max_size=12) | st.sampled_from(
    ["/a%C3%A9", "http://h:1", "https://[::1]:2", "unix:/x", "1..", "1.5s", "2m", "10.0.0.0/8"]
)
READERS = [
    (parser, Draft7Validator(value))
    for parser, value in VALUES.items()
    if parser.__module__
    not in {
        spec.__name__,
        run_spec.__name__,
        egress_spec.__name__,
    }  # those also need what is outside the file
]


@pytest.mark.parametrize("reader", READERS, ids=[parser.__name__ for parser, _ in READERS])
@given(value=TEXTS | st.integers(-1, 200) | st.sampled_from([0.5, "rest"]))
@settings(max_examples=80)
def test_it_never_refuses_a_value_that_is_taken(
    reader: tuple[Callable[[object], object], Draft7Validator], value: object
) -> None:
    parser, validator = reader
    try:
        parser(Decimal(str(value)) if isinstance(value, float) else value)
    except Refusal:
        return
    assert validator.is_valid(value)


@given(TEXTS.map(lambda text: f"http://{text}") | TEXTS.map(lambda text: f"unix:{text}") | TEXTS)
def test_it_never_refuses_a_url_that_is_taken(url: str) -> None:
    try:
        endpoint(url, {"a": "http://h"})
    except Refusal:
        return
    assert Draft7Validator(VALUES[spec._endpoint]).is_valid(url)


def _keys(found: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(found, dict):
        for key, value in found.get("properties", {}).items():
            yield key, value
        for value in found.values():
            yield from _keys(value)
    elif isinstance(found, list):
        for value in found:
            yield from _keys(value)


def test_every_key_says_what_it_means() -> None:
    described = list(_keys(SCHEMA))
    assert len(described) > 30
    for key, value in described:
        assert re.search(r"\w{3}", value["description"]), key

"""docs/routes.md tells every key and every default, and its examples are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.config import SIZE_LIMIT_BYTES, load
from gateway.config.document import DEPTH_LIMIT, NODE_LIMIT
from gateway.config.draft import ROUTE_LIMIT
from gateway.config.patterns import LONGEST
from gateway.config.spec import BackendSpec, FileSpec, TimeoutsSpec
from gateway.config.strict import Spec
from gateway.config.translation import keys_of
from gateway.config.units import MOST_ALTERNATIVES
from gateway.config.urls import LONGEST_SOCKET_BYTES
from gateway.control.authorities import CA_LIMIT_BYTES
from gateway.routing.pattern import PROGRAM_LIMIT, TOGETHER_LIMIT
from tests.unit.gateway.config import example

DOCS = (Path(__file__).parents[4] / "docs" / "routes.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
ROWS = [line for line in DOCS.splitlines() if line.startswith("| `")]

HEAD = """\
version: 1
backends: {legacy: {url: "http://h"}, image_service: {url: "http://i"}}
routes:
"""
LAST = "  - {name: rest, match: {path_prefix: /}, backend: legacy}\n"

WHERE = {
    "FileSpec": "",
    "TrustSpec": "trust.",
    "AccessLogSpec": "access_log.",
    "SafetySpec": "safety.",
    "BackendSpec": "backends.NAME.",
    "TimeoutsSpec": "backends.NAME.timeouts.",
    "TlsSpec": "backends.NAME.tls.",
    "HealthSpec": "backends.NAME.health.",
    "BreakerSpec": "backends.NAME.breaker.",
    "SoftErrorSpec": "backends.NAME.soft_errors[].",
    "FallbackSpec": "backends.NAME.fallback.",
    "RouteSpec": "routes[].",
    "MatchSpec": "routes[].match.",
    "StickySpec": "routes[].sticky[].",
    "OwnerSpec": "routes[].owner.",
    "ListsSpec": "routes[].owner.lists.",
    "EgressSpec": "egress.",
    "EgressSideSpec": "egress.sides.NAME.",
    "ParallelRunSpec": "parallel_runs.NAME.",
    "BudgetSpec": "parallel_runs.NAME.budget.",
    "IgnoreSpec": "parallel_runs.NAME.ignore[].",
    "NormaliseSpec": "parallel_runs.NAME.normalise[].",
    "TolerateSpec": "parallel_runs.NAME.tolerate[].",
    "StatusPairSpec": "parallel_runs.NAME.same_status[].",
    "PicturesSpec": "parallel_runs.NAME.images.",
    "ExamplesSpec": "parallel_runs.NAME.examples.",
    "SetHeadersSpec": "parallel_runs.NAME.request_headers.",
    "ReadyWhenSpec": "parallel_runs.NAME.ready_when.",
    "BuildHealthSpec": "parallel_runs.NAME.build_health.",
}
KEYS = [WHERE[spec.__name__] + key for spec in Spec.__subclasses__() for key in keys_of(spec)]


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_a_row_of_its_own(key: str) -> None:
    assert sum(row.startswith(f"| `{key}` |") for row in ROWS) == 1


def test_no_row_tells_of_a_key_that_is_not_there() -> None:
    told = {row.split("`")[1] for row in ROWS if "." in row.split("`")[1]}
    assert told <= set(KEYS)


@pytest.mark.parametrize(
    ("key", "default"),
    [
        *(
            (
                f"backends.NAME.timeouts.{key}",
                "none" if field.default is None else f"`{field.default:g}s`",
            )
            for key, field in TimeoutsSpec.model_fields.items()
        ),
        (
            "backends.NAME.max_connections",
            f"`{BackendSpec.model_fields['max_connections'].default}`",
        ),
    ],
)
def test_every_default_is_the_one_in_the_code(key: str, default: str) -> None:
    (row,) = (row for row in ROWS if row.startswith(f"| `{key}` |"))
    assert row.split(" | ")[2] == default


@pytest.mark.parametrize(
    "limit",
    [
        f"{SIZE_LIMIT_BYTES >> 20} MiB",
        *map(str, (DEPTH_LIMIT,)),
        f"{NODE_LIMIT:,}",
        f"{ROUTE_LIMIT:,}",
        f"at most {CA_LIMIT_BYTES >> 10} KiB",
        f"at most {LONGEST_SOCKET_BYTES} bytes",
        f"{PROGRAM_LIMIT} steps",
        f"{TOGETHER_LIMIT:,} a file",
        f"{LONGEST} characters",
        f"At most {MOST_ALTERNATIVES}.",
    ],
)
def test_every_limit_is_told(limit: str) -> None:
    assert limit in DOCS


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_load(number: int) -> None:
    """Whole files as they are, parts of a route inside a whole file."""
    text = EXAMPLES[number]
    if "version:" not in text:
        text = f"{HEAD}{text}{LAST}"
    assert load(text.encode(), certificates=example.certificates).routes


def test_the_error_examples_are_what_is_said() -> None:
    """The block of messages is what its file brings about."""
    *_, written, told = re.findall(r"^```text\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    said = [problem.describe("routes.yaml") for problem in example.problems_of(written.encode())]
    assert said == told.splitlines()


def test_the_file_itself_is_documented_first() -> None:
    keys = list(FileSpec.model_fields)
    assert keys == [row.split("`")[1] for row in ROWS][: len(keys)]


def test_the_warning_shown_is_what_is_said() -> None:
    golden = Path(__file__).parent / "golden" / "warning_method_without_effect.txt"
    assert golden.read_text("utf-8").splitlines()[0] in DOCS

"""What the documents say about orders is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import image_service.errors
import image_service.job_settings
import image_service.telemetry
from image_service.job_settings import read_job_settings
from image_service.problems import KINDS, Problem

_DOCS = Path(__file__).parents[3] / "docs"
_ROW = re.compile(r"^\| `([a-z-]+)` \| (\d{3}) \| (yes|no) \|$", re.MULTILINE)
_VARIABLE = re.compile(r'"(IMAGE_[A-Z_]+)"')
_DEFAULT = re.compile(r"^\| `(IMAGE_[A-Z_]+)` \| `([^`]+)` \|", re.MULTILINE)


def test_every_problem_is_in_the_table() -> None:
    listed = {
        (code, int(status), retryable == "yes")
        for code, status, retryable in _ROW.findall((_DOCS / "orders.md").read_text())
    }
    assert listed == {(code, kind.status, kind.is_retryable) for code, kind in KINDS.items()}


def test_a_code_that_nobody_knows_is_an_internal_problem() -> None:
    assert Problem(code="no such code").kind == KINDS["internal"]


def test_every_setting_is_in_the_table_with_its_default() -> None:
    source = Path(image_service.job_settings.__file__).read_text()
    settings = (_DOCS / "settings.md").read_text()
    variables = set(_VARIABLE.findall(source))
    assert variables
    assert [name for name in sorted(variables) if f"| `{name}` |" not in settings] == []
    stated = {name: value for name, value in _DEFAULT.findall(settings) if name in variables}
    assert read_job_settings(stated) == read_job_settings({})


def test_every_metric_is_named() -> None:
    source = Path(image_service.telemetry.__file__).read_text()
    document = (_DOCS / "orders.md").read_text()
    names = re.findall(r'"(figueira_images_[a-z_]+)"', source)
    assert names
    assert [name for name in names if name not in document] == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"IMAGE_LEASE_S": "0"}, "IMAGE_LEASE_S: '0' is not a number from 1 to 3600"),
        ({"IMAGE_LEASE_S": "nan"}, "IMAGE_LEASE_S: 'nan' is not"),
        ({"IMAGE_LEASE_S": "1_0"}, "IMAGE_LEASE_S: '1_0' is not"),
        (
            {"IMAGE_QUEUE_LIMIT": "\u0663"},
            "IMAGE_QUEUE_LIMIT: '\u0663' is not a whole number from 1 to 1000000; set such a "
            "number, or unset it for 10000",
        ),
        ({"IMAGE_ATTEMPTS": "2.5"}, "IMAGE_ATTEMPTS: '2.5' is not a whole number from 1 to 20"),
        ({"IMAGE_CUSTOMER_QUEUE_LIMIT": "1e3"}, "'1e3' is not a whole number"),
        ({"IMAGE_BUDGET_USD": "\uff15"}, "IMAGE_BUDGET_USD: '\uff15' is not a number"),
        ({"IMAGE_KEEP_JOBS_H": " 48"}, "IMAGE_KEEP_JOBS_H: ' 48' is not"),
        ({"IMAGE_BUDGET_PERIOD": "week"}, "set month or day, or unset it for month"),
        ({"IMAGE_GATEWAY_SECRET": "short"}, "it has 5 characters, which can be guessed"),
        ({"IMAGE_DISPATCHER": "celery"}, "set auto or table or pgqueuer"),
    ],
)
def test_a_setting_that_cannot_be_used_says_what_to_do(changes: dict[str, str], says: str) -> None:
    with pytest.raises(image_service.errors.StartupError, match=re.escape(says)):
        read_job_settings(changes)

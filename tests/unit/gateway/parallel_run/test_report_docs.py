"""docs/parallel-run.md tells of every class and of every field that programs may read."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.report_words import CLASS_WORDS
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.report import (
    Balance,
    NoiseReport,
    PlaceReport,
    RuleReport,
    RunReport,
    StratumReport,
)

DOC = Path(__file__).parents[4] / "docs" / "parallel-run.md"
FIELDS = [
    name
    for struct in (RunReport, StratumReport, Balance, PlaceReport, NoiseReport, RuleReport)
    for name in struct.__struct_fields__
    # What they are says their name, and the text beside.
    if name not in {"at", "name", "consists_of", "newest_at"}
]


@pytest.mark.parametrize("name", sorted({*TrialClass, *FIELDS}))
def test_it_is_told_of(name: str) -> None:
    text = DOC.read_text("utf-8")
    assert f"`{name}`" in text or f"`{name}[]`" in text


def test_every_class_has_its_words() -> None:
    assert list(CLASS_WORDS) == [one.value for one in TrialClass]

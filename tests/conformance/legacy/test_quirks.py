"""The list of warts is a list of proofs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.legacy.test_golden import ROWS

ROOT = Path(__file__).parents[3]
QUIRKS = [
    line
    for line in (ROOT / "legacy_stub" / "quirks.md").read_text().splitlines()
    if re.match(r"\d+\. ", line)
]
TEST_FILES = [
    *(ROOT / "tests" / "unit" / "legacy_stub").rglob("test_*.py"),
    *Path(__file__).parent.glob("test_*.py"),
]
PLAIN = """
    list list-empty list-final get get-alpha get-with-body get-http10 get-updated get-deleted case
    head-list create-third create-chunked create-ct-charset create-empty-body create-trailing-comma
    update update-bad-json delete delete-inf delete-list put-list patch-item post-item
    method-override
"""
"""Recorded rows in which nothing would surprise anybody."""


def test_the_warts_are_numbered_without_gaps() -> None:
    assert [int(line.partition(".")[0]) for line in QUIRKS] == list(range(1, len(QUIRKS) + 1))


@pytest.mark.parametrize("line", QUIRKS, ids=lambda line: line.partition(".")[0])
def test_every_wart_names_what_shows_it(line: str) -> None:
    """After its sentence stand recorded rows or tests, and each of them exists."""
    source = "\n".join(file.read_text() for file in TEST_FILES)
    known = {row.id for row in ROWS} | set(re.findall(r"def (test_\w+)", source))
    assert _proofs(line)
    assert set(_proofs(line)) <= known


def test_every_recorded_row_is_a_warts_proof_or_plain() -> None:
    """What was recorded and is odd has a number."""
    named = {proof for line in QUIRKS for proof in _proofs(line)}
    recorded = {row.id for row in ROWS}
    assert recorded - named == set(PLAIN.split())


def _proofs(line: str) -> list[str]:
    """What stands behind the last sentence of a wart."""
    return re.findall(r"`([^`]+)`", line.rpartition(". ")[2])

"""A tally as a row of `run_strata`, and back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from gateway.parallel_run import tally_text
from gateway.parallel_run.tally import Tally

_COLUMNS = {
    "distinct_requests": "distinct",
    "mismatched": "mismatched",
    "seen_once": "seen_once",
    "seen_twice": "seen_twice",
    "passed_over": "passed_over",
    "passed_over_against": "passed_over_against",
    "first_at_s": "first_at_s",
    "newest_at_s": "newest_at_s",
}
"""Column -> the tally's own name."""


def columns_of(tally: Tally) -> dict[str, object]:
    """What is written of it."""
    columns = {column: getattr(tally, name) for column, name in _COLUMNS.items()}
    return columns | {"folded": tally_text.write(tally)}


def tally_of(row: Row[Any]) -> Tally:
    """What was written."""
    tally = tally_text.read(row.folded)
    for column, name in _COLUMNS.items():
        setattr(tally, name, getattr(row, column))
    return tally

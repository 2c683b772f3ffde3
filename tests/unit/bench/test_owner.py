"""The cost of ownership is measured for each kind of id, and for a route that has none."""

from __future__ import annotations

import pytest

from bench import inside_owner


def test_every_kind_of_request_has_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside_owner, "_CALLS", 1)
    text = "\n".join(inside_owner.report())
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")]
    assert [row[0].strip() for row in rows[2:]] == list(inside_owner._ASKED)
    assert [row[1].strip() == "-" for row in rows[2:]] == [False] * 7 + [True]
    assert all(float(row[2]) > 0 for row in rows[2:])

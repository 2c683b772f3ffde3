"""What counts as wrong is found: judged here on visits that nobody made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.flips.customers import Visit
from tests.flips.flipping import _judge
from tests.support import flippable
from tests.support.figueira import Figueira
from tests.support.load import side_of

CUSTOMER = next(number for number in range(1000) if side_of(number, 50) == "image_service")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A history of two revisions, at 0 and at 50 percent."""
    (tmp_path / "state").mkdir()
    with closing(sqlite3.connect(tmp_path / "state" / "figueira.db")) as database:
        database.execute("CREATE TABLE revisions (number INTEGER, text BLOB)")
        for number, percent in ((1, 0), (2, 50)):
            text = flippable.text(percent).encode()
            database.execute("INSERT INTO revisions VALUES (?, ?)", (number, text))
        database.commit()
    return tmp_path


def _wrong(
    folder: Path, answer: str, *, backend: str = "image_service", revision: int = 2, lines: int = 1
) -> list[str]:
    line = {"path": "/images/7", "backend": backend, "revision": revision}
    figueira: Any = SimpleNamespace(access_lines=lambda: [line] * lines)
    visit = Visit(7, CUSTOMER, 20.0, 20.1, answer)
    return list(_judge(cast("Figueira", figueira), folder, [visit], [(10.0, 2)]))


def test_a_right_answer_is_right(folder: Path) -> None:
    assert _wrong(folder, "image_service 7") == []


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        pytest.param("legacy 7", {"backend": "legacy"}, id="mis-routed"),
        pytest.param("legacy 7", {}, id="another than the line says"),
        pytest.param("image_service 8", {}, id="another's"),
        pytest.param("cut: None", {}, id="cut"),
        pytest.param("legacy 7", {"backend": "legacy", "revision": 1}, id="by an old revision"),
        pytest.param("image_service 7", {"lines": 0}, id="no line"),
    ],
)
def test_whatever_is_wrong_is_found(folder: Path, answer: str, how: dict[str, Any]) -> None:
    assert _wrong(folder, answer, **how)

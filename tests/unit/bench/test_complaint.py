"""The complaint's page says what the numbers say; its file is the shipped one, flipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.complaint_page import Complaint, Samples, page
from bench.machine import Machine
from bench.processes import StartError
from bench.shop import write_routes

MACHINE = Machine(
    date="2026-11-23", cpu="a CPU", cores=2, memory_gib=8, kernel="Linux", python="3.11", load=0.5
)


def _samples(label: str, loaded_ms: float) -> Samples:
    return Samples(
        label=label, idle_ms=[1.0, 2.0, 9.0], loaded_ms=[loaded_ms] * 2, pictures_per_s=2.5
    )


def _page(*loaded_ms: float) -> str:
    rows = [_samples(f"row {number}", each_ms) for number, each_ms in enumerate(loaded_ms)]
    complaint = Complaint(customers=16, orders=20, delay_s=2.0, samples=rows)
    return page(complaint, MACHINE, "python -m bench complaint")


def _cells(text: str, label: str) -> list[str]:
    row = next(line for line in text.splitlines() if line.startswith(f"| {label} "))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_a_rise_and_its_answer_are_told_with_their_targets() -> None:
    text = _page(10_000, 900, 3)
    assert _cells(text, "row 0") == [
        "row 0",
        "2.00",
        "9.00",
        "10,000",
        "10,000",
        "5,000 (≥ 500, met)",
        "3 and 2",
        "2.50",
    ]
    assert _cells(text, "row 1")[5] == "450 (≥ 500, **not met**)"
    assert _cells(text, "row 2")[5] == "1.50 (≤ 2.00, met)"
    assert _cells(_page(10_000, 900, 5), "row 2")[5] == "2.50 (≤ 2.00, **not met**)"


def test_the_page_names_machine_and_command() -> None:
    text = _page(10_000, 900, 3)
    assert _cells(text, "CPU")[1] == "a CPU, 2 cores"
    assert _cells(text, "command")[1] == "`python -m bench complaint`"


def test_the_flip_changes_one_number_of_the_shipped_file(tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    write_routes(path, 0)
    before = path.read_text().splitlines()
    write_routes(path, 100)
    after = path.read_text().splitlines()
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1
    assert "image_service: 100," in changed[0][1]


def test_a_shipped_file_without_that_line_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\n")
    monkeypatch.setattr("bench.shop._SHIPPED", other)
    with pytest.raises(StartError, match="FLIP"):
        write_routes(tmp_path / "routes.yaml", 100)

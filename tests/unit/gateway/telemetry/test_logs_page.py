"""docs/logs.md tells every field and every event, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.telemetry.access_line import AccessLine
from gateway.telemetry.events import Event

PAGE = (Path(__file__).parents[4] / "docs" / "logs.md").read_text("utf-8")


def _told(page: str) -> list[str]:
    """What the first columns of the tables name."""
    cells = re.findall(r"(?m)^\| (`.*?) \|", page)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_the_page_tells_every_field_of_an_access_line_in_its_order() -> None:
    assert _told(PAGE.partition("## The gateway's own log")[0]) == list(
        AccessLine.__struct_fields__
    )


def test_the_page_tells_every_event() -> None:
    told = _told(PAGE.partition("## The gateway's own log")[2])
    assert sorted(told) == sorted(event.value for event in Event)

"""An event is one line that programs can take apart again, whatever the values hold."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.events import Event, write_event

PAIR = re.compile(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"=]+)')


def _read(line: str) -> dict[str, str]:
    """The values of a line, as a program would read them."""
    name, _, _ = line.partition(" ")
    rest = line[len(name) :]
    assert PAIR.sub("", rest) == ""
    return {
        key: json.loads(value) if value.startswith('"') else value
        for key, value in PAIR.findall(rest)
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (7, "7"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("café", "café"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "yes"', r'"say \"yes\""'),
        ("two\nlines", r'"two\nlines"'),
        ("\x1b[31mred", r'"\u001b[31mred"'),
        ("\x9b31mred", r'"\u009b31mred"'),
        ("line\u2028separator", r'"line\u2028separator"'),
        ("right\u202eleft", r'"right\u202eleft"'),
        ("\udce9", r'"\udce9"'),
    ],
    ids=ascii,
)
def test_a_value_is_plain_where_it_can_be_and_json_where_it_cannot(
    value: object, written: str
) -> None:
    assert write_event(Event.STARTED, key=value) == f"started key={written}"


@given(st.dictionaries(st.sampled_from(["why", "problem", "process"]), st.text()))
def test_every_event_is_one_printable_line_that_reads_back(values: dict[str, str]) -> None:
    line = write_event(Event.PROCESS_DIED, **values)
    assert line.isprintable()
    assert _read(line) == values


def test_names_are_lower_case_words_and_each_its_own() -> None:
    names = [event.value for event in Event]
    assert len(names) == len(set(names))
    assert all(event.value == event.name.lower() for event in Event)

"""Plain data and places out of YAML."""

from __future__ import annotations

from gateway.config.document import parse

TEXT = """\
# a comment
names: {"é": "ção", b: [1, two]}
list:
  - first
  - {deep: |
      text
    }
"""


def test_every_key_and_value_has_its_place_in_characters() -> None:
    marks = parse(TEXT.replace("|\n      text\n    }", "text}")).report.marks
    assert marks.keys == {
        ("names",): (2, 1),
        ("names", "é"): (2, 9),
        ("names", "b"): (2, 21),
        ("list",): (3, 1),
        ("list", 1, "deep"): (5, 6),
    }
    assert marks.values[("names", "é")] == (2, 14)
    assert marks.values[("names", "b", 1)] == (2, 28)
    assert marks.values[("list", 0)] == (4, 5)
    assert marks.values[()] == (2, 1)


def test_a_loc_leads_to_the_nearest_thing_in_the_file() -> None:
    """Missing keys lead to their mapping, parts that are not in the file are passed over."""
    marks = parse("routes: [{match: {path: /a}}]").report.marks
    assert marks.locate(("routes", 0, "name")) == ("routes", 0)
    assert marks.locate(("routes", 0, "match", 0, "path")) == ("routes", 0, "match", "path")
    assert marks.locate(("nowhere",)) == ()

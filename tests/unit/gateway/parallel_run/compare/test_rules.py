"""What a declared rule covers, and what it does not."""

from __future__ import annotations

import json

import pytest

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.answers import Sides, compare
from gateway.parallel_run.compare.rules import PathError, check_path
from gateway.parallel_run.plan import (
    Ignore,
    Normalise,
    Normaliser,
    Place,
    Rules,
    StatusPair,
    Tolerate,
)
from tests.unit.gateway.parallel_run.compare.laying import answer, lay, lay_json, places


def _ignore(**place: str) -> Rules:
    return Rules(ignore=(Ignore(place=Place(**place), because="clocks", until="2027-06-30"),))


@pytest.mark.parametrize(
    ("path", "control", "candidate"),
    [
        ("$.at", {"at": 1}, {"at": 2}),
        ("$.at", {"at": 1}, {}),
        ("$.at", {"at": {"s": 1}}, {"at": {"s": 2}}),
        ("$['at']", {"at": 1}, {"at": "x"}),
        ("$.items[*].at", {"items": [{"at": 1}]}, {"items": [{"at": 2}]}),
        ("$.items[0]", {"items": [1, 2]}, {"items": [3, 2]}),
        ("$..at", {"a": {"at": 1}}, {"a": {"at": 2}}),
        ("$..at", {"a": {"at": 1}}, {"a": {}}),
        (
            "$.items[?@.kind == 'clock'].v",
            {"items": [{"kind": "clock", "v": 1}]},
            {"items": [{"kind": "clock", "v": 2}]},
        ),
        ("$.items[-1]", {"items": [1, 2]}, {"items": [1, 3]}),
    ],
)
def test_a_path_covers_what_it_leads_to_and_all_below(
    path: str, control: object, candidate: object
) -> None:
    comparison = lay_json(control, candidate, _ignore(json=path))
    assert comparison.became is TrialClass.IGNORED
    assert {rule for _, rule in comparison.ignored} == {f"ignore json:{path}"}


@pytest.mark.parametrize(
    ("path", "control", "candidate", "left"),
    [
        ("$.at", {"at": 1, "b": 1}, {"at": 2, "b": 2}, ["json:$.b value"]),
        ("$.at", {"atx": 1}, {"atx": 2}, ["json:$.atx value"]),
        ("$.items[*].at", {"items": [1]}, {"items": [1, 2]}, ["json:$.items length"]),
        ("$.a.b", {"a": 1}, {"a": 2}, ["json:$.a value"]),
        ("$.items[1]", {"items": [1, 2]}, {"items": [3, 2]}, ["json:$.items[*] value"]),
    ],
)
def test_it_covers_nothing_else(
    path: str, control: object, candidate: object, left: list[str]
) -> None:
    comparison = lay_json(control, candidate, _ignore(json=path))
    assert comparison.became is TrialClass.MISMATCHED
    assert places(comparison) == left


def test_a_rule_covers_however_many_differences_there_are() -> None:
    control = [{"id": n, "at": n} for n in range(1000)]
    candidate = [{"id": n, "at": -n - 1} for n in range(1000)]
    comparison = lay_json(control, candidate, _ignore(json="$[*].at"))
    assert comparison.became is TrialClass.IGNORED
    assert comparison.ignored[0][0].times == 1000


def test_a_header_is_covered_by_its_name() -> None:
    control = answer(b"{}", b"application/json", (b"Location", b"/a"))
    candidate = answer(b"{}", b"application/json", (b"location", b"/b"))
    assert places(lay(control, candidate)) == ["header:location value"]
    assert lay(control, candidate, _ignore(header="location")).became is TrialClass.IGNORED


def test_a_part_of_a_page_is_covered_by_its_path() -> None:
    pages = [
        answer(f'<form><input value="{n}"></form><p>{n}</p>'.encode(), b"text/html") for n in (1, 2)
    ]
    rules = _ignore(html="/form/input/@value")
    assert places(lay(pages[0], pages[1], rules)) == ["html:/p/text() value"]


@pytest.mark.parametrize(
    ("to", "control", "candidate", "is_covered"),
    [
        ("timestamp", "2026-11-23T10:00:00Z", "2026-11-23T10:00:07Z", True),
        ("timestamp", "2026-11-23T10:00:00Z", "2026-11-23T10:00:07.123Z", False),
        ("timestamp", "2026-11-23T10:00:00Z", "2026-11-23T10:00:07+00:00", False),
        ("timestamp", "2026-11-23T10:00:00+01:00", "2026-11-23T10:00:07-03:00", True),
        ("timestamp", "2026-11-23 10:00:00", "2026-11-23T10:00:07", False),
        ("timestamp", "Mon, 23 Nov 2026 10:00:00 GMT", "Mon, 23 Nov 2026 10:00:01 GMT", True),
        ("timestamp", 1_795_000_000, 1_795_000_009, True),
        ("timestamp", 1_795_000_000, 1_795_000_009_000, False),
        ("timestamp", 1_795_000_000, "1795000009", False),
        ("timestamp", "yesterday", "today", False),
        (
            "uuid",
            "0190b5a2-7f1c-7c3e-9d2a-3f6f0f2a9c11",
            "7d444840-9dc0-41d1-b245-5ffdce74fad2",
            True,
        ),
        (
            "uuid",
            "0190b5a2-7f1c-7c3e-9d2a-3f6f0f2a9c11",
            "7D444840-9DC0-41D1-B245-5FFDCE74FAD2",
            False,
        ),
        ("uuid", "0190b5a27f1c7c3e9d2a3f6f0f2a9c11", "7d444840-9dc0-41d1-b245-5ffdce74fad2", False),
        ("uuid", 7, 8, False),
        ("url_host", "http://a:8001/x?y=1", "https://b/x?y=1", True),
        ("url_host", "http://a/x", "http://b/y", False),
        ("url_host", "/x", "http://b/x", False),
        ("id_alias", "7", "1000000007", True),
        ("id_alias", 7, 1_000_000_007, True),
        ("id_alias", 7, "1000000007", False),
        ("id_alias", 7, 1_000_000_008, False),
        ("id_alias", "/images/7/file", "/images/1000000007/file", True),
        ("id_alias", "/images/7/file", "/images/1000000007/raw", False),
        ("id_alias", "/images/8/file", "/images/1000000007/file", False),
        ("id_alias", "see 7", "see 1000000007", False),
    ],
)
def test_values_of_one_form_are_one(
    to: Normaliser, control: object, candidate: object, is_covered: bool
) -> None:
    rules = Rules(normalise=(Normalise(place=Place(json="$.v"), to=to),))
    bodies = [answer(_written({"v": each})) for each in (control, candidate)]
    sides = Sides(
        control=bodies[0],
        candidate=bodies[1],
        control_status=200,
        candidate_status=200,
        aliases={"1000000007": "7"},
    )
    expected = TrialClass.IGNORED if is_covered else TrialClass.MISMATCHED
    assert compare(sides, rules).became is expected


def _written(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("rule", "control", "candidate", "is_covered"),
    [
        ({"absolute": 0.01}, 1.0, 1.01, True),
        ({"absolute": 0.01}, 1.0, 1.02, False),
        ({"relative": 0.1}, 100, 110, True),
        ({"relative": 0.1}, 100, 111, False),
        ({"relative": 0.1}, -100, -91, True),
        ({"absolute": 5}, 1, 1.0, True),
        ({"absolute": 5}, 1, True, False),
        ({"absolute": 5}, 1, "1", False),
        ({"absolute": 5}, 1, None, False),
    ],
)
def test_numbers_may_differ_a_little(
    rule: dict[str, float], control: object, candidate: object, is_covered: bool
) -> None:
    rules = Rules(tolerate=(Tolerate(place=Place(json="$.v"), **rule),))
    became = lay_json({"v": control}, {"v": candidate}, rules).became
    assert became is (TrialClass.IGNORED if is_covered else TrialClass.MISMATCHED)


def test_a_header_s_number_may_differ_a_little() -> None:
    rules = Rules(headers=("age",), tolerate=(Tolerate(place=Place(header="age"), absolute=2),))
    sides = [answer(b"", b"text/plain", (b"Age", value)) for value in (b"10", b"12", b"13", b"x")]
    assert lay(sides[0], sides[1], rules).became is TrialClass.IGNORED
    assert lay(sides[0], sides[2], rules).became is TrialClass.MISMATCHED
    assert lay(sides[0], sides[3], rules).became is TrialClass.MISMATCHED


@pytest.mark.parametrize(
    "path",
    [
        "$",
        "$.*",
        "$[*]",
        "$.*[*]",
        "$..*",
        "$..[*]",
        "$[0:]",
        "$[::-1]",
        "$..[::1]",
        "$[?@ || !@]",
        "$..[?@ == @]",
    ],
)
def test_a_path_that_covers_everything_is_refused(path: str) -> None:
    with pytest.raises(PathError, match="covers everything"):
        check_path(path)


@pytest.mark.parametrize("path", ["", "a", "$.", "$.a[", "$[?@.x ==]", "$.a b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PathError, match="is no JSONPath"):
        check_path(path)


@pytest.mark.parametrize(
    "path", ["$.a", "$..created_at", "$.items[*].at", "$[?@.a]", "$[0:2]", "$[?@.a].b", "$['a b']"]
)
def test_other_paths_may_be_used(path: str) -> None:
    check_path(path)


def test_two_statuses_may_be_declared_to_be_one_answer() -> None:
    legacy = answer(b'{"error": "Imagem n\\u00e3o encontrada"}')
    service = answer(b'{"title": "Not Found"}', b"application/problem+json", status=404)
    sides = Sides(control=legacy, candidate=service, control_status=404, candidate_status=404)
    declared = Rules(same_status=(StatusPair(control=404, candidate=404),))
    comparison = compare(sides, declared)
    assert comparison.became is TrialClass.IGNORED
    assert comparison.ignored[0][1] == "same_status 404 = 404"
    assert places(compare(sides, Rules()))[:2] == ["status value", "header:content-type value"]


def test_a_declared_pair_does_not_hide_other_statuses() -> None:
    declared = Rules(same_status=(StatusPair(control=404, candidate=404),))
    found = lay(answer(b"{}"), answer(b"{}", status=410), declared)
    assert places(found) == ["status value"]

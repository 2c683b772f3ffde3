"""What a change means for customers, in words."""

from __future__ import annotations

import pytest

from gateway.cli.effect import effects, in_words

HEAD = """\
version: 1
backends: {a: {url: "http://a"}, b: {url: "http://b"}, c: {url: "http://c"}}
routes:
"""
LAST = "  - {name: rest, match: {path_prefix: /}, backend: a}\n"
STICKY = ", sticky: [{header: X-Id}, client_ip]"


def _file(split: str, more: str = STICKY, name: str = "images") -> bytes:
    route = f"  - {{name: {name}, match: {{path_prefix: /i}}, {split}{more}}}\n"
    return f"{HEAD}{route}{LAST}".encode()


def _words(old: bytes, new: bytes) -> list[str]:
    return [line for effect in effects(old, new) for line in in_words(effect)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            _file("split: {b: 5, a: rest}"),
            _file("split: {b: 25, a: rest}"),
            [
                "images: a 95 -> 75 %, b 5 -> 25 %",
                "  20 % of customers move from a to b; nobody moves the other way",
                "  a customer is told by header X-Id, else client_ip",
            ],
            id="growing",
        ),
        pytest.param(
            _file("split: {a: 10, b: 10, c: rest}"),
            _file("split: {a: 20, b: 10, c: rest}"),
            [
                "images: a 10 -> 20 %, b 10 %, c 80 -> 70 %",
                "  10 % of customers move from b to a",
                "  10 % of customers move from c to b",
                "  a customer is told by header X-Id, else client_ip",
            ],
            id="three",
        ),
        pytest.param(
            _file("split: {b: 0.001, a: rest}", ""),
            _file("split: {b: 0.002, a: rest}", ""),
            [
                "images: a 99.999 -> 99.998 %, b 0.001 -> 0.002 %",
                "  0.001 % of requests go to b instead of a, each drawn anew (nothing is sticky)",
            ],
            id="drawn",
        ),
        pytest.param(
            _file("backend: a", ""),
            _file("split: {b: 5, a: rest}"),
            [
                "images: a 100 -> 95 %, b none -> 5 %",
                "  5 % of customers move from a to b; nobody moves the other way",
                "  a customer is told by header X-Id, else client_ip",
            ],
            id="a-split-at-last",
        ),
        pytest.param(
            _file("split: {b: 5, a: rest}"),
            _file("split: {b: rest, a: 95}"),
            [
                "images: a 95 %, b 5 %",
                "  5 % of customers move from a to b",
                "  5 % of customers move from b to a",
                "  a customer is told by header X-Id, else client_ip",
            ],
            id="the-rest-changes-hands",
        ),
        pytest.param(
            _file("split: {b: 5, a: rest}"),
            _file("split: {b: 5, a: rest}", name="pictures"),
            ["pictures is new: a 95 %, b 5 %", "images is gone: a 95 %, b 5 %"],
            id="renamed",
        ),
        pytest.param(b"\tno yaml", _file("backend: a", ""), None, id="from-nonsense"),
        pytest.param(
            _file("split: {b: 5, a: rest}"),
            _file("split: {a: 95, b: 5}"),
            [
                "images: a 95 %, b 5 %",
                "  5 % of customers move from a to b",
                "  5 % of customers move from b to a",
                "  a customer is told by header X-Id, else client_ip",
            ],
            id="a-rest-that-is-written-out-comes-first",
        ),
        pytest.param(_file("split: {b: 5, a: 95}"), _file("split: {a: 95, b: 5.0}"), [], id="same"),
    ],
)
def test_who_moves_is_said(old: bytes, new: bytes, said: list[str] | None) -> None:
    if said is None:
        said = ["images is new: a 100 %", "rest is new: a 100 %"]
    assert sorted(_words(old, new)) == sorted(said)


def test_what_exists_stays_where_something_is_owned() -> None:
    owner = _OWNER + STICKY
    lines = _words(_file("split: {b: 5, a: rest}", owner), _file("split: {b: 6, a: rest}", owner))
    assert lines[-1] == (
        "  what exists stays with the side that made it: this moves new work alone"
    )


_OWNER = ", owner: {id: '/i/{id}', ranges: {a: 1..9, b: 10..}, unknown: a, lists: a}"
_OTHER_OWNER = _OWNER.replace("1..9", "1..4")
_WARNED = {
    "owner": "  its owner changes: what exists may be looked for where it was not made",
    "sticky": "  its sticky changes: customers are told apart anew, and may move either way",
    "match": "  its match changes: other requests take this route",
}


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (
            _file("split: {b: 5, a: rest}", STICKY + _OWNER),
            _file("split: {b: 6, a: rest}", STICKY + _OTHER_OWNER),
            "owner",
        ),
        (
            _file("split: {b: 5, a: rest}", STICKY + _OWNER),
            _file("split: {b: 5, a: rest}", STICKY + _OTHER_OWNER),
            "owner",
        ),
        (
            _file("split: {b: 5, a: rest}", STICKY),
            _file("split: {b: 6, a: rest}", ", sticky: [client_ip]"),
            "sticky",
        ),
        (
            _file("split: {b: 5, a: rest}", STICKY),
            _file("split: {b: 6, a: rest}", STICKY).replace(b"/i}", b"/j}"),
            "match",
        ),
    ],
    ids=["owner-and-weight", "owner", "sticky-and-weight", "match-and-weight"],
)
def test_an_undo_says_what_it_changes_beside_weights(old: bytes, new: bytes, changed: str) -> None:
    """It takes a whole file back: that nobody moves the other way would not be true any more."""
    lines = _words(old, new)
    assert [line for line in lines if line in _WARNED.values()] == [_WARNED[changed]]
    assert not any("what exists stays" in line for line in lines)
    assert any("nobody moves the other way" in line for line in lines) is (
        b"b: 6" in new and changed != "sticky"
    )

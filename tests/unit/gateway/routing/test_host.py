"""One spelling of a host, and the conditions that it meets."""

from __future__ import annotations

import pytest

from gateway.routing.host import canonical, conditions, precedence


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (b"shop.example", b"shop.example"),
        (b"Shop.EXAMPLE:8000", b"shop.example"),
        (b"shop.example:", b"shop.example"),
        (b"shop.example.:443", b"shop.example"),
        (b"[2001:DB8:0::1]:80", b"2001:db8::1"),
        (b"[::ffff:1.2.3.4]", b"::ffff:102:304"),
        (b"[:::]", b":::"),
        (b"", b""),
    ],
)
def test_a_host_has_one_spelling(host: bytes, expected: bytes) -> None:
    assert canonical(host) == expected


def test_a_host_meets_itself_and_every_wildcard_above_it() -> None:
    assert list(conditions(b"a.b.c")) == [b"a.b.c", b"*.b.c", b"*.c"]
    assert list(conditions(b"localhost")) == [b"localhost"]
    assert list(conditions(b"")) == []


def test_a_host_of_many_labels_is_not_taken_apart_at_each() -> None:
    """As long as a head may be; cut at every dot, it would take a gigabyte."""
    met = list(conditions(b"a." * 30_000 + b"shop.example"))
    assert met[-2:] == [b"*.shop.example", b"*.example"]
    assert sum(map(len, met[1:])) < 20_000


def test_the_longest_name_meets_its_longest_wildcard() -> None:
    name = b".".join([b"a" * 63] * 3 + [b"b" * 61])
    assert len(name) == 253
    assert b"*." + name in list(conditions(b"shop." + name))


def test_a_name_comes_before_wildcards_and_the_longest_of_those_first() -> None:
    written = ["", "*.c", "b.c", "*.b.c"]
    assert sorted(written, key=precedence) == ["b.c", "*.b.c", "*.c", ""]

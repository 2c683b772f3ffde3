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


def test_a_name_comes_before_wildcards_and_the_longest_of_those_first() -> None:
    written = ["", "*.c", "b.c", "*.b.c"]
    assert sorted(written, key=precedence) == ["b.c", "*.b.c", "*.c", ""]

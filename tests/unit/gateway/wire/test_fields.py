"""Header names: each spelling has the one kind that its meaning asks for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import fields
from gateway.wire.fields import Kind, kind_of, listed

_KINDS = [
    (b"Accept", Kind.END_TO_END),
    (b"Set-Cookie", Kind.END_TO_END),
    (b"X-Customer-Id", Kind.END_TO_END),
    (b"Connection", Kind.CONNECTION),
    (b"Keep-Alive", Kind.HOP),
    (b"Proxy-Connection", Kind.HOP),
    (b"Proxy-Authenticate", Kind.HOP),
    (b"Proxy-Authorization", Kind.HOP),
    (b"TE", Kind.TE),
    (b"Trailer", Kind.TRAILER),
    (b"Upgrade", Kind.UPGRADE),
    (b"Max-Forwards", Kind.MAX_FORWARDS),
    (b"Via", Kind.VIA),
    (b"HTTP2-Settings", Kind.HOP),
    (b"Host", Kind.HOST),
    (b"Content-Length", Kind.CONTENT_LENGTH),
    (b"Transfer-Encoding", Kind.TRANSFER_ENCODING),
    (b"Expect", Kind.EXPECT),
    (b"Forwarded", Kind.FORWARDED),
    (b"X-Forwarded-For", Kind.FORWARDED),
    (b"X-Forwarded-Host", Kind.FORWARDED),
    (b"X-Forwarded-Proto", Kind.FORWARDED),
    (b"X-Forwarded-Port", Kind.FORWARDED),
    (b"X-Forwarded-Prefix", Kind.FORWARDED),
    (b"X-Real-IP", Kind.FORWARDED),
    (b"X-Original-URL", Kind.FORWARDED),
    (b"X-Figueira-Pin", Kind.FIGUEIRA),
    (b"X-Figueira-", Kind.FIGUEIRA),
    (b"Proxy", Kind.FORGED),
    (b"traceparent", Kind.TRACEPARENT),
]


@pytest.mark.parametrize("spell", [bytes.lower, bytes.upper, bytes.title], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("name", "kind"), _KINDS, ids=[name.decode() for name, _ in _KINDS])
def test_a_name_has_its_kind_in_any_case(name: bytes, kind: Kind, spell: object) -> None:
    assert callable(spell)
    assert kind is kind_of(spell(name))


_TWINS = [name for name, kind in _KINDS if kind and b"-" in name]


@pytest.mark.parametrize("name", _TWINS, ids=bytes.decode)
def test_the_underscore_twin_of_a_field_that_means_something_is_a_forgery(name: bytes) -> None:
    assert Kind.FORGED is kind_of(name.replace(b"-", b"_"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(b"x_customer_id", Kind.END_TO_END, id="twin-of-nothing"),
        pytest.param(b"X-Forwarded_For", Kind.FORGED, id="half-a-twin"),
        pytest.param(b"X-Figueira_Pin", Kind.FORGED, id="half-a-twin-of-ours"),
        pytest.param(b"X_FIGUEIRA_PIN", Kind.FORGED, id="upper-case-twin-of-ours"),
        pytest.param(b"X-Figueira-a_b", Kind.FIGUEIRA, id="underscore-in-ours"),
        pytest.param(b"X-Figueira", Kind.END_TO_END, id="ours-without-its-dash"),
        pytest.param(b"X-Figueiras-Pin", Kind.END_TO_END, id="not-quite-ours"),
        pytest.param(b"Hosts", Kind.END_TO_END, id="longer-than-a-known-name"),
        pytest.param(b"_", Kind.END_TO_END, id="underscore-alone"),
        pytest.param(b"", Kind.END_TO_END, id="empty"),
    ],
)
def test_near_misses_are_told_apart(name: bytes, kind: Kind) -> None:
    assert kind is kind_of(name)


@given(st.binary(max_size=80))
@settings(max_examples=60)
def test_a_kind_depends_on_nothing_but_the_name_without_its_case(name: bytes) -> None:
    assert kind_of(name) is kind_of(name.upper()) is kind_of(name.lower())


def test_a_flood_of_hostile_names_cannot_fill_the_memory() -> None:
    for number in range(3 * fields._MAX_REMEMBERED):
        kind_of(b"x-%d" % number)
    for number in range(100):
        kind_of(b"x" * 60_000 + b"%d" % number)
    assert len(fields.PLAIN) <= fields._MAX_REMEMBERED
    assert max(map(len, fields.PLAIN)) <= fields._MAX_REMEMBERED_BYTES
    assert kind_of(b"Host") is Kind.HOST
    assert kind_of(b"X-Forwarded-".ljust(100, b"x")) is Kind.FORWARDED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"close", [b"close"], id="one"),
        pytest.param(b"Keep-Alive, X-A", [b"keep-alive", b"x-a"], id="two-in-any-case"),
        pytest.param(b" ,close,,\tx-a ,", [b"close", b"x-a"], id="empty-members-and-space"),
        pytest.param(b"", [], id="empty"),
    ],
)
def test_a_list_is_its_members_in_lower_case_without_the_empty_ones(
    value: bytes, expected: list[bytes]
) -> None:
    assert expected == listed(value)

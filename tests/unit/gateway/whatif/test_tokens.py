"""Tokens tell customers apart, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.split import bucket_of
from gateway.whatif import tokens as module
from gateway.whatif.tokens import Tokens

_ONE, _OTHER = Tokens(b"one key of a test"), Tokens(b"another key of it")


@given(st.binary(), st.binary())
def test_the_same_value_has_the_same_token_and_another_has_another(a: bytes, b: bytes) -> None:
    assert (_ONE.token(a) == _ONE.token(b)) == (a == b)
    assert _ONE.noted[a] == _ONE.note(a) == Tokens(b"one key of a test").note(a)


@given(st.binary())
def test_under_another_key_nothing_can_be_joined(value: bytes) -> None:
    assert _ONE.token(value) != _OTHER.token(value)
    assert _ONE.note(value).bucket == _OTHER.note(value).bucket == bucket_of(value)


@given(st.binary())
def test_a_token_is_twelve_characters_that_need_no_escape(value: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{12}", _ONE.token(value))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_REMEMBERED", 3)
    tokens = Tokens(b"a key of this test")
    for number in range(10):
        tokens.noted[b"%d" % number]
    assert 0 < len(tokens.noted) <= 3
    assert tokens.noted[b"x" * 10_000].token == tokens.token(b"x" * 10_000)
    assert b"x" * 10_000 not in tokens.noted

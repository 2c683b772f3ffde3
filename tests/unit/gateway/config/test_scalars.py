"""Plain scalars are numbers, nothing or text only where every reader agrees."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.scalars import Ambiguous, read_plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-7", -7),
        ("999999999999999999", 999_999_999_999_999_999),
        ("0.001", Decimal("0.001")),
        ("12.50", Decimal("12.50")),
        ("", None),
        ("~", None),
        ("null", None),
        ("legacy", "legacy"),
        ("nullable", "nullable"),
        ("127.0.0.1", "127.0.0.1"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("1..1000000000", "1..1000000000"),
        ("1000000001..", "1000000001.."),
        ("250ms", "250ms"),
        ("1.5s", "1.5s"),
        ("-", "-"),
        ("...", "..."),
        ("none", "none"),
    ],
)
def test_a_plain_scalar_means_what_it_looks_like(text: str, value: object) -> None:
    assert read_plain(text) == value
    assert type(read_plain(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "reads_as"),
    [
        ("on", "the boolean true"),
        ("NO", "the boolean false"),
        ("true", "the boolean true"),
        ("012", "an octal number"),
        ("0o17", "an octal number"),
        ("0b1", "a binary number"),
        ("0x1F", "a hexadecimal number"),
        ("1:30", "a number in base 60"),
        ("1_000", "a number"),
        ("+5", "a number"),
        (".5", "a number"),
        ("5.", "a number"),
        ("1e3", "a number with an exponent"),
        ("1.5E+3", "a number with an exponent"),
        (".inf", "a special number"),
        ("2027-06-30", "a date"),
        ("2027-06-30T10:00:00Z", "a date"),
        ("9" * 5_000, "a number"),
    ],
)
def test_what_readers_disagree_on_is_ambiguous(text: str, reads_as: str) -> None:
    assert read_plain(text) == Ambiguous(text=text, reads_as=reads_as)


_NOT_USED = {"tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"}  # << and = as a value


@given(st.text(alphabet="0123456789.:-+_eExobTZ ~yesnoYN/infa", max_size=12))
def test_what_pyyaml_takes_for_something_else_is_never_text(text: str) -> None:
    """Our patterns hold at least all that YAML 1.1's own do."""
    first = yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], [])
    if any(pattern.match(text) for tag, pattern in first if tag not in _NOT_USED):
        assert not isinstance(read_plain(text), str)

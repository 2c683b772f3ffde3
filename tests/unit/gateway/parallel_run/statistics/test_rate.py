"""Rates are bounded as the closed form says, and no looking often makes them lie."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.statistics.rate import (
    forecast,
    is_above,
    is_below,
    log_evidence_above,
    log_evidence_below,
    lower_bound,
    needed,
    upper_bound,
)

STREAMS, REQUESTS, LIMIT, CONFIDENCE = 2_000, 3_000, 0.01, 0.95


@pytest.mark.parametrize(
    ("limit", "expected"), [(0.001, [4512, 6851, 8848, 10682]), (0.01, [449, 683, 882, 1065])]
)
def test_so_many_requests_prove_a_rate_with_so_many_mismatches(
    limit: float, expected: list[int]
) -> None:
    assert [needed(k, limit, 0.95) for k in range(4)] == expected


@given(
    n=st.integers(0, 60),
    share=st.floats(0, 1),
    limit=st.sampled_from([Fraction(1, 1000), Fraction(1, 100), Fraction(1, 3), Fraction(9, 10)]),
)
def test_the_evidence_is_the_integral_to_the_last_digits(
    n: int, share: float, limit: Fraction
) -> None:
    k = round(n * share)
    # Beta's mass below x is a binomial's above k, a sum of n fractions.
    tail = sum(
        math.comb(n + 1, j) * limit**j * (1 - limit) ** (n + 1 - j) for j in range(k + 1, n + 2)
    )
    beta = Fraction(math.factorial(k) * math.factorial(n - k), math.factorial(n + 1))
    exact = beta * tail / limit / (limit**k * (1 - limit) ** (n - k))
    assert math.exp(log_evidence_below(n, k, float(limit))) == pytest.approx(float(exact), rel=1e-9)


@given(n=st.integers(1, 10_000), share=st.floats(0, 1))
def test_both_bounds_hold_what_was_observed(n: int, share: float) -> None:
    k = round(n * share)
    assert 0 <= lower_bound(n, k, 0.95) <= k / n <= upper_bound(n, k, 0.95) <= 1


def test_a_bound_is_where_the_evidence_is_just_enough() -> None:
    bound = upper_bound(4512, 0, 0.95)
    assert bound < 0.001
    assert is_below(4512, 0, 0.001, 0.95)
    assert not is_below(4511, 0, 0.001, 0.95)


@pytest.mark.parametrize("n", [0, 1, 10, 1_000_000])
def test_nothing_is_proved_of_a_rate_that_was_observed(n: int) -> None:
    k = n // 10
    assert not is_below(n, k, 0.1, 0.95)
    assert not is_above(n, k, 0.1, 0.95)


def test_evidence_against_more_is_evidence_for_less_of_the_opposite() -> None:
    assert log_evidence_above(100, 30, 0.1) == log_evidence_below(100, 70, 0.9)


def test_a_forecast_goes_on_with_the_rate_that_was_seen() -> None:
    assert forecast(0, 0, 0.001, 0.95) == 4512
    assert forecast(5000, 0, 0.001, 0.95) == 5000
    assert forecast(1000, 5, 0.001, 0.95) is None
    aim = forecast(10_000, 3, 0.001, 0.95)
    assert aim is not None
    assert is_below(aim, round(aim * 0.0003), 0.001, 0.95)
    assert not is_below(aim - 1, round((aim - 1) * 0.0003), 0.001, 0.95)


def test_what_more_than_a_thousand_million_requests_would_prove_is_out_of_reach() -> None:
    assert needed(0, 1e-12, 0.95) is None


def _mismatches(source: random.Random, rate: float) -> list[int]:
    """At which requests of a stream something differs, each with the same chance."""
    at = 0
    found: list[int] = []
    while True:
        at += 1 + math.floor(math.log(1 - source.random()) / math.log1p(-rate))
        if at > REQUESTS:
            return found
        found.append(at)


def _is_ever_called_ready(mismatches: list[int], enough: list[int]) -> bool:
    """Whether a look after every request would have said so at any time.

    With k mismatches that is from `enough[k]` requests on, until the next mismatch.
    """
    ends = [*mismatches, REQUESTS + 1]
    return any(enough[k] < end for k, end in enumerate(ends))


def test_a_system_at_the_limit_is_called_ready_in_one_of_twenty_streams_at_most() -> None:
    source = random.Random(20261123)
    enough = [needed(k, LIMIT, CONFIDENCE) or REQUESTS + 1 for k in range(200)]
    wrong = sum(_is_ever_called_ready(_mismatches(source, LIMIT), enough) for _ in range(STREAMS))
    # 2,000 streams at 5 % would come to 100; it is some 3 %, as the stake is lost in steps.
    assert wrong / STREAMS <= 1 - CONFIDENCE


def test_a_fixed_sample_bound_looked_at_after_every_request_would_be_wrong_in_one_of_six() -> None:
    """Clopper and Pearson's, exact for one look: the reason for all of this."""
    source = random.Random(20261123)
    enough = [_clopper_pearson(k) for k in range(80)]
    wrong = sum(_is_ever_called_ready(_mismatches(source, LIMIT), enough) for _ in range(STREAMS))
    assert wrong / STREAMS > 3 * (1 - CONFIDENCE)


def _clopper_pearson(k: int) -> int:
    """The smallest n at which k mismatches bound the rate by one exact look."""

    def is_proved(n: int) -> bool:
        log_terms = [
            math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1)
            + j * math.log(LIMIT) + (n - j) * math.log1p(-LIMIT)
            for j in range(k + 1)
        ]  # fmt: skip
        return math.fsum(map(math.exp, log_terms)) <= 1 - CONFIDENCE

    return k + 1 + bisect_left(range(k + 1, 20_000), x=True, key=is_proved)


def test_more_mismatches_always_need_more_requests() -> None:
    found = [needed(k, LIMIT, CONFIDENCE) or 0 for k in range(50)]
    assert all(fewer < more for fewer, more in pairwise(found))


@pytest.mark.parametrize(("rate", "least"), [(0.02, 75), (0.03, 99), (0.5, 100)])
def test_a_system_above_the_limit_is_found_out(rate: float, least: int) -> None:
    source = random.Random(7)
    streams = [_mismatches(source, rate) for _ in range(100)]
    found = sum(is_above(REQUESTS, len(stream), LIMIT, CONFIDENCE) for stream in streams)
    assert found >= least

"""What requests say about themselves: keys, preferences, deadlines, customers, traces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.jobs.customers import customer_of, safety_identifier
from image_service.jobs.idempotency import KeyFormError, claim_of, read_key
from image_service.jobs.identity import is_job_id, job_id
from image_service.jobs.preferences import (
    DurationError,
    Preference,
    read_cancel_after,
    read_prefer,
)
from image_service.jobs.stream import read_last_id
from image_service.jobs.tracing import continued


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ([], None),
        (['"8e03978e-40d5"'], "8e03978e-40d5"),
        (["8e03978e-40d5"], "8e03978e-40d5"),
        ([r'"a \"b\" \\"'], r'a "b" \ '.strip()),
        (['"with space"'], "with space"),
    ],
)
def test_a_key_is_a_string_with_or_without_quotes(lines: list[str], key: str | None) -> None:
    assert read_key(lines) == key


@pytest.mark.parametrize(
    "lines", [[""], ['""'], ["a", "b"], ["a, b"], ["two words"], ['"a'], ["x" * 256], ["é"]]
)
def test_what_is_no_key_is_refused(lines: list[str]) -> None:
    with pytest.raises(KeyFormError):
        read_key(lines)


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_two_customers_never_share_a_key(a: str, key_a: str, b: str, key_b: str) -> None:
    first = claim_of(customer=a, key=key_a, request=b"")
    second = claim_of(customer=b, key=key_b, request=b"")
    assert (first.claim_id == second.claim_id) == ((a, key_a) == (b, key_b))


@pytest.mark.parametrize(
    ("lines", "preference"),
    [
        ([], Preference()),
        (["respond-async"], Preference(is_async=True)),
        (["Respond-Async, wait=10"], Preference(is_async=True, wait_s=10)),
        (["respond-async", "wait=10"], Preference(is_async=True, wait_s=10)),
        (['wait="5"; foo=bar'], Preference(wait_s=5)),
        (["wait=9999"], Preference(wait_s=60)),
        (["wait=-1, wait=soon"], Preference()),
        (["return=minimal"], Preference()),
        (["wait=1, wait=50"], Preference(wait_s=1)),
    ],
)
def test_preferences_that_are_not_understood_are_left_aside(
    lines: list[str], preference: Preference
) -> None:
    assert read_prefer(lines) == preference


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, None), ("60", 60), ("90s", 90), (" 5m ", 300), ("1h", 3600)]
)
def test_a_deadline_has_a_unit_or_is_in_seconds(value: str | None, seconds: int | None) -> None:
    assert read_cancel_after(value) == seconds


@pytest.mark.parametrize("value", ["", "0", "-5", "1.5", "soon", "5d", "9999999"])
def test_what_is_no_deadline_is_refused(value: str) -> None:
    with pytest.raises(DurationError):
        read_cancel_after(value)


@pytest.mark.parametrize(
    ("headers", "cookies", "address", "customer"),
    [
        ({"x-customer-id": "7"}, {"customer": "8"}, "203.0.113.1", "c:7"),
        ({}, {"customer": "8"}, "203.0.113.1", "c:8"),
        ({}, {}, "203.0.113.1", "a:203.0.113.1"),
        ({"x-customer-id": ""}, {}, None, "a:"),
    ],
)
def test_a_customer_is_who_the_gateway_takes_him_for(
    headers: dict[str, str], cookies: dict[str, str], address: str | None, customer: str
) -> None:
    assert customer_of(headers=headers, cookies=cookies, address=address) == customer


@given(st.text(max_size=200))
def test_whatever_a_customer_is_called_fits_the_table(name: str) -> None:
    customer = customer_of(headers={"x-customer-id": name}, cookies={}, address="x")
    assert len(customer) <= 66
    assert len(safety_identifier(customer)) == 64
    assert name not in safety_identifier(customer) or len(name) < 8


@given(
    st.integers(min_value=0, max_value=2**48 // 1000 - 1),
    st.integers(min_value=0, max_value=2**80 - 1),
)
def test_job_names_are_uuids_of_version_7_that_sort_by_time(second: int, noise: int) -> None:
    name = job_id(now=second, noise=noise)
    assert is_job_id(name)
    assert name[14] == "7"
    assert name[19] in "89ab"
    assert name < job_id(now=second + 1, noise=0)


@pytest.mark.parametrize(
    "text", ["", "1", "../x", "01A20ADE-2492-7568-A780-769F19BB6D6D", "x" * 36]
)
def test_what_can_be_no_job_is_not_asked_for(text: str) -> None:
    assert not is_job_id(text)


_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_trace_goes_on_with_a_span_of_its_own() -> None:
    assert continued(f"00-{_TRACE}-00f067aa0ba902b7-01", noise=5) == (
        f"00-{_TRACE}-0000000000000005-01"
    )


@pytest.mark.parametrize(
    "header", [None, "", "nonsense", f"ff-{_TRACE}-00f067aa0ba902b7-01", f"00-{'0' * 32}-1-01"]
)
def test_what_is_no_trace_begins_one(header: str | None) -> None:
    noise = (0xABC << 64) | 0xDEF
    assert continued(header, noise=noise) == f"00-{0xABC:032x}-{0xDEF:016x}-00"


@pytest.mark.parametrize(
    ("value", "number"), [(None, 0), ("", 0), ("7", 7), ("x", 0), ("-1", 0), ("9" * 30, 0)]
)
def test_a_last_event_id_that_is_none_of_ours_counts_as_none(
    value: str | None, number: int
) -> None:
    assert read_last_id(value) == number

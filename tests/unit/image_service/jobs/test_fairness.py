"""Whose turn it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from image_service.jobs.fairness import ranks


def test_who_orders_one_picture_goes_before_the_second_of_who_ordered_a_thousand() -> None:
    greedy = ranks(["greedy"] * 1000, serving=0, last={})
    [modest] = ranks(["modest"], serving=0, last={"greedy": greedy[-1]})
    assert sum(rank < modest for rank in greedy) == 0
    assert sum(rank <= modest for rank in greedy) == 1


def test_who_comes_late_does_not_go_before_everybody_who_has_waited() -> None:
    """The rank begins where the line is now, not at zero."""
    assert ranks(["late"], serving=40, last={"early": 60}) == [40]


def test_orders_of_one_customer_stay_in_their_order() -> None:
    assert ranks(["a", "b", "a", "a", "b"], serving=3, last={"b": 5}) == [3, 6, 4, 5, 7]


@given(
    st.lists(st.sampled_from("abc"), max_size=30),
    st.integers(min_value=0, max_value=50),
    st.dictionaries(st.sampled_from("abc"), st.integers(min_value=0, max_value=99)),
)
def test_taking_orders_together_or_one_by_one_comes_to_the_same(
    customers: list[str], serving: int, last: dict[str, int]
) -> None:
    together = ranks(customers, serving=serving, last=last)
    one_by_one = []
    known = dict(last)
    for customer in customers:
        [rank] = ranks([customer], serving=serving, last=known)
        known[customer] = rank
        one_by_one.append(rank)
    assert together == one_by_one

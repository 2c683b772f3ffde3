"""Which weights a split has after some of them were asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.layout import Weight, lay_out
from gateway.config.units import weight
from gateway.config.weights import new_weights
from gateway.config.wording import Refusal
from gateway.routing.snapshot import BUCKETS


def _split(**written: int | str) -> dict[str, Weight]:
    return {name: weight(value) for name, value in written.items()}


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        pytest.param(
            _split(new=5, old="rest"), _split(new=25), _split(new=25, old="rest"), id="rest-stays"
        ),
        pytest.param(_split(new=5, old=95), _split(new=25), _split(new=25, old=75), id="other"),
        pytest.param(_split(new=5, old=95), _split(old=0), _split(new=100, old=0), id="all"),
        pytest.param(
            _split(new=5, old="rest"), _split(old=75), _split(new=25, old="rest"), id="the-rest"
        ),
        pytest.param(
            _split(new=5, old="rest"), _split(old=95), _split(new=5, old="rest"), id="as-it-is"
        ),
        pytest.param(
            _split(new=5, old=95), _split(old="rest"), _split(new=5, old="rest"), id="to-rest"
        ),
        pytest.param(
            _split(new=5, old="rest"),
            _split(new="rest", old=40),
            _split(new="rest", old=40),
            id="rest-changes-hands",
        ),
        pytest.param(
            _split(a=10, b=20, c=70), _split(a=15, b=25), _split(a=15, b=25, c=60), id="third"
        ),
        pytest.param(
            _split(a=10, b=20, c="rest"), _split(a=30), _split(a=30, b=20, c="rest"), id="three"
        ),
        pytest.param(
            _split(a=10, b=20, c=70), _split(a=20, b=10), _split(a=20, b=10, c=70), id="swapped"
        ),
    ],
)
def test_what_is_asked_for_is_what_becomes_of_it(
    before: dict[str, Weight], asked: dict[str, Weight], after: dict[str, Weight]
) -> None:
    assert new_weights(before, asked) == after


@pytest.mark.parametrize(
    ("before", "asked", "said"),
    [
        pytest.param(
            _split(image_service=5, legacy="rest"),
            _split(imageservice=5),
            'backend "imageservice" is not in this split|did you mean "image_service"?',
            id="unknown",
        ),
        pytest.param(
            _split(a=10, b=20, c=70),
            _split(a=20),
            "the weights would come to 110, more than 100 percent|say also what b and c get",
            id="three-numbers",
        ),
        pytest.param(
            _split(a=10, b=20, c=70),
            _split(a=60, b=60),
            "the weights would come to 190, more than 100 percent|say also what c gets",
            id="too-much",
        ),
        pytest.param(
            _split(a=10, b=90),
            _split(a=60, b=30),
            "the weights would come to 90, not to 100 percent|",
            id="both-too-little",
        ),
        pytest.param(
            _split(a=10, b=20, c="rest"),
            _split(c=60),
            "the weights would come to 90, not to 100 percent|say also what a and b get",
            id="rest-of-three",
        ),
        pytest.param(
            _split(image_service=5, legacy="rest"),
            _split(legacy=90, image_service=9),
            "the weights would come to 99, not to 100 percent|",
            id="rest-and-number",
        ),
        pytest.param(
            _split(a=10, b="rest"),
            _split(a="rest"),
            "b is the rest already|say also what b gets",
            id="second-rest",
        ),
        pytest.param(
            _split(a=10, b=90),
            _split(a="rest", b="rest"),
            "only one backend can be the rest, not a and b|",
            id="two-rests",
        ),
        pytest.param(
            _split(a=10, b=70, c="rest"),
            _split(a=50),
            "the weights would come to 120, more than 100 percent|say also what b gets",
            id="above-with-rest",
        ),
    ],
)
def test_what_cannot_be_settled_is_refused(
    before: dict[str, Weight], asked: dict[str, Weight], said: str
) -> None:
    with pytest.raises(Refusal) as caught:
        new_weights(before, asked)
    assert f"{caught.value.message}|{caught.value.hint}" == said


@st.composite
def splits(draw: st.DrawFn) -> dict[str, Weight]:
    """Good splits of one to four backends, with and without a rest."""
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True))
    cuts = sorted(draw(st.integers(0, BUCKETS)) for _ in names[1:])
    numbers = [end - start for start, end in zip([0, *cuts], [*cuts, BUCKETS], strict=True)]
    split: dict[str, Weight] = dict(zip(names, numbers, strict=True))
    if draw(st.booleans()):
        split[draw(st.sampled_from(names))] = "rest"
    return split


@given(splits(), st.data())
def test_whoever_was_asked_for_has_that_share_and_all_buckets_are_taken(
    before: dict[str, Weight], data: st.DataObject
) -> None:
    asked: dict[str, Weight] = data.draw(
        st.dictionaries(st.sampled_from(sorted(before)), st.integers(0, BUCKETS), min_size=1)
    )
    try:
        after = new_weights(before, asked)
    except Refusal:
        return
    shares = {share.backend: share.end - share.start for share in lay_out(after)}
    assert {name: shares[name] for name in asked} == asked
    assert sum(shares.values()) == BUCKETS
    assert list(after) == list(before)
    kept = set(before) - set(asked)
    changed = {name for name in kept if after[name] != before[name]}
    assert len(changed) <= 1

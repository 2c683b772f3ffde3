"""What is here against what the feed tells."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.backfill.comparing import (
    Actual,
    Expected,
    Finding,
    Kind,
    Row,
    Verdict,
    judge,
    pairs,
)
from image_service.backfill.events import Picture
from tests.unit.image_service.backfill.documents import SHA

ROW = Row(product_id=1, prompt="praia", size="256x256", status="pronta")
TOLD = Expected(image_id=5, row=ROW, picture=Picture(version=1, size_bytes=2, sha256=SHA))
HERE = Actual(image_id=5, row=ROW, sha256=SHA, refused=None)


def finding(kind: Kind, detail: str = "") -> Finding:
    """Build a finding of the image."""
    return Finding(image_id=5, kind=kind, detail=detail)


@pytest.mark.parametrize(
    ("told", "here", "expected"),
    [
        (TOLD, HERE, None),
        (TOLD, None, finding(Kind.MISSING)),
        (None, HERE, finding(Kind.EXTRA)),
        (TOLD, replace(HERE, sha256=None), finding(Kind.DIFFERENT, "picture")),
        (replace(TOLD, picture=None), HERE, finding(Kind.DIFFERENT, "picture")),
        (
            TOLD,
            replace(HERE, row=replace(ROW, product_id=None, status="pendente")),
            finding(Kind.DIFFERENT, "product_id, status"),
        ),
        (
            TOLD,
            replace(HERE, row=replace(ROW, prompt="serra", size="512x512")),
            finding(Kind.DIFFERENT, "prompt, size"),
        ),
        (TOLD, replace(HERE, row=None), finding(Kind.DIFFERENT, "row")),
        (TOLD, replace(HERE, refused="too large"), finding(Kind.REFUSED, "too large")),
    ],
)
def test_one_image_is_judged(
    told: Expected | None, here: Actual | None, expected: Finding | None
) -> None:
    assert judge(told, here) == expected


@given(st.sets(st.integers(-5, 30)), st.sets(st.integers(-5, 30)))
def test_every_id_of_either_side_comes_once_and_with_its_own(
    told: set[int], here: set[int]
) -> None:
    both = pairs(
        [replace(TOLD, image_id=n) for n in sorted(told)],
        [replace(HERE, image_id=n) for n in sorted(here)],
    )
    found = [(one and one.image_id, other and other.image_id) for one, other in both]
    assert found == [
        (n if n in told else None, n if n in here else None) for n in sorted(told | here)
    ]


def test_a_verdict_counts_all_and_shows_the_first() -> None:
    verdict = Verdict(position=9, equal=1, waiting=2)
    assert [verdict.is_clean] == [True]
    for n in range(25):
        verdict.add(Finding(image_id=n, kind=Kind.MISSING))
    lines = list(verdict.lines())
    assert [verdict.is_clean] == [False]
    assert lines[0].startswith("verified at position 9: 1 images equal, 25 missing, 0 extra")
    assert lines[1].endswith("still to come: 2")
    assert lines[2].endswith("18, 19 and 5 more")

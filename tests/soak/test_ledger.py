"""A fault excuses what it may do, while it stands, and nothing else."""

from __future__ import annotations

import pytest

from tests.soak.ledger import Excuse, Expected, Found, Ledger


def _judged(
    expected: Expected, found: Found, *, excuse: Excuse | None, began_s: float = 10.0
) -> str:
    ledger = Ledger()
    if excuse is not None:
        ledger.open_window(excuse, 5.0).until_s = 9.0
    ledger.note("GET", expected, found, began_s=began_s, ended_s=began_s + 1.0)
    return "right" if ledger.right else "excused" if ledger.excused else "wrong"


@pytest.mark.parametrize(
    ("expected", "found", "excuse", "judgement"),
    [
        pytest.param(200, 200, None, "right", id="as it must be"),
        pytest.param(("cut", 502), 502, None, "right", id="one of two"),
        pytest.param(200, "cut", None, "wrong", id="a cut without a reason"),
        pytest.param(200, 502, None, "wrong", id="502 without a reason"),
        pytest.param(200, "cut", Excuse.CUT, "excused", id="a worker was killed"),
        pytest.param(200, 502, Excuse.CUT, "wrong", id="502 because a worker was killed"),
        pytest.param(200, 503, Excuse.FAILED, "excused", id="a backend was down"),
        pytest.param(200, "cut", Excuse.FAILED, "excused", id="a backend went within an answer"),
        pytest.param(200, 500, Excuse.FAILED, "wrong", id="500 is our own"),
        pytest.param(200, "7 bytes, another's", Excuse.FAILED, "wrong", id="another's answer"),
        pytest.param("cut", 200, Excuse.FAILED, "wrong", id="a broken answer that looks whole"),
    ],
)
def test_a_request_is_judged_by_what_stood_meanwhile(
    expected: Expected, found: Found, excuse: Excuse | None, judgement: str
) -> None:
    assert _judged(expected, found, excuse=excuse) == judgement


@pytest.mark.parametrize(
    ("began_s", "judgement"),
    [(3.0, "wrong"), (4.5, "excused"), (8.0, "excused"), (10.9, "excused"), (11.1, "wrong")],
)
def test_an_excuse_holds_from_the_fault_to_two_seconds_after_it(
    began_s: float, judgement: str
) -> None:
    assert _judged(200, "cut", excuse=Excuse.CUT, began_s=began_s) == judgement

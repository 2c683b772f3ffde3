"""The table that says what each way of failing means."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from image_service.providers.openai_faults import RULES, Fault, rule_of

_CODES = ["moderation_blocked", "insufficient_quota", "rate_limit_exceeded", "server_error", "new"]
_FAULTS = st.one_of(
    st.builds(Fault, stage=st.sampled_from(["connecting", "waiting"]), is_timeout=st.booleans()),
    st.builds(
        Fault,
        stage=st.just("refused"),
        status=st.integers(300, 599),
        code=st.none() | st.sampled_from(_CODES),
        is_from_api=st.booleans(),
    ),
    st.builds(
        Fault,
        stage=st.just("streaming"),
        code=st.none() | st.sampled_from(_CODES),
        is_timeout=st.booleans(),
    ),
    st.builds(Fault, stage=st.just("answered"), is_from_api=st.booleans()),
)


@given(_FAULTS)
def test_every_fault_has_a_rule_and_only_what_never_left_or_was_refused_cost_nothing(
    fault: Fault,
) -> None:
    outcome = rule_of(fault).outcome
    assert outcome == "not_bought" or fault.stage != "connecting"
    if outcome == "not_bought":
        assert fault.stage in ("connecting", "refused")
    if outcome == "bought":
        assert fault.stage == "answered"


@given(st.integers(500, 599), st.sampled_from([None, *_CODES[2:]]))
def test_a_page_of_somebody_on_the_way_never_says_that_nothing_was_bought(
    status: int, code: str | None
) -> None:
    fault = Fault(stage="refused", status=status, code=code, is_from_api=False)
    assert rule_of(fault).outcome == "unknown"


def test_no_rule_is_hidden_behind_another() -> None:
    """Each is the first that fits for some fault."""
    faults = [
        Fault(stage="connecting"),
        Fault(stage="waiting"),
        Fault(stage="waiting", is_timeout=True),
        Fault(stage="streaming", code="moderation_blocked"),
        Fault(stage="streaming", code="server_error"),
        Fault(stage="answered", is_from_api=True),
        Fault(stage="answered"),
        Fault(stage="refused", status=400, code="moderation_blocked"),
        Fault(stage="refused", status=429, code="insufficient_quota"),
        Fault(stage="refused", status=429),
        Fault(stage="refused", status=408),
        Fault(stage="refused", status=503, is_from_api=True),
        Fault(stage="refused", status=502),
        Fault(stage="refused", status=401),
    ]
    assert {rule_of(fault).name for fault in faults} == {rule.name for rule in RULES}

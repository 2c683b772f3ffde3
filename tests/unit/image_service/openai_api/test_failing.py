"""Errors in OpenAI's shape, and whether its clients may repeat on their own."""

from __future__ import annotations

import json

import pytest

from image_service import errors
from image_service.openai_api.failing import NotMadeError, RefusedError, error_response
from image_service.problems import KINDS


def _answer(failure: NotMadeError | RefusedError) -> tuple[int, dict[str, object], dict[str, str]]:
    response = error_response(failure)
    body = json.loads(bytes(response.body))
    return response.status_code, body["error"], dict(response.headers)


def test_every_failure_of_a_provider_has_its_own_answer() -> None:
    kinds = {kind.kind for kind in errors.PictureError.__subclasses__()}
    assert kinds <= set(KINDS)


@pytest.mark.parametrize("code", KINDS)
def test_after_money_may_be_spent_no_client_repeats_on_its_own(code: str) -> None:
    for outcome in ("bought", "unknown"):
        failure = NotMadeError(code, outcome="unknown" if outcome == "unknown" else "bought")
        assert _answer(failure)[2]["x-should-retry"] == "false"


def test_what_passes_and_cost_nothing_may_be_repeated_after_the_given_time() -> None:
    status, error, headers = _answer(
        NotMadeError("provider-rate-limited", outcome="not_bought", retry_after_s=12.3)
    )
    assert (status, error["code"], error["type"]) == (503, "provider_rate_limited", "server_error")
    assert (headers["x-should-retry"], headers["retry-after"]) == ("true", "12")


def test_a_wait_of_less_than_a_second_is_one() -> None:
    failure = NotMadeError("queue-full", outcome="not_bought", retry_after_s=0.2)
    assert _answer(failure)[2]["retry-after"] == "1"


@pytest.mark.parametrize(
    ("code", "status", "shown", "kind"),
    [
        ("moderation-blocked", 400, "moderation_blocked", "image_generation_user_error"),
        ("budget-exceeded", 429, "insufficient_quota", "insufficient_quota"),
        ("rate-limited", 429, "rate_limit_exceeded", "requests"),
        ("something new", 500, "internal", "server_error"),
    ],
)
def test_codes_and_types_are_openais_where_it_has_them(
    code: str, status: int, shown: str, kind: str
) -> None:
    found, error, _ = _answer(NotMadeError(code, outcome="not_bought"))
    assert (found, error["code"], error["type"], error["param"]) == (status, shown, kind, None)


def test_a_refusal_names_its_parameter() -> None:
    status, error, headers = _answer(RefusedError("Wrong.", param="size", code="invalid_value"))
    assert status == 400
    assert error == {
        "message": "Wrong.",
        "type": "invalid_request_error",
        "param": "size",
        "code": "invalid_value",
    }
    assert headers["cache-control"] == "no-store"

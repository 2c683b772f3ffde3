"""Every way in which OpenAI can fail, and the one thing that each means.

The same table stands in docs/image-service.md; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from image_service.providers.usage import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault of the fake, and what the provider makes of it.

    Attributes:
        fault: Its name in the fake's table.
        kind: The code of the problem.
        outcome: What became of the money.
        calls: How many requests the fake got in all, repetitions included.
        ways: Which orders meet it: in one piece, as a stream, or both.
    """

    fault: str
    kind: str
    outcome: Outcome
    calls: int = 1
    ways: tuple[str, ...] = ("plain", "stream")


def _free(fault: str, kind: str, calls: int = 1) -> Case:
    return Case(fault=fault, kind=kind, outcome="not_bought", calls=calls)


def _open(fault: str, kind: str, *ways: str) -> Case:
    return Case(fault=fault, kind=kind, outcome="unknown", ways=ways or ("plain", "stream"))


def _paid(fault: str, *ways: str) -> Case:
    return Case(
        fault=fault, kind="provider-bad-answer", outcome="bought", ways=ways or ("plain", "stream")
    )


_UNAVAILABLE = "provider-unavailable"
_LIMITED = "provider-rate-limited"
_TIMEOUT = "provider-timeout"
_BAD = "provider-bad-answer"
_REJECTED = "provider-rejected"

CASES = (
    _free("moderation", "moderation-blocked"),
    _free("quota", "provider-quota"),
    # Repeated twice, because nothing was bought; then the caller decides.
    _free("rate-limit-50ms", _LIMITED, calls=3),
    _free("rate-limit-html", _LIMITED, calls=3),
    _free("rate-limit-nonsense", _LIMITED, calls=3),
    _free("overloaded", _UNAVAILABLE, calls=3),
    # Longer than anybody waits.
    _free("rate-limit-1h", _LIMITED),
    _free("bad-request", _REJECTED),
    _free("bad-key", _REJECTED),
    _free("forbidden", _REJECTED),
    _free("no-model", _REJECTED),
    _free("conflict", _REJECTED),
    _free("redirect", _REJECTED),
    _open("timeout-408", _TIMEOUT),
    _open("error-504", _TIMEOUT),
    _open("hang", _TIMEOUT),
    _open("drip", _TIMEOUT),
    _open("stream-hang", _TIMEOUT, "stream"),
    _open("error-500", _UNAVAILABLE),
    _open("html-502", _UNAVAILABLE),
    _open("html-503", _UNAVAILABLE),
    _open("reset", _UNAVAILABLE),
    _open("closed", _UNAVAILABLE),
    _open("cut-head", _UNAVAILABLE),
    _open("cut-body", _UNAVAILABLE),
    _open("no-http", _UNAVAILABLE),
    _open("stream-error", _UNAVAILABLE, "stream"),
    _open("stream-moderation", "moderation-blocked", "stream"),
    _open("stream-cut", _UNAVAILABLE, "stream"),
    _open("stream-half-event", _UNAVAILABLE, "stream"),
    _open("stream-short", _UNAVAILABLE, "stream"),
    _open("stream-no-json", _BAD, "stream"),
    _open("html-200", _BAD),
    _open("broken-json", _BAD),
    _open("deep-json", _BAD),
    _open("empty-200", _BAD),
    _open("not-an-object", _BAD),
    _open("compressed", _BAD),
    _open("endless", _BAD),
    _paid("no-data"),
    _paid("null-data"),
    _paid("url-instead"),
    _paid("number-instead"),
    _paid("truncated-base64"),
    _paid("no-base64"),
    _paid("not-a-picture"),
    _paid("cut-picture"),
    _paid("gif"),
    _paid("wrong-size"),
    _paid("bomb"),
)

# What happens, in the words of the documentation.
WORDS = {
    "moderation": "400 `moderation_blocked`",
    "quota": "429 `insufficient_quota`",
    "rate-limit-50ms": "429 with `retry-after-ms` or `Retry-After`, up to 10 s",
    "rate-limit-html": "429 with a page instead of an error",
    "rate-limit-nonsense": "429 with a `Retry-After` that says nothing",
    "overloaded": "503 with the API's own error",
    "rate-limit-1h": "429 with a `Retry-After` beyond 10 s or the deadline",
    "bad-request": "400, any other code",
    "bad-key": "401",
    "forbidden": "403",
    "no-model": "404 `model_not_found`",
    "conflict": "409",
    "redirect": "3xx, which is not followed",
    "timeout-408": "408",
    "error-504": "504",
    "hang": "no answer",
    "drip": "an answer in drops",
    "stream-hang": "a stream that falls silent",
    "error-500": "500",
    "html-502": "502 with a page",
    "html-503": "503 with a page",
    "reset": "connection reset",
    "closed": "connection closed without an answer",
    "cut-head": "connection cut within the head",
    "cut-body": "connection cut within the body",
    "no-http": "bytes that are no HTTP",
    "stream-error": "an error event in a stream",
    "stream-moderation": "an error event `moderation_blocked` in a stream",
    "stream-cut": "connection cut within a stream",
    "stream-half-event": "connection cut within an event",
    "stream-short": "a stream that ends without a picture",
    "stream-no-json": "an event that is no JSON",
    "html-200": "200 with a page",
    "broken-json": "200 with JSON that breaks off",
    "deep-json": "200 with JSON of endless depth",
    "empty-200": "200 with nothing",
    "not-an-object": "200 with JSON that is no object",
    "compressed": "200, compressed",
    "endless": "200 without an end",
    "no-data": "200 with an empty list of pictures",
    "null-data": "200 with `null` for the pictures",
    "url-instead": "200 with a `url` instead of the picture",
    "number-instead": "200 with a number for the picture",
    "truncated-base64": "base64 that breaks off",
    "no-base64": "what is no base64",
    "not-a-picture": "base64 of what is no picture",
    "cut-picture": "a picture that breaks off",
    "gif": "a picture in a format that was not ordered (GIF, SVG)",
    "wrong-size": "a picture of other proportions",
    "bomb": "a decompression bomb",
}
_OUTCOMES = {"not_bought": "not bought", "bought": "bought", "unknown": "unknown"}


def documented(case: Case) -> str:
    """The row of a case in docs/image-service.md."""
    again = "twice" if case.calls > 1 else "no"
    return f"| {WORDS[case.fault]} | `{case.kind}` | {_OUTCOMES[case.outcome]} | {again} |"

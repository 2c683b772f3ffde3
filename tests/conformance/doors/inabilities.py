"""What a door cannot do: the one place that says so, in code and, from here, in the docs.

Run as ``python -m tests.conformance.doors.inabilities`` it prints the docs' table, which stands in
``docs/not-supported.md``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tests.conformance.doors.observing import Seen
from tests.conformance.doors.servers import (
    ASGI_DOORS,
    DOORS,
    H11,
    HTTPTOOLS,
    HYPERCORN,
    Door,
)
from tests.conformance.doors.tricks import shown
from tests.conformance.doors.tricks_of_heads import CONTROLS

_STATUS_LINE = re.compile(rb"^(HTTP/1\.1 [0-9]{3}) [^\r\n]*", re.MULTILINE)
_NAME = re.compile(rb"^[^\s:]+:", re.MULTILINE)
_INTERIM = re.compile(rb"HTTP/1\.1 10[1-9][^\r]*\r\n(?:[^\r]+\r\n)*\r\n")
_TRAILERS = re.compile(rb"(\r\n0\r\n)(?:[^\r]+\r\n)+(?=\r\n\Z)")


def _in_any_case(seen: Seen) -> Seen:
    """Blind to the case of field names, in both heads."""
    return replace(
        seen,
        head=_NAME.sub(lambda match: match[0].lower(), seen.head),
        arrives=_NAME.sub(lambda match: match[0].lower(), seen.arrives),
    )


def _without_reasons(seen: Seen) -> Seen:
    return replace(seen, arrives=_STATUS_LINE.sub(rb"\1", seen.arrives))


def _without_interim(seen: Seen) -> Seen:
    return replace(seen, arrives=_INTERIM.sub(b"", seen.arrives))


def _without_trailers(seen: Seen) -> Seen:
    return replace(seen, arrives=_TRAILERS.sub(rb"\1", seen.arrives))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inability:
    """Something that `figueira serve` does and other doors do not."""

    what: str
    instead: str
    fold: Callable[[Seen], Seen] | None = None
    """Makes what is seen equal to what is expected, where nothing but this is lost."""
    shown_by: Mapping[Door, tuple[str, ...]]
    """The doors, and for each the crossings that turn out otherwise: in the one respect that `fold`
    takes away, or, without one, altogether. Or tricks, or a test that shows it."""


def _everywhere(*shown_by: str) -> dict[Door, tuple[str, ...]]:
    return dict.fromkeys(ASGI_DOORS, shown_by)


def _with_h11(*shown_by: str) -> dict[Door, tuple[str, ...]]:
    return dict.fromkeys((H11, HYPERCORN), shown_by)


INABILITIES = (
    Inability(
        what="Upgrade, WebSocket",
        instead="Not passed on: 403 from servers that know WebSocket, plain HTTP from others; "
        "hypercorn itself switches to HTTP/2 where h2c is offered.",
        shown_by={
            HTTPTOOLS: ("test_upgrade.test_a_door_that_does_not_switch_says_so",),
            H11: ("test_upgrade.test_a_door_that_does_not_switch_says_so",),
            HYPERCORN: (
                "an-offer-to-switch-protocols-is-not-taken-up",
                "an-offer-and-more-follows",
            ),
        },
    ),
    Inability(
        what="Trailers",
        instead="Dropped, both ways.",
        fold=_without_trailers,
        shown_by=_everywhere("chunked-answer"),
    ),
    Inability(
        what="Interim answers (102, 103)",
        instead="Dropped: ASGI has no event for them.",
        fold=_without_interim,
        shown_by=_everywhere("early-hints"),
    ),
    Inability(
        what="`Expect: 100-continue` end to end",
        instead="The server gives the go-ahead itself; the backend cannot refuse the upload first.",
        shown_by=_everywhere("a-backend-refuses-an-upload-before-it-is-sent"),
    ),
    Inability(
        what="The reason phrase",
        instead="The server's own words for the status, or none.",
        fold=_without_reasons,
        shown_by=_everywhere("order-duplicates-case-and-reason-of-an-answer"),
    ),
    Inability(
        what="The case of field names",
        instead="Lower case, both ways.",
        fold=_in_any_case,
        shown_by=_everywhere("order-duplicates-and-case-of-request-fields"),
    ),
    Inability(
        what="An answer that breaks off is cut, so that it never looks complete",
        instead="It ends in order: its length or last chunk is missing, but HTTP/1.0 customers, "
        "who get neither, take it for complete.",
        shown_by={
            HTTPTOOLS: ("an-answer-that-breaks-off-is-cut",),
            H11: (
                "an-answer-that-breaks-off-is-cut",
                "an-answer-that-breaks-off-never-looks-complete-to-http-1-0",
            ),
            HYPERCORN: (
                "an-answer-that-breaks-off-is-cut",
                "an-answer-that-breaks-off-never-looks-complete-to-http-1-0",
            ),
        },
    ),
    Inability(
        what="Malformed requests are refused as problem+json",
        instead="The server refuses what it notices in its own words, and no access line tells.",
        shown_by={
            HTTPTOOLS: (
                "a-bare-line-feed-is-refused",
                "a-folded-line-is-refused",
                "two-lengths-are-refused",
            ),
            H11: ("two-hosts-are-refused",),
            HYPERCORN: ("two-hosts-are-refused", "a-head-without-measure-is-refused"),
        },
    ),
    Inability(
        what="Bare line feeds and folded lines are refused",
        instead="h11 mends them; the backend gets a well-formed request.",
        shown_by=_with_h11("a-bare-line-feed-is-refused", "a-folded-line-is-refused"),
    ),
    Inability(
        what="Control characters in field values are refused",
        instead="Passed on, save for CR, LF, NUL, vertical tab and form feed.",
        shown_by=_with_h11(*(f"field-{shown(b'X: y%cz' % value)}" for value in CONTROLS)),
    ),
    Inability(
        what="What comes behind a request spoils nothing but itself",
        instead="httptools: 400 in place of the answer if junk comes in its packet; hypercorn: "
        "if anything comes behind a request that closes.",
        shown_by={
            HTTPTOOLS: ("start-of-junk-behind-a-whole-request",),
            HYPERCORN: (
                "connection-closes-and-more-follows",
                "http-1-0-and-more-follows",
                "http-1-0-that-stays-and-more-follows",
            ),
        },
    ),
    Inability(
        what="A target with a fragment is refused",
        instead="The fragment is dropped.",
        shown_by={HTTPTOOLS: ("a-fragment-is-refused",)},
    ),
    Inability(
        what="A target in absolute form",
        instead="Its host is ignored.",
        shown_by={HTTPTOOLS: ("absolute-form",)},
    ),
    Inability(
        what="A head has 64 KiB and 10 s",
        instead="The server's own limits, if it has any.",
        shown_by={
            HTTPTOOLS: (
                "a-head-without-measure-is-refused",
                "test_inabilities.test_a_head_may_take_for_ever",
            ),
            H11: (
                "a-head-without-measure-is-refused",
                "test_inabilities.test_a_head_may_take_for_ever",
            ),
            HYPERCORN: ("test_inabilities.test_a_head_may_take_for_ever",),
        },
    ),
    Inability(
        what="Few pipelined requests are read ahead",
        instead="All that come in one packet, each with a task or a place in a queue.",
        shown_by={HTTPTOOLS: ("test_inabilities.test_pipelined_requests_pile_up",)},
    ),
    Inability(
        what="The body of a request that offers to switch protocols",
        instead="httptools: lost, and the request hangs; h11: passed on.",
        shown_by=_everywhere("an-offer-with-a-body-keeps-its-body"),
    ),
    Inability(
        what="HTTP/1.0 connections that are kept",
        instead="Closed.",
        shown_by=_everywhere("http-1-0-keep-alive"),
    ),
    Inability(
        what="HTTP/1.0 customers get neither chunks nor interim answers",
        instead="They do.",
        shown_by={
            HTTPTOOLS: (
                "http-1-0-gets-no-chunks",
                "http-1-0-gets-no-interim-answers",
                "an-answer-that-breaks-off-never-looks-complete-to-http-1-0",
            )
        },
    ),
    Inability(
        what="A 304 that says a length leaves its connection open",
        instead="Closed without a word.",
        shown_by={HTTPTOOLS: ("not-modified-may-say-the-length",)},
    ),
    Inability(
        what="The answer to HEAD says of its framing what the backend said",
        instead="httptools leaves `Transfer-Encoding: chunked` out; h11 adds it where there is no "
        "length.",
        shown_by={
            HTTPTOOLS: ("head-of-a-chunked-answer",),
            H11: ("head-of-an-answer-that-ends-with-its-connection",),
            HYPERCORN: ("head-of-an-answer-that-ends-with-its-connection",),
        },
    ),
    Inability(
        what="Empty lines before a request are ignored",
        instead="400.",
        shown_by=_with_h11("an-empty-line-before-the-request"),
    ),
    Inability(
        what="`Proxy-Connection: close` is obeyed",
        instead="The connection stays open.",
        shown_by=_with_h11("a-proxy-s-word-for-close"),
    ),
)


def cannot(door: Door) -> list[Inability]:
    """What this door cannot do."""
    return [inability for inability in INABILITIES if door in inability.shown_by]


def lost(door: Door) -> frozenset[str]:
    """The crossings and tricks that this door loses altogether."""
    return frozenset(
        name
        for inability in cannot(door)
        if inability.fold is None
        for name in inability.shown_by[door]
    )


def fold(door: Door, seen: Seen, *, but: Inability | None = None) -> Seen:
    """Take away the respects in which this door is known to be lossy, all but one perhaps."""
    for inability in cannot(door):
        if inability.fold is not None and inability is not but:
            seen = inability.fold(seen)
    return seen


def render() -> str:
    """The docs' table."""
    lines = [
        "| what | " + " | ".join(door.name for door in DOORS) + " | instead |",
        "|---|" + "---|" * (len(DOORS) + 1),
    ]
    for inability in INABILITIES:
        marks = ["no" if door in inability.shown_by else "yes" for door in DOORS]
        lines.append(f"| {inability.what} | {' | '.join(marks)} | {inability.instead} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())

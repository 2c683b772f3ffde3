"""Which recorded call answers which call of a trial."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.compare.calls import Call, compare_calls
from gateway.parallel_run.passed import Reply, key_of, trace_of
from gateway.parallel_run.pinned import KEPT_S, Book, Forward, Refuse, Replay
from gateway.parallel_run.plan import Ignore, Place, Rules

A, B = "a" * 32, "b" * 32
OLD, NEW = "legacy", "image_service"


def parent(trace: str) -> str:
    """A traceparent of that trace."""
    return f"00-{trace}-00f067aa0ba902b7-01" if trace else ""


def call(prompt: str, **more: object) -> Call:
    """An order for a picture."""
    body = json.dumps({"prompt": prompt, **more}).encode()
    return Call(method="POST", target="/images", content_type=b"application/json", body=body)


def served(book: Book, prompt: str, at_s: float, *, trace: str = "", answer: str = "") -> None:
    """A call of the control that passed."""
    decision = book.asked(OLD, trace, call(prompt), at_s)
    assert isinstance(decision, Forward)
    assert decision.passed is not None
    reply = Reply(status=200, body=(answer or prompt).encode())
    book.answered(decision.passed, reply, at_s + 0.1)


def tried(book: Book, name: str, trace: str, began_s: float, ended_s: float) -> None:
    """A trial up to where its candidate is asked."""
    book.begin(name, parent(trace), OLD, began_s)
    book.end(name, OLD, ended_s)
    book.begin(name, parent(trace), NEW, ended_s + 1)


def test_a_traced_call_gets_the_answer_of_its_own_trial() -> None:
    book = Book()
    served(book, "fig", 10.0, trace=A, answer="one")
    served(book, "fig", 10.0, trace=B, answer="two")
    tried(book, "b", B, 9.9, 10.5)
    tried(book, "a", A, 9.9, 10.5)
    assert book.asked(NEW, A, call("fig"), 12.0) == Replay(reply=Reply(status=200, body=b"one"))
    assert book.asked(NEW, B, call("fig"), 12.0) == Replay(reply=Reply(status=200, body=b"two"))
    assert not book.settle("a").is_ambiguous
    assert not book.settle("b").is_ambiguous


def test_a_call_that_differs_where_a_rule_covers_it_gets_the_answer() -> None:
    """Asked for another size, it does not: that is no rule's business."""
    path = "$[*].body.safety_identifier"
    rule = Ignore(place=Place(json=path), because="only the new side names", until="2099-12-31")
    book = Book()
    served(book, "fig", 10.0, trace=A, answer="one")
    book.begin("a", parent(A), OLD, 9.9, Rules(ignore=(rule,)))
    book.end("a", OLD, 10.5)
    book.begin("a", parent(A), NEW, 11.0)
    other = call("fig", safety_identifier="c1", size="256x256")
    assert isinstance(book.asked(NEW, A, other, 12.0), Refuse)
    named = call("fig", safety_identifier="c1")
    assert book.asked(NEW, A, named, 12.1) == Replay(reply=Reply(status=200, body=b"one"))


def test_an_untraced_call_is_found_by_what_it_asks_within_the_controls_time() -> None:
    book = Book()
    served(book, "fig", 5.0, answer="before")
    served(book, "fig", 10.0, answer="within")
    served(book, "pear", 10.1)
    tried(book, "a", A, 9.9, 10.5)
    decision = book.asked(NEW, "", call("fig"), 12.0)
    assert decision == Replay(reply=Reply(status=200, body=b"within"))
    settled = book.settle("a")
    assert settled.control == settled.candidate == (call("fig"),)
    assert not settled.is_ambiguous


def test_where_two_trials_fit_both_are_ambiguous() -> None:
    book = Book()
    served(book, "fig", 10.0, answer="one")
    served(book, "fig", 10.1, answer="two")
    tried(book, "a", A, 9.9, 10.5)
    tried(book, "b", B, 9.9, 10.6)
    assert isinstance(book.asked(NEW, "", call("fig"), 12.0), Replay)
    assert book.settle("a").is_ambiguous
    assert book.settle("b").is_ambiguous


def test_an_untraced_call_that_nobody_made_may_be_a_customers_and_passes() -> None:
    book = Book()
    served(book, "fig", 10.0)
    tried(book, "a", A, 9.9, 10.5)
    assert isinstance(book.asked(NEW, "", call("pear"), 12.0), Forward)
    assert book.settle("a").candidate == ()


def test_a_call_of_another_trace_is_another_exchange() -> None:
    book = Book()
    served(book, "fig", 10.0, trace=A)
    tried(book, "a", A, 9.9, 10.5)
    assert isinstance(book.asked(NEW, B, call("fig"), 12.0), Forward)


def test_a_refused_call_that_is_repeated_is_one_call() -> None:
    book = Book()
    served(book, "fig", 10.0, trace=A)
    tried(book, "a", A, 9.9, 10.5)
    assert [book.asked(NEW, A, call("pear"), 12.0) for _ in range(3)] == [Refuse()] * 3
    assert book.end("a", NEW, 13.0) == (call("pear"),)


def test_unmatched_calls_pass_within_their_budget() -> None:
    book = Book(most_passed_per_day=1)
    served(book, "fig", 10.0, trace=A)
    tried(book, "a", A, 9.9, 10.5)
    assert book.asked(NEW, A, call("pear"), 12.0) == Forward(passed=None)
    assert book.asked(NEW, A, call("plum"), 12.0) == Refuse()


def test_an_untraced_control_explains_what_a_traced_candidate_asked_instead() -> None:
    book = Book()
    served(book, "fig", 10.0)
    tried(book, "a", A, 9.9, 10.5)
    assert book.asked(NEW, A, call("fig", size="96x96"), 12.0) == Refuse()
    settled = book.settle("a")
    found = compare_calls(settled.control, settled.candidate, Rules(), {}).mismatches
    assert [each.place for each in found] == ["call:$[*].body.size"]


def test_what_was_not_kept_makes_its_time_ambiguous() -> None:
    book = Book()
    book.lost(OLD, 10.0)
    tried(book, "a", A, 9.9, 10.5)
    assert book.settle("a").is_ambiguous


def test_a_call_under_way_at_the_exchanges_end_makes_it_ambiguous() -> None:
    book = Book()
    book.passing(OLD, A, call("fig"), 10.0)
    tried(book, "a", A, 9.9, 10.5)
    assert book.settle("a").is_ambiguous


def test_a_late_call_is_answered_from_the_record_and_forgotten_after_a_while() -> None:
    book = Book()
    served(book, "fig", 10.0, trace=A)
    tried(book, "a", A, 9.9, 10.5)
    book.end("a", NEW, 12.0)
    assert isinstance(book.asked(NEW, A, call("fig"), 13.0), Replay)
    book.expire(13.1 + KEPT_S)
    assert book.kept_bytes == 0
    assert not book.concerns(NEW, A)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (b'{"a":1,"b":2}', b'{ "b": 2, "a": 1 }', True),
        (b'{"a":1}', b'{"a":1.0}', False),
        (b"", b"{}", False),
    ],
)
def test_json_is_the_same_however_it_is_written(one: bytes, other: bytes, is_same: bool) -> None:
    keys = [key_of(Call(method="POST", target="/x", body=body)) for body in (one, other)]
    assert (keys[0] == keys[1]) is is_same


def test_multipart_is_the_same_whatever_its_boundary() -> None:
    def edit(boundary: bytes) -> Call:
        part = b'Content-Disposition: form-data; name="prompt"\r\n\r\nfig\r\n'
        return Call(
            method="POST",
            target="/images/edits",
            content_type=b"multipart/form-data; boundary=" + boundary,
            body=b"--%b\r\n%b--%b--\r\n" % (boundary, part, boundary),
        )

    assert key_of(edit(b"one")) == key_of(edit(b"other"))


@pytest.mark.parametrize(
    ("value", "trace"),
    [(parent(A), A), ("", ""), ("00-zz-1-1", ""), (f"00-{A.upper()}-1-1", "")],
)
def test_a_traceparent_that_is_malformed_names_no_trace(value: str, trace: str) -> None:
    assert trace_of(value) == trace


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([OLD, NEW]),
        st.sampled_from(["", A, B]),
        st.sampled_from(["fig", "pear"]),
        st.booleans(),
    ),
    max_size=30,
)


@given(EVENTS, st.integers(0, 400))
def test_no_call_gets_an_answer_to_another_one_and_memory_is_bounded(
    events: list[tuple[str, str, str, bool]], most_bytes: int
) -> None:
    book = Book(most_bytes=most_bytes)
    for number, (side, trace, prompt, opens) in enumerate(events):
        at_s = float(number)
        if opens:
            tried(book, f"t{number}", trace or A, at_s - 3, at_s - 1)
        decision = book.asked(side, trace, call(prompt), at_s)
        if isinstance(decision, Replay):
            assert decision.reply.body == prompt.encode()
            assert side == NEW
        elif isinstance(decision, Forward) and decision.passed is not None:
            book.answered(decision.passed, Reply(status=200, body=prompt.encode()), at_s)
        else:
            assert trace
        assert 0 <= book.kept_bytes <= max(most_bytes, 0)

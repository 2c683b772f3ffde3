"""Redaction hides what values say, and keeps which are equal."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gateway.parallel_run.example_making import example_of
from gateway.parallel_run.examples import read_example, write_example
from gateway.parallel_run.plan import Kept
from gateway.parallel_run.redacted_body import redacted_body
from gateway.parallel_run.redaction import WORDS, Redactor
from gateway.whatif.tokens import Tokens
from tests.support.trials import MISMATCHED, observation, result

TOKEN = Tokens(b"k" * 32).token
REDACTOR = Redactor(TOKEN)
NAMES = st.sampled_from(["name", "email", "items", "total", "ana@shop.example", "55119998877"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.uuids().map(str)
    | st.emails()
    | st.datetimes().map(lambda at: at.isoformat() + "Z")
)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


@given(LEAVES, LEAVES)
def test_equal_values_stay_equal_and_others_different(one: object, other: object) -> None:
    ours, theirs = REDACTOR.json(one), REDACTOR.json(other)
    assert REDACTOR.json(one) == ours
    if type(one) is type(other) and isinstance(one, str):
        assert (ours == theirs) == (one == other)


@given(DOCUMENTS)
def test_the_shape_of_a_document_stays(document: object) -> None:
    redacted = REDACTOR.json(document)
    before, after = list(_leaves(document)), list(_leaves(redacted))
    assert len(before) == len(after)
    assert [type(each) for each in before] == [type(each) for each in after]
    assert json.loads(json.dumps(redacted)) == redacted


@given(st.text(min_size=5, max_size=60))
def test_no_text_is_to_be_read_but_the_words_of_formats(value: str) -> None:
    redacted = REDACTOR.text(value)
    is_number = value.lstrip("+-").replace(".", "", 1).isdecimal()
    if value.lower() not in WORDS and not is_number:
        assert value not in redacted


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""),
        ("pending", "pending"),
        ("12.50", "12.50"),
        ("ana@shop.example", "<mail "),
        ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "<uuid "),
        ("2026-11-23T10:00:00.123Z", "<timestamp "),
        ("Mon, 23 Nov 2026 10:00:00 GMT", "<timestamp "),
        ("https://shop.example/images/7?key=hunter2", "https://<host "),
        ("Ana Souza", "<text 9 "),
    ],
)
def test_the_kind_of_a_value_is_to_be_seen(value: str, shown: str) -> None:
    redacted = REDACTOR.text(value)
    assert redacted.startswith(shown)
    assert "hunter2" not in redacted
    assert redacted == value or "shop.example" not in redacted


def test_of_a_moment_the_form_stays() -> None:
    assert REDACTOR.text("2026-11-23T10:00:00.123Z").endswith(" 0000-00-00T00:00:00.000Z>")


@pytest.mark.parametrize("number", [0, 7, -12, 9999, 12.5, 1999.99])
def test_small_numbers_stay(number: float) -> None:
    assert REDACTOR.json(number) == number


@pytest.mark.parametrize("number", [5511999887766, -(10**12), 12345, -23.5505199])
def test_long_numbers_keep_their_length_alone(number: float) -> None:
    redacted = REDACTOR.json(number)
    assert redacted != number
    assert len(repr(redacted)) == len(repr(number))
    assert REDACTOR.text(repr(number)) == repr(redacted), "the same in a path and in a document"


def test_an_id_is_the_same_in_the_target_and_in_the_body() -> None:
    target = REDACTOR.target(b"/images/1000000001/file?owner=ana%40shop.example&size=512")
    document = REDACTOR.json({"id": 1000000001, "owner": "ana@shop.example"})
    assert isinstance(document, dict)
    assert target == f"/images/{document['id']}/file?owner={document['owner']}&size=512"


def test_another_key_makes_other_tokens() -> None:
    other = Redactor(Tokens(b"l" * 32).token)
    assert other.text("Ana Souza") != REDACTOR.text("Ana Souza")


def test_what_is_declared_plain_stays() -> None:
    redactor = Redactor(TOKEN, frozenset({"prompt", "x-tenant"}))
    assert redactor.json({"Prompt": "a fig tree", "user": "ana"}) != {"Prompt": "a fig tree"}
    assert redactor.json({"prompt": ["a fig tree", 123456]}) == {"prompt": ["a fig tree", 123456]}
    assert redactor.headers([(b"X-Tenant", b"north")]) == [("X-Tenant", "north")]


def test_credentials_and_cookies_are_tokens_of_which_the_names_stay() -> None:
    fields = [
        (b"Authorization", b"Bearer hunter2hunter2"),
        (b"Cookie", b"session=hunter2; theme=hunter2"),
        (b"Set-Cookie", b"session=hunter2; Path=/; HttpOnly"),
        (b"X-Api-Key", b"hunter2"),
        (b"Content-Type", b"application/json"),
    ]
    redacted = REDACTOR.headers(fields)
    assert "hunter2" not in str(redacted)
    assert redacted[4] == ("Content-Type", "application/json")
    session = redacted[1][1].partition("; ")[0]
    assert redacted[2][1] == f"{session}; Path=/; HttpOnly", "the same value, the same token"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"application/json", b'{"user": {"mail": "ana@shop.example"}}'),
        (b"application/json", b"ana@shop.example {"),
        (b"text/html; charset=utf-8", b'<p class="x" title="ana@shop.example">ana@shop.example'),
        (b"text/html", b"<script>ana@shop.example</script><!-- ana@shop.example -->"),
        (b"text/html", b"<ana@shop.example x=1><p ana@shop.example='1'></ana@shop.example>"),
        (b"text/html", b"<!doctype ana@shop.example><?ana@shop.example?><p title=ana@shop.example"),
        (b"text/plain", b"Dear ana@shop.example,\nhello"),
        (b"application/x-www-form-urlencoded", b"mail=ana%40shop.example&ana%40shop.example=1"),
        (b"text/event-stream", b'event: ana@shop.example\ndata: {"m":"ana@shop.example"}\n\n'),
        (b"text/event-stream", b"data: ana@shop.example\n: ana@shop.example\n"),
        (b"application/octet-stream", b"ana@shop.example"),
        (b"multipart/form-data; boundary=x", b"--x\r\n\r\nana@shop.example"),
        (b"image/png", b"ana@shop.example"),
        (b"", b'"ana@shop.example"'),
    ],
)
def test_no_body_shows_what_it_holds(kind: bytes, body: bytes) -> None:
    kept = redacted_body(body, ((b"Content-Type", kind),), REDACTOR, keep_pictures=False)
    assert "ana@" not in msgspec.json.encode(kept).decode()
    assert kept.bytes == len(body)
    assert kept.token == TOKEN(body)


@given(st.binary(max_size=300), st.sampled_from([b"application/json", b"text/html", b"image/png"]))
def test_no_body_whatever_it_holds_is_too_much(body: bytes, kind: bytes) -> None:
    for coding in (b"", b"gzip"):
        headers = ((b"Content-Type", kind), (b"Content-Encoding", coding))
        kept = redacted_body(body, headers, REDACTOR, keep_pictures=True)
        assert kept.bytes == len(body)


def test_deep_and_long_documents_are_cut() -> None:
    deep = b"[" * 500 + b"1" + b"]" * 500
    kept = redacted_body(
        deep, ((b"content-type", b"application/json"),), REDACTOR, keep_pictures=False
    )
    assert "<deeper>" in kept.text
    long = json.dumps(list(range(1000))).encode()
    kept = redacted_body(
        long, ((b"content-type", b"application/json"),), REDACTOR, keep_pictures=False
    )
    assert "<950 more items>" in kept.text


@pytest.mark.parametrize(
    ("kind", "piece"),
    [
        (b"text/html", b"<a b=c>"),
        (b"text/plain", b"a b\n"),
        (b"application/x-www-form-urlencoded", b"a=b&"),
        (b"text/event-stream", b"data: a\n"),
    ],
)
def test_of_a_long_text_no_more_is_read_than_could_be_shown(kind: bytes, piece: bytes) -> None:
    read = 0

    def token(value: bytes) -> str:
        nonlocal read
        read += len(value)
        return TOKEN(value)

    body = piece * (1024 * 1024 // len(piece))
    kept = redacted_body(body, ((b"Content-Type", kind),), Redactor(token), keep_pictures=False)
    assert kept.is_cut
    assert kept.text
    assert read - len(body) < 128 * 1024


def _png(side: int) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(written, "PNG")
    return written.getvalue()


def test_of_a_picture_a_small_preview_is_kept_unless_more_is_declared() -> None:
    headers = ((b"content-type", b"image/png"),)
    small = redacted_body(_png(512), headers, REDACTOR, keep_pictures=False).picture
    whole = redacted_body(_png(512), headers, REDACTOR, keep_pictures=True).picture
    assert small is not None
    assert whole is not None
    assert (small.format, small.width, small.height, small.mode) == ("PNG", 512, 512, "RGB")
    assert Image.open(io.BytesIO(msgspec.json.decode(f'"{small.data}"', type=bytes))).width == 160
    assert (small.is_whole, whole.is_whole) == (False, True)
    assert msgspec.json.decode(f'"{whole.data}"', type=bytes) == _png(512)


def test_an_example_is_written_and_read_back_and_names_nobody() -> None:
    sides = ({"owner": "ana@shop.example", "n": 1}, {"owner": "bea@shop.example", "n": 1})
    trial = result(MISMATCHED, places=["json:$.owner"], sides=sides)
    example = example_of(trial, "json:$.owner", Kept(), TOKEN)
    text = write_example(example)
    assert read_example(text) == example
    assert "shop.example" not in text
    assert example.control is not None
    assert example.candidate is not None
    assert example.control.body != example.candidate.body
    assert example.control.status == 200


def test_a_candidate_without_an_answer_says_how_it_failed() -> None:
    failed = observation("image_service")
    failed = type(failed)(
        backend="image_service", began_at_s=0.0, duration_s=1.0, failure="connect:refused:upstream"
    )
    trial = result(MISMATCHED)
    trial = type(trial)(
        **{name: getattr(trial, name) for name in trial.__slots__} | {"candidate": failed}
    )
    example = example_of(trial, "failure:connect", Kept(), TOKEN)
    assert example.candidate is not None
    assert (example.candidate.failure, example.candidate.status) == (
        "connect:refused:upstream",
        None,
    )


@pytest.mark.parametrize(
    ("place", "value", "shown"),
    [
        ("status", "404", "404"),
        ("image:size", "512 x 512", "512 x 512"),
        ("header:content-type", "text/html", "text/html"),
        ("json:$.items[*].price", "12.5", "12.5"),
        ("json:$.ok", "true", "true"),
        ("json:$.name", "Ana", "<text 3 "),
        ("json:$.user", '{"name": "Ana"}', '{"name":"<text 3 '),
        ("header:location", "/images/1000000001", "/images/"),
    ],
)
def test_differences_show_values_as_bodies_do(place: str, value: str, shown: str) -> None:
    assert REDACTOR.shown(value, place).startswith(shown)
    assert "Ana" not in REDACTOR.shown(value, place)


def test_a_long_word_that_is_all_of_a_query_is_a_value() -> None:
    word = "sk-live-abcdefghijklmnopqrs"
    assert word not in REDACTOR.target(f"/reset?{word}".encode())
    assert REDACTOR.target(b"/images?download").endswith("?download=")


def test_a_cookie_s_path_and_domain_name_nobody() -> None:
    line = (b"Set-Cookie", b"sid=1; Path=/conta/ana@shop.example; Domain=ana.shop.example; Secure")
    ((_, value),) = REDACTOR.headers([line])
    assert "ana" not in value
    assert "Path=/conta/<mail " in value
    assert value.endswith("; Secure")

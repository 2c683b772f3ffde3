"""Other bodies: forms, events, codings, binaries."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.answers import Sides, compare
from gateway.parallel_run.compare.coding import MOST_BYTES
from gateway.parallel_run.plan import Ignore, Place, Rules
from tests.unit.gateway.parallel_run.compare.laying import JSON, answer, lay, places

FORM, EVENTS = b"application/x-www-form-urlencoded", b"text/event-stream"


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        (b"a=1&b=2", b"b=2&a=1", []),
        (b"a=%C3%A3+b", b"a=\xc3\xa3%20b", []),
        (b"a=1", b"a=2", ["form:$.a[*] value"]),
        (b"a=1&b=", b"a=1", ["form:$.b missing"]),
        (b"a=1&a=2", b"a=2&a=1", ["form:$.a order"]),
    ],
)
def test_forms_are_compared_by_their_fields(
    control: bytes, candidate: bytes, found: list[str]
) -> None:
    assert places(lay(answer(control, FORM), answer(candidate, FORM))) == found


def _parts(boundary: bytes, *parts: tuple[bytes, bytes]) -> bytes:
    lines = []
    for disposition, content in parts:
        lines += [b"--" + boundary, b"Content-Disposition: form-data; " + disposition, b"", content]
    return b"\r\n".join([*lines, b"--" + boundary + b"--", b""])


def test_forms_in_parts_are_compared_without_their_boundary() -> None:
    parts = ((b'name="prompt"', b"uma figueira"), (b'name="image"; filename="a.png"', b"\x89PNG"))
    control = answer(_parts(b"one", *parts), b"multipart/form-data; boundary=one")
    candidate = answer(_parts(b"two", *parts), b'multipart/form-data; boundary="two"')
    assert lay(control, candidate).became is TrialClass.MATCHED


def test_a_part_that_differs_is_named() -> None:
    large = b"x" * 5000
    control = _parts(b"one", (b'name="prompt"', b"a"), (b'name="image"; filename="a"', large))
    candidate = _parts(
        b"one", (b'name="prompt"', b"b"), (b'name="image"; filename="a"', large + b"y")
    )
    kind = b"multipart/form-data; boundary=one"
    assert places(lay(answer(control, kind), answer(candidate, kind))) == [
        "form:$.prompt[*].content value",
        "form:$.image[*].sha256 value",
        "form:$.image[*].bytes value",
    ]


def test_a_form_that_is_not_in_parts_is_compared_as_bytes() -> None:
    kind = b"multipart/form-data"
    assert places(lay(answer(b"aa", kind), answer(b"bb", kind))) == ["body value"]


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        (b"data: 1\n\n: heartbeat\n\n", b"data:1\r\n\r\n", []),
        (
            b'event: a\ndata: {"p": 1}\n\n',
            b'event: a\ndata: {"p": 2}\n\n',
            ["sse:$[*].data.p value"],
        ),
        (b"data: a\ndata: b\n\n", b"data: a\n\ndata: b\n\n", ["sse:$ length"]),
        (b"event: a\ndata: 1\n\n", b"event: b\ndata: 1\n\n", ["sse:$[*].event value"]),
        (b"data: 1\n\ndata: cut", b"data: 1\n\n", []),
    ],
)
def test_events_are_compared_one_by_one(control: bytes, candidate: bytes, found: list[str]) -> None:
    assert places(lay(answer(control, EVENTS), answer(candidate, EVENTS))) == found


def test_rules_reach_into_events() -> None:
    rules = Rules(
        ignore=(Ignore(place=Place(json="$[*].data.at"), because="clocks", until="2027-01-01"),)
    )
    sides = [answer(b'data: {"at": %d}\n\n' % at, EVENTS) for at in (1, 2)]
    assert lay(sides[0], sides[1], rules).became is TrialClass.IGNORED


@pytest.mark.parametrize(
    ("coding", "code"),
    [
        (b"gzip", gzip.compress),
        (b"X-GZIP", gzip.compress),
        (b"deflate", zlib.compress),
        (b"deflate", lambda body: zlib.compress(body, wbits=-15)),
        (b"identity", lambda body: body),
        (b"deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
    ],
)
def test_content_codings_are_undone(coding: bytes, code: object) -> None:
    assert callable(code)
    candidate = answer(code(b'{"a":1}'), JSON, (b"Content-Encoding", coding))
    assert lay(answer(b'{"a": 1}'), candidate).became is TrialClass.MATCHED


@pytest.mark.parametrize(
    ("coding", "body"),
    [(b"gzip", b"no"), (b"gzip", gzip.compress(b"x" * 999)[:-9]), (b"zip", b"x")],
    ids=["no gzip", "gzip cut short", "unknown coding"],
)
def test_a_candidate_s_body_that_cannot_be_decoded_is_a_difference(
    coding: bytes, body: bytes
) -> None:
    candidate = answer(body, JSON, (b"Content-Encoding", coding))
    assert places(lay(answer(b"{}"), candidate)) == ["body unreadable"]


def test_a_control_s_body_that_cannot_be_decoded_cannot_be_compared() -> None:
    control = answer(b"x", JSON, (b"Content-Encoding", b"zip"))
    comparison = lay(control, answer(b"{}"))
    assert comparison.became is TrialClass.COMPARE_FAILED
    assert comparison.fault == "content coding 'zip' is not known"


GZIP = (b"Content-Encoding", b"gzip")


@pytest.mark.parametrize(
    "behind",
    [gzip.compress(b"1"), b"junk", gzip.compress(b"") * 200],
    ids=["member", "junk", "many"],
)
def test_what_stands_behind_a_compressed_body_is_a_difference(behind: bytes) -> None:
    """Readers take several members for one body; the first alone is not all that customers get."""
    packed = gzip.compress(b"{}")
    assert places(lay(answer(packed, JSON, GZIP), answer(packed + behind, JSON, GZIP))) == [
        "body unreadable"
    ]


@pytest.mark.parametrize(
    ("accepts", "found"),
    [
        (b"gzip, br", []),
        (b"GZIP;q=0.5", []),
        (b"*", []),
        (b"", ["header:content-encoding extra"]),
        (b"identity", ["header:content-encoding extra"]),
        (b"br, gzip; q=0", ["header:content-encoding extra"]),
    ],
)
def test_a_coding_that_the_customer_cannot_undo_is_a_difference(
    accepts: bytes, found: list[str]
) -> None:
    """The content is the same, and the customer sees garbage."""
    control, candidate = answer(b"{}"), answer(gzip.compress(b"{}"), JSON, GZIP)
    sides = Sides(
        control=control,
        candidate=candidate,
        control_status=200,
        candidate_status=200,
        accepts=accepts,
    )
    assert places(compare(sides, Rules())) == found


def test_members_of_a_compressed_body_are_one() -> None:
    control = gzip.compress(b'{"a":') + gzip.compress(b"1}")
    assert places(lay(answer(b'{"a":1}'), answer(control, JSON, GZIP))) == []


def test_a_body_that_is_not_of_its_coding_is_a_difference() -> None:
    """Browsers refuse zlib's format where gzip is said."""
    candidate = answer(zlib.compress(b"{}"), JSON, GZIP)
    assert places(lay(answer(b"{}"), candidate)) == ["body unreadable"]


LENIENT = [
    b'\xef\xbb\xbf{"a":"\xc3\xa3"}',
    '{"a":"ã"}'.encode("utf-16"),
    '{"a":"ã"}'.encode("utf-32-le"),
    '{"a":"ã"}'.encode("latin-1"),
    b'{"a":NaN}',
]


@pytest.mark.parametrize("candidate", LENIENT)
def test_json_that_only_lenient_readers_take_is_a_difference(candidate: bytes) -> None:
    """Whatever a rule says of values in it: customers who could read the control's cannot now."""
    ignore = Ignore(place=Place(json="$.a"), because="any", until="2099-12-31")
    control = '{"a":"ã"}'.encode()
    found = places(lay(answer(control), answer(candidate), Rules(ignore=(ignore,))))
    assert found == ["body unreadable"]


def test_json_that_has_always_been_for_lenient_readers_goes_on_being_compared() -> None:
    assert places(lay(answer(b'{"a":NaN,"b":1}'), answer(b'{"a":NaN,"b":2}'))) == ["json:$.b value"]


def test_text_in_an_event_is_no_json_text() -> None:
    """A page that parses the data of events fails without the quotes."""
    control, candidate = answer(b'data: "x"\n\n', EVENTS), answer(b"data: x\n\n", EVENTS)
    assert places(lay(control, candidate)) == ["sse:$[*].data value"]


def test_a_charset_that_is_no_name_is_read_as_bytes() -> None:
    kind = b"text/plain; charset=a\x00b"
    assert places(lay(answer(b"x", kind), answer(b"y", kind))) == ["text:line value"]


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * (MOST_BYTES + 1))
    comparison = lay(answer(b"{}"), answer(bomb, JSON, (b"Content-Encoding", b"gzip")))
    assert places(comparison) == ["body unreadable"]
    assert "grows beyond" in comparison.mismatches[0].candidate


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [(b"ab", b"ab", []), (b"ab", b"ac", ["body value"]), (b"ab", b"a", ["body:bytes length"])],
)
def test_binaries_are_compared_by_length_and_hash(
    control: bytes, candidate: bytes, found: list[str]
) -> None:
    kind = b"application/octet-stream"
    assert places(lay(answer(control, kind), answer(candidate, kind))) == found


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        (b"application/json", b"Application/JSON", []),
        (b"application/json", b"application/json; charset=utf-8", ["header:content-type value"]),
        (b"multipart/form-data; boundary=a", b"multipart/form-data; boundary=b", []),
    ],
)
def test_content_types_are_compared_without_chance(
    control: bytes, candidate: bytes, found: list[str]
) -> None:
    assert places(lay(answer(b"", control), answer(b"", candidate))) == found


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        ([b"session=a; Path=/; HttpOnly"], [b"session=b; httponly; path=/"], []),
        ([b"session=a; HttpOnly"], [b"session=b"], ["header:set-cookie value"]),
        ([b"session=a"], [b"session="], ["header:set-cookie value"]),
        ([b"session=a"], [], ["header:set-cookie missing"]),
        ([b"a=1", b"b=2"], [b"b=3", b"a=4"], []),
        ([b"a=1; Expires=Mon, 23 Nov 2026 10:00:00 GMT"], [b"a=1; expires=later"], []),
    ],
)
def test_cookies_are_compared_by_name_and_attributes_and_never_shown(
    control: list[bytes], candidate: list[bytes], found: list[str]
) -> None:
    sides = [
        answer(b"{}", JSON, *((b"Set-Cookie", line) for line in lines))
        for lines in (control, candidate)
    ]
    comparison = lay(sides[0], sides[1])
    assert places(comparison) == found
    assert all("=a" not in each.control for each in comparison.mismatches)


def test_headers_that_nobody_declared_do_not_matter() -> None:
    control = answer(b"{}", JSON, (b"Server", b"Werkzeug"), (b"Date", b"today"))
    assert lay(control, answer(b"{}")).became is TrialClass.MATCHED


@pytest.mark.parametrize(
    "kind", [JSON, FORM, EVENTS, b"image/png", b"multipart/form-data; boundary=x", b"", b";;"]
)
@given(
    control=st.binary(max_size=40),
    candidate=st.binary(max_size=40),
    coding=st.sampled_from([b"", b"gzip", b"deflate"]),
)
def test_no_bytes_break_it(kind: bytes, control: bytes, candidate: bytes, coding: bytes) -> None:
    more = ((b"Content-Encoding", coding),) if coding else ()
    comparison = lay(answer(control, kind, *more), answer(candidate, kind))
    assert comparison.became in {
        TrialClass.MATCHED,
        TrialClass.MISMATCHED,
        TrialClass.COMPARE_FAILED,
    }

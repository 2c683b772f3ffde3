"""Every way a path may be read: found without failing, and few enough to look at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.path import MAX_READINGS, readings

_PLAIN = [
    b"/",
    b"/images",
    b"/images/",
    b"/images/7/thumb.png",
    b"/a.b/c-d_e~f",
    b"/a:b@c!$&'()*+,=d",
    b"/...",
    b"/a..b/..c",
    b"/.well-known/x",
    b"*",
]


@pytest.mark.parametrize("path", _PLAIN, ids=bytes.decode)
def test_a_plain_path_has_one_reading_itself(path: bytes) -> None:
    assert readings(path) == (path,)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(b"/im%61ges", b"/images", id="unreserved-decoded"),
        pytest.param(b"/a%7eb%2Dc", b"/a~b-c", id="unreserved-decoded-any-case"),
        pytest.param(b"/caf%c3%a9", b"/caf%C3%A9", id="escapes-in-upper-case"),
        pytest.param(b"/caf\xc3\xa9", b"/caf%C3%A9", id="raw-bytes-escaped"),
        pytest.param(b'/"<a>"|^', b"/%22%3Ca%3E%22%7C%5E", id="what-should-have-been-escaped"),
        pytest.param(b"/a%20b", b"/a%20b", id="space-stays-escaped"),
        pytest.param(b"/100%25", b"/100%25", id="percent-stays-escaped"),
        pytest.param(b"/a%252Fb", b"/a%252Fb", id="no-second-decoding"),
    ],
)
def test_harmless_escapes_have_one_canonical_reading(path: bytes, expected: bytes) -> None:
    assert readings(path) == (expected,)


@pytest.mark.parametrize(
    ("path", "standard", "other"),
    [
        pytest.param(b"/images/../products", b"/products", b"/images/../products", id="dots"),
        pytest.param(b"/images/%2e%2E/x", b"/x", b"/images/../x", id="escaped-dots"),
        pytest.param(b"/images/./7", b"/images/7", b"/images/./7", id="one-dot"),
        pytest.param(b"/images/..", b"/", b"/images/..", id="dots-at-the-end"),
        pytest.param(b"/../../x", b"/x", b"/../../x", id="above-the-root"),
        pytest.param(b"/a//b", b"/a//b", b"/a/b", id="empty-segment"),
        pytest.param(b"//host/x", b"//host/x", b"/host/x", id="empty-first-segment"),
        pytest.param(b"/images%2f7", b"/images%2F7", b"/images/7", id="escaped-slash"),
        pytest.param(b"/images\\7", b"/images%5C7", b"/images/7", id="backslash"),
        pytest.param(b"/images%5c7", b"/images%5C7", b"/images/7", id="escaped-backslash"),
        pytest.param(b"/images;v=1/7", b"/images;v=1/7", b"/images/7", id="parameter"),
        pytest.param(b"/images%3Bv=1/7", b"/images%3Bv=1/7", b"/images/7", id="escaped-parameter"),
        pytest.param(b"/images/..;/x", b"/images/..;/x", b"/x", id="dots-behind-a-parameter"),
        pytest.param(b"/a%3Ab%40c", b"/a%3Ab%40c", b"/a:b@c", id="reserved"),
        pytest.param(b"/a/..%2f..%2fx", b"/a/..%2F..%2Fx", b"/x", id="dots-between-escapes"),
        # The next ones need two habits that some readers have and others have not.
        pytest.param(
            b"/a/1\\b%2F..%2F..%2Fx", b"/a/1%5Cb%2F..%2F..%2Fx", b"/x", id="slash-not-backslash"
        ),
        pytest.param(b"/a/b%2Fc\\..\\..\\x", b"/a/b%2Fc%5C..%5C..%5Cx", b"/x", id="url-of-whatwg"),
        pytest.param(
            b"/a/b;c%2Fd/..%2F..%2Fx",
            b"/a/b;c%2Fd/..%2F..%2Fx",
            b"/x",
            id="parameters-before-slashes",
        ),
        pytest.param(
            b"/p%2Fq/x%2Fy/../z%2Fw", b"/p%2Fq/z%2Fw", b"/p/q/z/w", id="dots-before-slashes"
        ),
    ],
)
def test_a_suspect_path_has_the_standards_reading_first_and_the_dangerous_one(
    path: bytes, standard: bytes, other: bytes
) -> None:
    found = readings(path)
    assert found is not None
    assert found[0] == standard
    assert other in found


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(b"/%", id="percent-alone"),
        pytest.param(b"/%2", id="half-an-escape"),
        pytest.param(b"/%zz", id="no-hexadecimal"),
        pytest.param(b"/%%32F", id="escape-in-an-escape"),
        pytest.param(b"/%00", id="nul"),
        pytest.param(b"/a%0d%0ab", id="line-break"),
        pytest.param(b"/%1F", id="control-character"),
        pytest.param(b"/%7f", id="delete"),
        pytest.param(b"/a\x00b", id="raw-nul"),
        pytest.param(b"/a b", id="raw-space"),
        pytest.param(b"/a#b", id="fragment"),
        pytest.param(b"/a?b", id="query"),
    ],
)
def test_what_no_two_readers_need_agree_on_has_no_reading(path: bytes) -> None:
    assert readings(path) is None


_PARTS = rb"/ // a B . .. %2e %2F %5c \ ; %3B %3a ;x=1 %25 %41 images 7".split()
_HOSTILE = st.lists(st.sampled_from([*_PARTS, b"\xc3\xa9", b'"']), max_size=12).map(
    lambda parts: b"/" + b"".join(parts)
)


@given(st.binary(max_size=60) | _HOSTILE)
@settings(max_examples=150)
def test_no_bytes_make_it_fail_and_there_are_never_too_many(path: bytes) -> None:
    found = readings(path)
    assert found is None or 1 <= len(found) <= MAX_READINGS
    assert found is None or len(set(found)) == len(found)


@given(_HOSTILE)
@settings(max_examples=75)
def test_reading_a_reading_finds_nothing_new(path: bytes) -> None:
    """So there is no chain of readers, each with habits of its own, that could see another path."""
    found = readings(path) or ()
    for reading in found:
        again = readings(reading)
        assert again is not None
        assert set(again) <= set(found)


@given(_HOSTILE)
@settings(max_examples=50)
def test_the_standards_reading_is_its_own(path: bytes) -> None:
    found = readings(path)
    if found is not None:
        again = readings(found[0])
        assert again is not None
        assert again[0] == found[0]


@given(_HOSTILE)
@settings(max_examples=50)
def test_every_reading_is_canonical(path: bytes) -> None:
    for reading in readings(path) or ():
        assert reading.startswith(b"/")
        assert not set(reading) - set(b"/%" + _SEGMENT)


_SEGMENT = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"


@pytest.mark.parametrize(
    "unit",
    [b"/..", b"//", b"/.", b"/;", b";a", b"%2F", b"\\..", b"/a/..;%2F", b"%41", b"\xff", b"/a"],
    ids=repr,
)
def test_a_path_of_64_kib_has_few_readings_however_hostile(unit: bytes) -> None:
    path = b"/" + unit * (64 * 1024 // len(unit))
    found = readings(path)
    assert found is None or len(found) <= MAX_READINGS


def test_a_path_that_meets_every_habit_many_times_over_is_refused() -> None:
    unit = b"/%3A;x/a%2Fb/../c%5C..//d;y/..;%2F.%2F"
    assert readings(unit * 20) is None

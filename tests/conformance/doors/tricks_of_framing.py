"""Tricks with the body's length: Content-Length, Transfer-Encoding, and chunks."""

from __future__ import annotations

from itertools import product

from tests.conformance.doors.tricks import (
    CHUNKED,
    ENDED,
    OPENLY,
    POST,
    SMUGGLED,
    Asked,
    Trick,
    passed,
    post,
    refused,
    shown,
)

_HIDDEN = ENDED + SMUGGLED
"""Read by its length it is one body; read as chunks it ends at once, and a request follows."""
_LENGTH = b"Content-Length: %d\r\n" % len(_HIDDEN)
_SMUGGLED_LENGTH = b"%d" % len(SMUGGLED)
_STRAY_BYTES = [
    bytes((value,))
    for value in b"\x00\x01\x08\t\n\x0b\x0c\r\x1b\x1f \"',;=\x7f\x80\x85\xa0\xe3\xff"
]
"""Control characters, white space of other alphabets, and what ends a word somewhere."""
_PLACES = {
    "before-the-name": b"%bName: value",
    "before-the-colon": b"Name%b: value",
    "behind-the-colon": b"Name:%bvalue",
    "behind-the-value": b"Name: value%b",
}
_LEGAL_SPACE = {
    (place, byte) for place in ("behind-the-colon", "behind-the-value") for byte in (b" ", b"\t")
}
_LEGAL_NAME = {("before-the-name", b"'"), ("before-the-colon", b"'")}
"""An apostrophe may be part of a name: then it is another name."""


def _line(place: str, byte: bytes, name: bytes, value: bytes) -> bytes:
    stray = _PLACES[place] % byte
    return stray.replace(b"Name", name).replace(b"value", value) + b"\r\n"


def _disguised_coding(place: str, byte: bytes) -> Trick:
    """Both lengths, the coding disguised: some see it, some do not."""
    line = _line(place, byte, b"Transfer-Encoding", b"chunked")
    name = f"coding-{shown(byte)}-{place}-and-a-length"
    sent = POST + _LENGTH + line + b"\r\n" + _HIDDEN
    return (
        passed(name, sent, post(_HIDDEN)) if (place, byte) in _LEGAL_NAME else refused(name, sent)
    )


def _disguised_length(place: str, byte: bytes) -> Trick:
    """One length, disguised: whoever does not see it finds a request in the body."""
    line = _line(place, byte, b"Content-Length", _SMUGGLED_LENGTH)
    name = f"length-{shown(byte)}-{place}"
    sent = POST + line + b"\r\n" + SMUGGLED
    if (place, byte) in _LEGAL_SPACE:
        return passed(name, sent, post(SMUGGLED))
    if (place, byte) in _LEGAL_NAME:
        return passed(name, sent, post(), OPENLY)
    return refused(name, sent)


DISGUISES = [
    disguise(place, byte)
    for disguise, place, byte in product(
        (_disguised_coding, _disguised_length), _PLACES, _STRAY_BYTES
    )
]


def _coded(value: bytes, *, fields: bytes = b"") -> bytes:
    return POST + fields + b"Transfer-Encoding: " + value + b"\r\n\r\n" + _HIDDEN


_CODINGS = [
    b"",
    b"x",
    b"Chunke",
    b"chunkedd",
    b"chunked,",
    b",chunked",
    b"chunked, identity",
    b"identity, chunked",
    b"gzip",
    b"gzip, chunked",
    b"chunked, chunked",
    b"chunked, gzip, chunked",
    b"chunked;",
    b"chunked;q=1",
    b"chunked; boundary=x",
    b'"chunked"',
    b"[chunked]",
    b"chun ked",
    b"chunked chunked",
    b"c\xc5\xabnked",
    b"chun\xe2\x80\x8bked",
    b"\xef\xbb\xbfchunked",
    b"chunked\xc2\xa0",
    b"\xe2\x80\x83chunked",
    b"cow",
    b"deflate",
    b"null",
    b"chunked\r\n , gzip",
    b"\r\n chunked",
    b"\r\n\tchunked",
]
CODINGS = [
    *(refused(f"coding-{shown(value)}", _coded(value)) for value in _CODINGS),
    *(
        refused(f"coding-{shown(value)}-and-a-length", _coded(value, fields=_LENGTH))
        for value in [*_CODINGS, b"chunked", b"CHUNKED"]
    ),
    passed("coding-in-capitals", _coded(b"CHUNKED"), post(), OPENLY),
    passed("coding-behind-much-space", _coded(b"  \t  chunked"), post(), OPENLY),
    refused(
        "two-codings-the-first-unknown",
        POST + b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n" + _HIDDEN,
    ),
    refused(
        "two-codings-of-different-case",
        POST + b"Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n" + _HIDDEN,
    ),
    refused(
        "coding-before-and-behind-a-length",
        POST
        + b"Transfer-Encoding: chunked\r\n"
        + _LENGTH
        + b"Transfer-Encoding: x\r\n\r\n"
        + _HIDDEN,
    ),
    refused(
        "coding-behind-a-null-byte-and-a-length",
        POST + _LENGTH + b"X: \x00\r\nTransfer-Encoding: chunked\r\n\r\n" + _HIDDEN,
    ),
    refused(
        "coding-behind-a-bare-carriage-return-and-a-length",
        POST + _LENGTH + b"X: y\rTransfer-Encoding: chunked\r\n\r\n" + _HIDDEN,
    ),
    refused(
        "coding-behind-a-bare-line-feed-and-a-length",
        POST + _LENGTH + b"X: y\nTransfer-Encoding: chunked\r\n\r\n" + _HIDDEN,
    ),
    refused(
        "coding-behind-a-folded-line-and-a-length",
        POST + _LENGTH + b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n" + _HIDDEN,
    ),
    passed(
        "coding-with-an-underscore-and-a-length",
        POST + _LENGTH + b"Transfer_Encoding: chunked\r\n\r\n" + _HIDDEN,
        post(_HIDDEN),
    ),
    passed(
        "coding-of-contents-and-a-length",
        POST + _LENGTH + b"Content-Encoding: chunked\r\nTE: chunked\r\n\r\n" + _HIDDEN,
        post(_HIDDEN),
    ),
    passed(
        "coding-with-another-name-and-a-length",
        POST + _LENGTH + b"X-Transfer-Encoding: chunked\r\n\r\n" + _HIDDEN,
        post(_HIDDEN),
    ),
    passed(
        "length-with-an-underscore-and-a-coding",
        POST + b"Content_Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n" + _HIDDEN,
        post(),
        OPENLY,
    ),
    passed(
        "coding-that-connection-would-strip",
        POST + b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n" + _HIDDEN,
        post(),
        OPENLY,
    ),
    passed(
        "length-that-connection-would-strip",
        POST + b"Connection: Content-Length\r\n" + _LENGTH + b"\r\n" + _HIDDEN,
        post(_HIDDEN),
    ),
    refused(
        "coding-in-http-1-0",
        b"POST /open HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
        + _HIDDEN,
    ),
    refused(
        "coding-in-http-1-0-and-a-length",
        b"POST /open HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + _LENGTH + b"\r\n" + _HIDDEN,
    ),
]

_LENGTHS = [
    b"",
    b"+%b",
    b"-%b",
    b"0x26",
    b"%b;",
    b"%b,",
    b",%b",
    b"%b, %b",
    b"%b,0",
    b"0,%b",
    b"%b 0",
    b"0 %b",
    b"%b.0",
    b"%be0",
    b"3_8",
    b"3 8",
    b'"%b"',
    b"%b\xc2\xa0",
    b"\xef\xbc\x93\xef\xbc\x98",
    b"\xd9\xa3\xd9\xa8",
    b"%b\x00",
    b"%b\r\n 0",
    b"\r\n %b",
    b"18446744073709551654",
    b"00000000000000000000%b",
    b"nan",
    b"0b100110",
    b"0o46",
]
LENGTHS = [
    *(
        refused(
            f"length-{shown(value)}",
            POST
            + b"Content-Length: "
            + value.replace(b"%b", _SMUGGLED_LENGTH)
            + b"\r\n\r\n"
            + SMUGGLED,
        )
        for value in _LENGTHS
    ),
    passed(
        "length-with-a-zero-before-it",
        POST + b"Content-Length: 0" + _SMUGGLED_LENGTH + b"\r\n\r\n" + SMUGGLED,
        post(SMUGGLED),
    ),
    *(
        refused(
            f"lengths-{shown(first)}-and-{shown(name)}-{shown(second)}",
            POST + b"Content-Length: %b\r\n%b: %b\r\n\r\n" % (first, name, second) + SMUGGLED,
        )
        for first, name, second in [
            (b"0", b"Content-Length", _SMUGGLED_LENGTH),
            (_SMUGGLED_LENGTH, b"Content-Length", b"0"),
            (_SMUGGLED_LENGTH, b"content-length", _SMUGGLED_LENGTH),
            (_SMUGGLED_LENGTH, b"CONTENT-LENGTH", b"0" + _SMUGGLED_LENGTH),
            (_SMUGGLED_LENGTH, b"Content-Length ", b"1"),
            (_SMUGGLED_LENGTH, b" Content-Length", b"1"),
            (_SMUGGLED_LENGTH, b"Content-Length", b""),
            (_SMUGGLED_LENGTH, b"Content-Length", b"x"),
        ]
    ),
    *(
        passed(
            f"{method.decode().lower()}-with-a-length",
            b"%b /open HTTP/1.1\r\nHost: shop\r\nContent-Length: %b\r\n\r\n%b"
            % (method, _SMUGGLED_LENGTH, SMUGGLED),
            (method, b"/open", SMUGGLED),
        )
        for method in (b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"PUT", b"PATCH")
    ),
    *(
        passed(
            f"{method.decode().lower()}-with-chunks",
            CHUNKED.replace(b"POST", method) + b"26\r\n" + SMUGGLED + b"\r\n" + ENDED,
            (method, b"/open", SMUGGLED),
        )
        for method in (b"GET", b"HEAD", b"OPTIONS", b"DELETE")
    ),
    passed(
        "length-behind-an-expectation",
        POST + b"Expect: 100-continue\r\n" + _LENGTH + b"\r\n" + _HIDDEN,
        post(_HIDDEN),
    ),
    passed(
        "no-length-behind-an-expectation",
        POST + b"Expect: 100-continue\r\n\r\n" + SMUGGLED,
        post(),
        OPENLY,
    ),
    passed(
        "length-behind-an-offer-to-switch",
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + _LENGTH + b"\r\n" + _HIDDEN,
        post(_HIDDEN),
    ),
    Trick(
        "length-too-short",
        POST + b"Content-Length: 3\r\n\r\nabcdef" + SMUGGLED,
        (post(b"abc"),),
        refused=501,
    ),
]


def _chunk(name: str, body: bytes, *reaches: Asked) -> Trick:
    sent = CHUNKED + body + SMUGGLED
    if reaches:
        return passed(f"chunk-{name}", sent, *reaches)
    return refused(f"chunk-{name}", sent)


_SIZE_LINES = [
    b"5;",
    b'5;a="',
    b'5;a="\x00"',
    b"5;a=\x01",
    b"5;\x00",
    b"5;\xff",
    b"5 ;a",
    b"5\t;a",
    b"5; a",
    b"5;a =b",
    b"5;a=b c",
    b"5,a",
    b"5=a",
    b"5:a",
    b"5\x0b",
    b"5\x0c",
    b"5\x00",
    b"\x005",
    b"\x0b5",
    b"5h",
    b"5L",
    b"5.",
    b"-0",
    b"+5",
    b"0x5",
    b"\\x5",
    b"#5",
    b"5 5",
    b"5\r",
    b"5\r\r",
    b"\n5",
    b"\r5",
    b"\xef\xbc\x95",
    b"\xd9\xa5",
    b"5\xc2\xa0",
    b"10000000000000005",
    b"fffffffffffffffff",
]
CHUNKS = [
    *(_chunk(f"size-{shown(line)}", line + b"\r\nhello\r\n" + ENDED) for line in _SIZE_LINES),
    _chunk("size-with-an-extension", b"5;a\r\nhello\r\n" + ENDED, post(b"hello"), OPENLY),
    _chunk("size-with-a-value", b"5;a=b;c=d\r\nhello\r\n" + ENDED, post(b"hello"), OPENLY),
    _chunk("size-with-a-quote", b'5;a="b;c"\r\nhello\r\n' + ENDED, post(b"hello"), OPENLY),
    _chunk(
        "size-with-a-nameless-extension",
        b"5;;a\r\nhello\r\n" + ENDED,
        post(b"hello"),
        OPENLY,
    ),
    _chunk(
        "size-with-a-valueless-extension",
        b"5;a=\r\nhello\r\n" + ENDED,
        post(b"hello"),
        OPENLY,
    ),
    _chunk("size-with-zeros", b"0000000000000005\r\nhello\r\n" + ENDED, post(b"hello"), OPENLY),
    _chunk("end-with-zeros", b"5\r\nhello\r\n0000\r\n\r\n", post(b"hello"), OPENLY),
    _chunk("end-with-an-extension", b"5\r\nhello\r\n0;a=b\r\n\r\n", post(b"hello"), OPENLY),
    _chunk("end-and-empty-lines", b"5\r\nhello\r\n" + ENDED + b"\r\n\r\n", post(b"hello"), OPENLY),
    _chunk("with-a-request-in-it", b"26\r\n" + SMUGGLED + b"\r\n" + ENDED, post(SMUGGLED), OPENLY),
    _chunk("without-its-line-end", b"5\r\nhello" + ENDED),
    _chunk("with-a-bare-line-feed-behind", b"5\r\nhello\n" + ENDED),
    _chunk("with-a-bare-carriage-return-behind", b"5\r\nhello\r" + ENDED),
    _chunk("with-two-carriage-returns-behind", b"5\r\nhello\r\r\n" + ENDED),
    _chunk("with-two-bytes-in-place-of-its-line-end", b"5\r\nhelloXX" + ENDED),
    _chunk("with-junk-before-its-line-end", b"5\r\nhelloX\r\n" + ENDED),
    _chunk("with-a-bare-line-feed-in-its-extension", b"5;\nhello\r\n" + ENDED),
    _chunk("with-a-line-end-in-its-quote", b'5;a="\r\nhello\r\n"\r\n' + ENDED),
    _chunk("end-with-a-bare-line-feed", b"5\r\nhello\r\n0\n\r\n"),
    _chunk("end-with-two-bare-line-feeds", b"5\r\nhello\r\n0\n\n"),
    _chunk("end-with-a-bare-line-feed-for-its-last", b"5\r\nhello\r\n0\r\n\n"),
    _chunk("end-with-a-bare-carriage-return", b"5\r\nhello\r\n0\r\n\rX"),
    _chunk("end-without-its-line-end", b"5\r\nhello\r\n0\r\n"),
    _chunk("end-with-a-folded-trailer", b"0\r\nX: y\r\n z\r\n\r\n"),
    _chunk("end-with-a-trailer-and-a-space", b"0\r\nX : y\r\n\r\n"),
    _chunk("end-with-a-trailer-and-no-colon", b"0\r\nX\r\n\r\n"),
    _chunk("end-with-a-trailer-and-a-bare-line-feed", b"0\r\nX: y\n\r\n"),
    _chunk("end-with-a-length-as-a-trailer", b"0\r\nContent-Length: 44\r\n\r\n"),
    _chunk("end-with-a-coding-as-a-trailer", b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    _chunk("end-with-a-host-as-a-trailer", b"0\r\nHost: evil\r\n\r\n", post(), OPENLY),
    _chunk("end-with-a-close-as-a-trailer", b"0\r\nKeep-Alive: 5\r\n\r\n", post(), OPENLY),
]
TRICKS_OF_FRAMING = [*DISGUISES, *CODINGS, *LENGTHS, *CHUNKS]

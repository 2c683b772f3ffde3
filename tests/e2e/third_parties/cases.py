"""What every client is made to do, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.e2e.third_parties.asks import Ask, Framing, Skill, Upload
from tests.support.content import MIB

LARGE_UPLOAD_BYTES = 64 * MIB
LARGE_DOWNLOAD_BYTES = 256 * MIB
_ECHO = Ask(path="/echo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Some requests, one after the other, by one customer.

    Attributes:
        statuses: What each must end with; 0 for an answer that the client must not take for one.
        skills: What a client must be able to do.
        not_for: Clients that have no such thing.
        keeps: Whether one connection must do for all.
        lost: Clients that see a difference which is a fault of the gateway, and which one.
    """

    name: str
    asks: tuple[Ask, ...]
    statuses: tuple[int, ...]
    skills: frozenset[Skill] = frozenset()
    not_for: frozenset[str] = frozenset()
    keeps: bool = False
    lost: Mapping[str, str] = field(default_factory=dict)


def _case(
    name: str, *asks: Ask, statuses: tuple[int, ...] | None = None, keeps: bool = False
) -> Case:
    return Case(name=name, asks=asks, statuses=statuses or (200,) * len(asks), keeps=keeps)


def _methods() -> list[Case]:
    bodies = [("POST", 5), ("PUT", 70_000), ("PATCH", 1), ("DELETE", 3)]
    target = "/echo/a%2Fb/..;/%c3%a3?x=1&y=%20&x=2"
    plain = [
        _case(method, Ask(method=method, path=target))
        for method in ("GET", "HEAD", "OPTIONS", "DELETE")
    ]
    return plain + [
        _case(
            f"{method} with a body of {framing.value}",
            Ask(
                method=method,
                path="/echo?q",
                upload=Upload(size_bytes=size, framing=framing),
            ),
        )
        for method, size in bodies
        for framing in Framing
    ]


def _sizes() -> list[Case]:
    large = Upload(size_bytes=LARGE_UPLOAD_BYTES)
    return [
        _case(
            f"64 MiB up, {framing.value}",
            Ask(
                method="POST",
                path="/echo",
                upload=Upload(size_bytes=LARGE_UPLOAD_BYTES, framing=framing),
            ),
        )
        for framing in Framing
    ] + [
        _case("256 MiB down", Ask(path=f"/bytes/{LARGE_DOWNLOAD_BYTES}")),
        _case("32 MiB down in chunks of all sizes", Ask(path=f"/chunked/{32 * MIB}")),
        _case(
            "an upload refused with 413 before it is read",
            Ask(method="POST", path="/too-large", upload=large),
            _ECHO,
            statuses=(413, 200),
        ),
    ]


def _ranges() -> list[Case]:
    def part(wanted: str) -> Ask:
        return Ask(path=f"/bytes/{3 * MIB}", headers=(("Range", f"bytes={wanted}"),))

    return [
        _case(
            "ranges",
            part("0-99"),
            part("1048000-2097999"),
            part("3145000-"),
            part("-7"),
            part("9999999-"),
            statuses=(206, 206, 206, 206, 416),
        ),
        _case("HEAD of a large file", Ask(method="HEAD", path=f"/bytes/{LARGE_DOWNLOAD_BYTES}")),
    ]


def _shapes() -> list[Case]:
    return [
        _case("reason phrases", Ask(path="/status/299/All+(nearly)+fine"), statuses=(299,)),
        _case("no reason phrase", Ask(path="/status/200/-")),
        _case("404", Ask(path="/status/404/Not+Found"), statuses=(404,)),
        _case("503", Ask(path="/status/503/Busy"), statuses=(503,)),
        _case(
            "answers without a body on one connection",
            Ask(path="/status/204/No+Content"),
            Ask(path="/status/304/Not+Modified", headers=(("If-None-Match", '"7"'),)),
            Ask(method="HEAD", path="/status/200/OK"),
            _ECHO,
            statuses=(204, 304, 200, 200),
            keeps=True,
        ),
        Case(
            name="HEAD of an answer in chunks",
            asks=(Ask(method="HEAD", path="/chunked/5"), _ECHO),
            statuses=(200, 200),
            keeps=True,
        ),
        _case("gzip", Ask(path="/gzip", headers=(("Accept-Encoding", "gzip"),))),
        _case("a body that ends with the connection", Ask(path="/closing/1.1/300000"), _ECHO),
        _case("a backend of HTTP/1.0", Ask(path="/closing/1.0/300000"), _ECHO),
        _case("an empty body that ends with the connection", Ask(path="/closing/1.0/0")),
        _case("chunks", Ask(path="/chunked/70000"), Ask(path="/chunked/0")),
        Case(
            name="interim answers",
            asks=(Ask(path="/hints"), _ECHO),
            statuses=(200, 200),
            # http.client, beneath it, takes the first of them for the answer.
            not_for=frozenset({"requests"}),
        ),
        _case("ten requests", *[_ECHO] * 10, keeps=True),
        _case(
            "fields repeated, empty, odd",
            Ask(
                path="/echo",
                headers=(
                    ("X-MiXeD", "1"),
                    ("X-Long", "v" * 7000),
                    ("X-Quoted", 'a "b, c"; d=1'),
                    ("Authorization", "Basic dTpw"),
                    ("Origin", "null"),
                    ("Referer", "http://elsewhere.test/?a=%20"),
                ),
            ),
        ),
    ]


def _memory() -> list[Case]:
    return [
        Case(
            name="cookies",
            asks=(Ask(path="/cookies"), _ECHO, _ECHO),
            statuses=(200, 200, 200),
            not_for=frozenset({"node"}),
        ),
        *(
            Case(
                name=f"redirects {code}",
                asks=(Ask(path=f"/redirect/{code}/4", follow=True),),
                statuses=(200,),
                not_for=frozenset({"node"}),
            )
            for code in (301, 302, 303, 307, 308)
        ),
        _case("a redirect not followed", Ask(path="/redirect/302/1"), statuses=(302,)),
        Case(
            name="a POST that is redirected by 307 before it is sent",
            asks=(
                Ask(
                    method="POST", path="/redirect/307/2", upload=Upload(size_bytes=9), follow=True
                ),
            ),
            statuses=(200,),
            # The others cannot begin a body anew that has been read from a stream.
            not_for=frozenset({"node", "requests", "httpx", "aiohttp"}),
        ),
    ]


def _expecting() -> list[Case]:
    expect = (("Expect", "100-continue"),)
    upload = Upload(size_bytes=2 * MIB)
    skills = frozenset({Skill.EXPECT})
    return [
        Case(
            name="100-continue",
            asks=(Ask(method="PUT", path="/echo", headers=expect, upload=upload), _ECHO),
            statuses=(200, 200),
            skills=skills,
        ),
        Case(
            name="417 instead of 100-continue",
            asks=(Ask(method="PUT", path="/unexpected", headers=expect, upload=upload),),
            statuses=(417,),
            skills=skills,
            # It answers a 417 by asking again without Expect, and says so on the way only.
            not_for=frozenset({"curl"}),
        ),
    ]


def _broken() -> list[Case]:
    return [
        _case(f"broken off: {how}", Ask(path=f"/broken/{how}"), statuses=(0,))
        for how in ("length", "chunk", "last-chunk", "reset")
    ]


CASES = [
    *_methods(),
    *_sizes(),
    *_ranges(),
    *_shapes(),
    *_memory(),
    *_expecting(),
    *_broken(),
]

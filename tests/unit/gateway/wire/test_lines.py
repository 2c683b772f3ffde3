"""Lines are judged once, as long as there are not too many, and personal ones each time."""

from __future__ import annotations

from gateway.wire.lines import Lines


def _counted() -> tuple[Lines[bytes], list[bytes]]:
    judged: list[bytes] = []

    def judge(name: bytes, value: bytes) -> bytes:
        judged.append(name)
        return value

    return Lines(judge, b"odd"), judged


def test_a_line_seen_before_is_not_judged_again() -> None:
    lines, judged = _counted()
    assert [lines[b"A: b"], lines[b"A: b"], lines[b"A: c"]] == [b"b", b"b", b"c"]
    assert judged == [b"A", b"A"]


def test_a_line_written_oddly_is_not_judged_at_all() -> None:
    lines, judged = _counted()
    assert [lines[b"A:b"], lines[b"A : b"], lines[b""]] == [b"odd"] * 3
    assert judged == []


def test_secrets_and_long_lines_are_not_kept() -> None:
    lines, _ = _counted()
    for line in (b"Cookie: a", b"AUTHORIZATION: b", b"set-cookie: c", b"A: " + b"x" * 200):
        assert lines[line]
    assert len(lines) == 0


def test_a_flood_of_lines_fills_no_memory() -> None:
    lines, _ = _counted()
    for number in range(10_000):
        assert lines[b"A: %d" % number] == b"%d" % number
    assert len(lines) <= 2048

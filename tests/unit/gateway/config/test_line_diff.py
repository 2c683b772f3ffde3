"""A difference as lines: what `diff -u` prints, and in bounded time."""

from __future__ import annotations

import difflib
import time

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.line_diff import changed_lines, line_diff

texts = st.lists(st.sampled_from("abcde"), max_size=30).map(lambda lines: "\n".join([*lines, ""]))


def test_one_line_that_changes_is_shown_with_its_surroundings() -> None:
    old = b"".join(b"%d\n" % n for n in range(1, 10))
    diff = line_diff(old, old.replace(b"5\n", b"five\nV\n"))
    assert diff == ["@@ -2,7 +2,8 @@", " 2", " 3", " 4", "-5", "+five", "+V", " 6", " 7", " 8"]
    assert changed_lines(diff) == (2, 1)
    assert line_diff(old, old) == []


def test_bytes_that_are_no_text_are_shown_all_the_same() -> None:
    assert line_diff(b"\xff\r\n", b"x\r") == ["@@ -1 +1 @@", "-\ufffd", "+x"]


@given(texts, texts)
def test_a_difference_leads_from_one_text_to_the_other(old: str, new: str) -> None:
    """Taken as a patch without context, and shown as the standard library shows its own."""
    diff = line_diff(old.encode(), new.encode(), context=40)
    kept = [line[1:] for line in diff if line[0] in " -"]
    made = [line[1:] for line in diff if line[0] in " +"]
    assert (kept, made) == ((old.splitlines(), new.splitlines()) if diff else ([], []))
    headers = [line for line in line_diff(old.encode(), new.encode()) if line.startswith("@@")]
    theirs = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="")
    # Among lines that are alike, the standard library's may move further than it has to.
    is_plain = all(len(set(text)) == len(text) for text in (old.split(), new.split()))
    pairs = zip(old, new, strict=False)
    if is_plain and len(old) == len(new) and sum(a != b for a, b in pairs) == 1:
        assert headers == [line for line in theirs if line.startswith("@@")]


def test_two_large_files_that_have_nothing_in_common_take_no_time() -> None:
    old = "".join(f"a{n}\n" for n in range(20_000)).encode()
    began_s = time.process_time()
    diff = line_diff(old, old.replace(b"a", b"b"))
    assert changed_lines(diff) == (20_000, 20_000)
    assert time.process_time() - began_s < 1


def test_lines_that_changed_where_they_stand_are_shown_one_by_one_in_no_time() -> None:
    """A hundred routes whose weights are turned round: a flip waits for this."""
    route = "- name: r{}\n  match: x\n  split: {{a: {}, b: rest}}\n  sticky: [y]\n"
    old, new = ("".join(route.format(n, w) for n in range(99)).encode() for w in (0, 100))
    began_s = time.process_time()
    diffs = [line_diff(old, new, context=0) for _ in range(10)]
    assert time.process_time() - began_s < 0.1
    diff = diffs[0]
    assert changed_lines(diff) == (99, 99)
    assert sum(line.startswith("@@") for line in diff) == 99


def test_a_line_that_moved_is_shown_as_moved() -> None:
    old = b"a\nb\nc\nd\ne\n"
    assert changed_lines(line_diff(old, b"b\nc\nd\ne\na\n")) == (1, 1)

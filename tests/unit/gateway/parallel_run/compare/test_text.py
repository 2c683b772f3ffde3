"""Text and pages, without what nobody sees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.classes import TrialClass
from tests.unit.gateway.parallel_run.compare.laying import answer, lay, places

HTML = b"text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        ("a\r\nb\n", "a\nb  \n\n", []),
        ("a\nb", "a\nc", ["text:line value"]),
        ("a\nb", "a", ["text:lines length"]),
        ("a\nb", "x", ["text:line value", "text:lines length"]),
    ],
)
def test_text_is_compared_line_by_line(control: str, candidate: str, found: list[str]) -> None:
    sides = [answer(each.encode(), b"text/plain") for each in (control, candidate)]
    assert places(lay(sides[0], sides[1])) == found


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        ("<p>a  b\n c</p>", "<p> a b c</p>", []),
        ('<a href="/x" class="y">k</a>', "<a class='y' HREF=/x>k</a>", []),
        ("<p>&ccedil;&atilde;o</p>", "<p>ção</p>", []),
        ("<p>a<!-- 7 --></p>", "<p>a</p>", []),
        ("<p>a</p>", "<p>b</p>", ["html:/p/text() value"]),
        ("<pre>a  b</pre>", "<pre>a b</pre>", ["html:/pre/text() value"]),
        ('<img src="/1">', '<img src="/2">', ["html:/img/@src value"]),
        ('<img src="/1" alt="x">', '<img src="/1">', ["html:/img/@alt missing"]),
        (
            "<ul><li>1</ul>",
            "<ul><li>1<li>2</ul>",
            ["html:/ul/li/li extra", "html:/ul/li/li/text() extra"],
        ),
        ("<p>a</p><b>c</b>", "<b>c</b><p>a</p>", ["html:/p order"]),
        ("<br/><p>a</p>", "<br><p>a</p>", []),
        ("</p></div><p>a", "<p>a", []),
    ],
)
def test_pages_are_compared_by_what_they_say(
    control: str, candidate: str, found: list[str]
) -> None:
    sides = [answer(each.encode(), HTML) for each in (control, candidate)]
    assert places(lay(sides[0], sides[1])) == found


@pytest.mark.parametrize(
    "content_type",
    [
        HTML,
        b"text/plain",
        b"text/html; charset=utf-16",
        b"text/plain; charset=nonsense",
        b"text/plain; charset=idna",
    ],
)
@given(control=st.binary(max_size=60), candidate=st.binary(max_size=60))
def test_no_bytes_break_it(content_type: bytes, control: bytes, candidate: bytes) -> None:
    comparison = lay(answer(control, content_type), answer(candidate, content_type))
    assert comparison.became in {TrialClass.MATCHED, TrialClass.MISMATCHED}


@pytest.mark.parametrize(
    "page", ["<![if x]><p>", "<!doctype", "<![CDATA[", "<!x", "<p " * 500, "<a" * 3000]
)
def test_markup_that_is_broken_is_compared_all_the_same(page: str) -> None:
    sides = [answer((page + each).encode(), HTML) for each in ("one", "two")]
    assert lay(sides[0], sides[0]).became is TrialClass.MATCHED
    assert lay(sides[0], sides[1]).became in {TrialClass.MATCHED, TrialClass.MISMATCHED}


def test_deep_pages_cost_no_more_than_wide_ones() -> None:
    page = "<b>" * 20_000
    sides = [answer((page + each).encode(), HTML) for each in ("one", "two")]
    assert lay(sides[0], sides[1]).became is TrialClass.MISMATCHED


def test_a_page_that_says_more_than_anybody_reads_is_compared_as_text() -> None:
    """Its elements are not gathered: their paths would take a hundred times its size."""
    page = b"<a b=c>" * 50_000
    assert places(lay(answer(b"<p>x</p>", HTML), answer(page, HTML))) == ["text:line value"]
    assert places(lay(answer(page, HTML), answer(page + b"\nx", HTML))) == ["text:lines length"]


def test_a_page_of_tags_that_never_end_is_text() -> None:
    """The parser would read to its end once for each of them."""
    bomb = "<a " * 200_000
    found = lay(answer(b"<p>a</p>", HTML), answer(bomb.encode(), HTML))
    assert places(found) == ["text:line value"]

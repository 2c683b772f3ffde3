"""What is read as JSON, and how everything else is refused."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import image_service
from image_service.json_text import SENTENCES, Fault, JsonError, read_json, read_strict_json

_DEEP = 100_000
_ROWS: list[tuple[bytes, Fault, Fault | None]] = [
    # The body, how it is refused strictly, and how as the monolith reads it.
    (b"", "not-json", "not-json"),
    (b"{", "not-json", "not-json"),
    (b"\xff", "not-json", "not-json"),
    (b"[" * _DEEP, "too-deep", "too-deep"),
    (b'{"a":' * _DEEP, "too-deep", "too-deep"),
    (b"[" * _DEEP + b"]" * _DEEP, "too-deep", "too-deep"),
    (b"1" * 5000, "not-json", "not-json"),
    (b'{"n": -' + b"9" * 5000 + b"}", "not-json", "not-json"),
    (b'{"a": 1, "a": 2}', "repeated-name", None),
    (b'[{"b": {"a": 1, "a": 1}}]', "repeated-name", None),
    (b'{"n": NaN}', "not-finite", None),
    (b"[-Infinity]", "not-finite", None),
    (b'"\\ud800"', "not-text", None),
    (b'["\\udc00\\ud800"]', "not-text", None),
    (b'{"\\udfff": 1}', "not-text", None),
    (b'"\xed\xa0\x80"', "not-text", None),
]


@pytest.mark.parametrize(("body", "strictly", "leniently"), _ROWS)
def test_what_is_refused_says_why_in_a_sentence_of_ours(
    body: bytes, strictly: Fault, leniently: Fault | None
) -> None:
    with pytest.raises(JsonError) as refusal:
        read_strict_json(body)
    assert (refusal.value.fault, str(refusal.value)) == (strictly, SENTENCES[strictly])
    if leniently is None:
        read_json(body)
        return
    with pytest.raises(JsonError) as refusal:
        read_json(body)
    assert refusal.value.fault == leniently


@pytest.mark.parametrize("body", [b'"\\ud83c\\udf3f"', '{"a": "ã", "b": [1e9]}'.encode()])
def test_what_is_json_is_read_alike_in_both_manners(body: bytes) -> None:
    assert read_strict_json(body) == read_json(body) == json.loads(body)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0dNaIn1e9').map(str.encode))
def test_nothing_else_is_ever_raised(body: bytes) -> None:
    for read in (read_json, read_strict_json):
        with suppress(JsonError):
            read(body)


def test_nobody_else_reads_json_that_comes_from_outside() -> None:
    """What the service has written itself may be read without all that."""
    own = {"jobs/wording.py", "openai_api/making.py", "openapi/document.py", "json_text.py"}
    package = Path(image_service.__file__).parent
    readers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bjson\.loads?\(|\.json\(\)", path.read_text())
    }
    assert {each for each in readers if not each.startswith("migrations/")} == own

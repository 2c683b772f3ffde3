"""Whether a copy holds what an answer was made of."""

from __future__ import annotations

import pytest

from gateway.parallel_run.replication import Standing, Watermark, read_watermark, standing

NOW_S = 1_800_000_000.0
ONLY_ID = Watermark(last_id=7)
NO_MOMENT = Watermark(last_id=7, tells_moments=True)
A_MOMENT = Watermark(last_id=7, as_of_s=1.5, tells_moments=True)


def as_of(ago_s: float) -> Watermark:
    """A backfill that had read everything so long ago, and is complete up to image 7."""
    return Watermark(last_id=7, as_of_s=NOW_S - ago_s)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id": 7}', ONLY_ID),
        (b'{"id": "7"}', ONLY_ID),
        (b'{"id": 0, "as_of": null}', Watermark(last_id=0, tells_moments=True)),
        (b'{"id": 7, "as_of": "1970-01-01T00:00:01.500Z"}', A_MOMENT),
        (b'{"id": 7, "as_of": "1970-01-01T00:00:01.500"}', NO_MOMENT),
        (b'{"id": 7, "as_of": "yesterday"}', NO_MOMENT),
        (b'{"id": -7}', None),
        (b'{"id": 7.0}', None),
        (b'{"id": true}', None),
        (b'{"last": 7}', None),
        (b"[7]", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_a_watermark_is_read_or_it_is_none(body: bytes, expected: Watermark | None) -> None:
    assert read_watermark(body) == expected


@pytest.mark.parametrize(
    ("watermark", "path", "expected"),
    [
        (None, "/images/8", Standing.LEVEL),
        (ONLY_ID, "/images/7", Standing.LEVEL),
        (ONLY_ID, "/images/8", Standing.BEHIND),
        (ONLY_ID, "/images/8/file", Standing.BEHIND),
        (ONLY_ID, "/images/img_8", Standing.LEVEL),
        (ONLY_ID, "/images", Standing.LEVEL),
        (as_of(0.5), "/images/8", Standing.LEVEL),
        (as_of(2.0), "/images/8", Standing.NEAR),
        (as_of(2.0), "/images/7", Standing.NEAR),
        (as_of(2.0), "/images", Standing.NEAR),
        (as_of(60.0), "/images/8", Standing.BEHIND),
        (as_of(60.0), "/images/7", Standing.LEVEL),
    ],
)
def test_an_answer_of_a_second_ago_is_compared_once_the_copy_is_as_new(
    watermark: Watermark | None, path: str, expected: Standing
) -> None:
    assert standing(watermark, path, NOW_S - 1.0, NOW_S) is expected

"""A message names a job and holds nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.aws.messages import MessageError, read_message, write_message


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_what_is_written_is_read(job_id: str) -> None:
    assert read_message(write_message(job_id)) == job_id


@pytest.mark.parametrize("job_id", ["", "a b", "a/b", "é", "x" * 65, "a\n"])
def test_no_other_name_is_written(job_id: str) -> None:
    with pytest.raises(MessageError):
        write_message(job_id)


@pytest.mark.parametrize(
    "body",
    [
        None,
        5,
        "",
        "null",
        "[]",
        '"job"',
        "{}",
        '{"job_id": 5}',
        '{"job_id": ""}',
        '{"job_id": "a b"}',
        '{"job_id": "a\\n"}',
        "[" * 100_000,
    ],
)
def test_anything_else_is_refused(body: object) -> None:
    with pytest.raises(MessageError):
        read_message(body)

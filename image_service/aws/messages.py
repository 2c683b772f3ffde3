"""The messages of the jobs' queue: a job's name, and nothing that a customer wrote."""

from __future__ import annotations

import json
import re

from image_service.json_text import JsonError, read_strict_json

_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class MessageError(ValueError):
    """A message that is none of ours."""


def write_message(job_id: str) -> str:
    """Return a message's body.

    Raises:
        MessageError: No job has such a name.
    """
    if not _JOB_ID.fullmatch(job_id):
        raise MessageError("a job's name has up to 64 letters, digits, - and _")
    return json.dumps({"job_id": job_id}, separators=(",", ":"))


def read_message(body: object) -> str:
    """Return the job's name.

    Raises:
        MessageError: The body holds none.
    """
    try:
        message = read_strict_json(body) if isinstance(body, str) else None
    except JsonError:
        message = None
    job_id = message.get("job_id") if isinstance(message, dict) else None
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        raise MessageError("the message names no job")
    return job_id

"""Turns what the SDK raises into our own errors, by the table of ``openai_faults``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2
import openai

from image_service import errors
from image_service.providers.openai_faults import Fault, Stage, rule_of
from image_service.providers.repeating import retry_after_s

# Error codes and request ids are shorter.
_LONGEST_WORD = 80
# The order had not left when these happened; after any other, it may be carried out unseen.
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@contextmanager
def mapping(stage: Stage) -> Iterator[None]:
    """Raise a PictureError for whatever the SDK raises inside.

    The SDK's messages may quote the prompt or the key and are not passed on.
    """
    try:
        yield
    except openai.APIStatusError as error:
        # Not chained: its message would stand in every traceback.
        raise _refused(error) from None
    except (openai.APIConnectionError, httpx2.RequestError) as error:
        # What is read without the SDK raises its client's own errors.
        cause = error if isinstance(error, httpx2.RequestError) else error.__cause__
        fault = Fault(
            stage="connecting" if isinstance(cause, _NOT_SENT) else stage,
            is_timeout=isinstance(error, openai.APITimeoutError | httpx2.TimeoutException),
        )
        raise failure(fault, f"{stage} ({type(cause).__name__})") from error
    except openai.APIError as error:
        # An error event of a stream has no status.
        fault = Fault(stage=stage, code=error.code or "unknown")
        raise failure(fault, f"{stage}, code {_word(error.code)}") from None
    except (ValueError, RecursionError) as error:
        # The SDK lets the JSON parser's own errors through.
        raise failure(Fault(stage="answered"), "the answer is not JSON") from error


def _refused(error: openai.APIStatusError) -> errors.PictureError:
    fault = Fault(
        stage="refused",
        status=error.status_code,
        code=error.code,
        # The error object of the API has a type; what somebody on the way writes has none.
        is_from_api=isinstance(error.body, dict) and isinstance(error.type, str),
    )
    return failure(
        fault,
        f"status {error.status_code}, code {_word(error.code)}, request {_word(error.request_id)}",
        error.response.headers,
    )


def failure(
    fault: Fault, reason: str, headers: Mapping[str, str] | None = None
) -> errors.PictureError:
    """Return the error that the table has for a fault, with what the answer's headers add."""
    rule = rule_of(fault)
    # A date in the header is seconds away, so the wall clock does.
    wish_s = None if headers is None else retry_after_s(headers, time.time())  # noqa: TID251
    return rule.error(f"{rule.name}: {reason}", outcome=rule.outcome, retry_after_s=wish_s)


def _word(value: object) -> str:
    """Show a short identifier of the answer; anything else that stands there is hidden."""
    text = str(value)
    is_plain = (
        len(text) <= _LONGEST_WORD and text.isascii() and text.replace("-", "_").isidentifier()
    )
    return text if is_plain else "(unreadable)"

"""The provider that buys pictures from OpenAI, or from whoever speaks its API.

Importing this module imports the SDK, which takes more than a second: only the composition root
does so, and only when this provider is chosen.
"""

from __future__ import annotations

import base64
import binascii

import httpx2
import openai

from image_service import errors
from image_service.contract import Order
from image_service.pictures import BYTE_LIMIT
from image_service.providers.catalogue import size_to_order
from image_service.providers.port import Call, Painted

# The slowest models take about two minutes; half again as much is a call that hangs.
_TIMEOUT_S = 180.0
# Four characters of base64 carry three bytes.
_BASE64_LIMIT = BYTE_LIMIT * 4 // 3 + 4
# Error codes and request ids are shorter.
_LONGEST_WORD = 80
# The order had not left when these happened; after any other, it may be carried out unseen.
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class OpenAIProvider:
    """Orders each picture exactly once: a repeated call would be paid again."""

    def __init__(
        self, *, model: str, api_key: str, base_url: str | None, timeout_s: float = _TIMEOUT_S
    ) -> None:
        self.name = f"openai/{model}"
        self._model = model
        # The SDK would repeat a timed-out order on its own, and send no key that tells them apart.
        self._client = openai.AsyncOpenAI(
            api_key=api_key, base_url=base_url, timeout=timeout_s, max_retries=0
        )

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Order one PNG and return it."""
        del call
        try:
            answer: object = await self._client.images.generate(
                model=self._model,
                prompt=order.prompt,
                size=str(size_to_order(order.size)),
                n=1,
                output_format="png",
            )
        except openai.OpenAIError as error:
            raise _failure(error) from error
        except ValueError as error:
            # The SDK lets the JSON parser's own error through.
            raise errors.BadPictureError("the answer is not JSON") from error
        return Painted(content=_content(answer), provider=self.name)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _failure(error: openai.OpenAIError) -> errors.PictureError:
    """Map the SDK's error; its message may quote the prompt or the key and is not passed on."""
    match error:
        case openai.APIConnectionError():
            cause = type(error.__cause__).__name__
            if isinstance(error.__cause__, _NOT_SENT):
                return errors.UnavailableError(f"no connection ({cause})", outcome="not_bought")
            return errors.AnswerTimeoutError(f"no answer ({cause})")
        case openai.APIResponseValidationError():
            return errors.BadPictureError("the answer has another shape")
        case openai.APIStatusError():
            return _status_failure(error)
        case _:
            return errors.UnavailableError(f"the SDK failed ({type(error).__name__})")


def _status_failure(error: openai.APIStatusError) -> errors.PictureError:
    reason = (
        f"status {error.status_code}, code {_word(error.code)}, request {_word(error.request_id)}"
    )
    if error.code in ("moderation_blocked", "content_policy_violation"):
        return errors.ModerationError(reason)
    if error.code == "insufficient_quota":
        return errors.QuotaError(reason)
    if isinstance(error, openai.RateLimitError):
        return errors.RateLimitError(reason)
    # 408 and 504: somebody on the way gave up waiting, the order may still be carried out.
    if error.status_code in (408, 504):
        return errors.AnswerTimeoutError(reason)
    if isinstance(error, openai.InternalServerError):
        return errors.UnavailableError(reason)
    return errors.RejectedError(reason)


def _word(value: object) -> str:
    """Show a short identifier of the answer; anything else that stands there is hidden."""
    text = str(value)
    is_plain = (
        len(text) <= _LONGEST_WORD and text.isascii() and text.replace("-", "_").isidentifier()
    )
    return text if is_plain else "(unreadable)"


def _content(answer: object) -> bytes:
    """Take the picture out of the answer; a 200 that is not JSON arrives as a str."""
    data = getattr(answer, "data", None)
    encoded = getattr(data[0], "b64_json", None) if isinstance(data, list) and data else None
    if not isinstance(encoded, str):
        raise errors.BadPictureError(f"the answer holds no picture ({type(answer).__name__})")
    if len(encoded) > _BASE64_LIMIT:
        raise errors.BadPictureError(f"{len(encoded)} characters of base64 are too many")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.BadPictureError("the picture is not base64") from error

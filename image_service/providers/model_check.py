"""Are the models that we order from still there? Asked now and then, when somebody asks us.

Models end on dates that are announced; a service that runs on past such a day is told here, before
its customers tell it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import openai

from image_service.errors import ImageServiceError
from image_service.providers.openai import Account

_LOG = logging.getLogger("image_service.providers.model_check")

# A probe waits two seconds for all of its answer.
_TIMEOUT_S = 1.5
# Models end on dates, not within minutes.
_GOOD_FOR_S = 300.0
_BAD_FOR_S = 30.0


class ModelsGoneError(ImageServiceError):
    """None of the models can be ordered from."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class ModelCheck:
    """Asks the provider for its list of models, and remembers the answer for a while.

    A provider that does not answer proves nothing: the last verdict stands, at first a good one.
    """

    def __init__(
        self, *, models: Sequence[str], account: Account, monotonic: Callable[[], float]
    ) -> None:
        self._models = tuple(models)
        self._account = account
        self._monotonic = monotonic
        self._asked_at: float | None = None
        self._why: str | None = None

    async def check(self) -> None:
        """Return when at least one of the models is there.

        Raises:
            ModelsGoneError: None is, or the key is not accepted.
        """
        now = self._monotonic()
        lasts_s = _GOOD_FOR_S if self._why is None else _BAD_FOR_S
        if self._asked_at is None or now - self._asked_at >= lasts_s:
            self._asked_at = now
            await self._ask()
        if self._why is not None:
            raise ModelsGoneError(self._why)

    async def _ask(self) -> None:
        try:
            listed = await self._listed()
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            self._why = "the key is not accepted"
        except (openai.OpenAIError, ValueError) as error:
            _LOG.warning("models_not_listed error=%s", type(error).__name__)
        else:
            missing = [model for model in self._models if model not in listed]
            if missing:
                _LOG.warning("models_gone models=%s", ",".join(missing))
            is_gone = len(missing) == len(self._models)
            self._why = f"there is no {' and no '.join(missing)} any more" if is_gone else None

    async def _listed(self) -> set[str]:
        async with openai.AsyncOpenAI(
            api_key=self._account.api_key,
            base_url=self._account.base_url,
            timeout=_TIMEOUT_S,
            max_retries=0,
        ) as client:
            return {model.id async for model in client.models.list()}

"""Settings become the one provider that the service orders from."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Iterator

from image_service.contract import Order
from image_service.providers.catalogue import size_to_order
from image_service.providers.checked import CheckedProvider
from image_service.providers.failover import Failover, Member
from image_service.providers.local import LocalProvider, Temper
from image_service.providers.port import Provider
from image_service.settings import Settings


def open_provider(settings: Settings) -> Provider:
    """Return what the settings name, in their order, with every picture checked."""
    members = list(_members(settings))
    return CheckedProvider(Failover(members, monotonic=time.monotonic))


def open_model_check(settings: Settings) -> Callable[[], Awaitable[None]] | None:
    """Return what tells whether OpenAI's models are still there; None where nobody wants to know.

    It raises an ImageServiceError when they are not.
    """
    if not settings.checks_models or settings.openai_api_key is None:
        return None
    if "openai" not in settings.providers:
        return None
    # They import the SDK as well.
    from image_service.providers.model_check import ModelCheck  # noqa: PLC0415
    from image_service.providers.openai import Account  # noqa: PLC0415

    account = Account(api_key=settings.openai_api_key, base_url=settings.openai_base_url)
    models = ModelCheck(models=settings.models, account=account, monotonic=time.monotonic)
    return models.check


def _members(settings: Settings) -> Iterator[Member]:
    for name in settings.providers:
        if name == "procedural":
            yield Member(provider=_local(settings), can_paint=_always)
        elif settings.openai_api_key is not None:
            yield from _bought(settings, settings.openai_api_key)


def _local(settings: Settings) -> LocalProvider:
    temper = Temper(
        delay_s=settings.delay_s,
        jitter=settings.jitter,
        fail_rate=settings.fail_rate,
        moderation_words=settings.moderation_words,
    )
    return LocalProvider(temper, draw=random.SystemRandom().random)


def _bought(settings: Settings, api_key: str) -> Iterator[Member]:
    """One member for each model: the next is asked when one cannot be had."""
    # Importing the SDK takes more than a second, which only its users should wait.
    from image_service.providers.openai import Account, OpenAIProvider  # noqa: PLC0415

    account = Account(api_key=api_key, base_url=settings.openai_base_url)
    for model in settings.models:
        provider = OpenAIProvider(model=model, account=account, draw=random.SystemRandom().random)
        yield Member(provider=provider, can_paint=_has_size)


def _always(_order: Order) -> bool:
    return True


def _has_size(order: Order) -> bool:
    return size_to_order(order.size) is not None

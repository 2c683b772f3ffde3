"""``image_service.aws.http.handler``: the whole application behind an HTTP API of API Gateway."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.types import LambdaContext, LambdaEvent

from image_service.app import create_app
from image_service.aws.clients import fetch_secret
from image_service.aws.environment import lambda_settings
from image_service.aws.gateway import ExactGateway
from image_service.aws.running import Opened
from image_service.problems import MEDIA_TYPE

# All others travel as base64: bytes arrive as they were sent.
_TEXT_TYPES = [*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE, "image/svg+xml"]


@asynccontextmanager
async def _open() -> AsyncIterator[Mangum]:
    app = create_app(lambda_settings(os.environ, fetch_secret))
    async with app.router.lifespan_context(app):
        # Mangum would begin and end the lifespan with every request.
        yield Mangum(
            app,
            lifespan="off",
            text_mime_types=_TEXT_TYPES,
            custom_handlers=[ExactGateway],
        )


_SITE = Opened(_open)


def handler(event: LambdaEvent, context: LambdaContext) -> dict[str, object]:
    """Answer one request; an error says that the service could not be opened."""
    return _SITE.get()(event, context)

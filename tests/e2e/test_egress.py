"""The egress listener of a running gateway: there as routes.yaml says, and back after a kill."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import closing
from pathlib import Path

import openai
import pytest
from anyio import to_thread

from tests.conformance.egress.painter import painting
from tests.support.figueira import Figueira, serving

pytestmark = pytest.mark.e2e

ROUTES = """\
version: 1
backends: {{legacy: {{url: "http://127.0.0.1:1"}}}}
routes:
  - {{name: all, match: {{path_prefix: /}}, backend: legacy}}
"""
EGRESS = """\
egress:
  listen: 127.0.0.1:{port}
  sides: {{legacy: {{prefix: {prefix}, to: "{url}"}}}}
"""
_PATIENCE_S = 15.0


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def paint(port: int, prefix: str) -> bool:
    """Whether a picture can be bought; False where nobody listens.

    Raises:
        openai.NotFoundError: The prefix is nobody's.
    """
    url = f"http://127.0.0.1:{port}{prefix}"
    async with openai.AsyncOpenAI(api_key="k", base_url=url, max_retries=0) as client:
        try:
            answer = await client.images.generate(prompt="x")
        except openai.APIConnectionError:
            return False
    return bool(answer.data)


async def painted(port: int, prefix: str) -> bool:
    """Whether one can be within a while."""
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s:
        if await paint(port, prefix):
            return True
    return False


async def test_it_follows_the_file_and_outlives_control(tmp_path: Path) -> None:
    port = free_port()
    async with painting() as painter:

        def text(prefix: str) -> str:
            return (ROUTES + EGRESS).format(port=port, prefix=prefix, url=painter.url)

        def change(figueira: Figueira, new: str) -> None:
            figueira.change(type(figueira.routes).rename_over, new)

        # A gateway is asked and told by blocking calls.
        context = serving(tmp_path, ROUTES.format())
        figueira = await to_thread.run_sync(context.__enter__)
        try:
            assert not await paint(port, "/a")
            await to_thread.run_sync(change, figueira, text("/a"))
            assert await painted(port, "/a")
            await to_thread.run_sync(change, figueira, text("/b"))
            assert await painted(port, "/b")
            with pytest.raises(openai.NotFoundError):
                await paint(port, "/a")
            status = await to_thread.run_sync(figueira.status)
            os.kill(status["control"]["pid"], signal.SIGKILL)
            assert await painted(port, "/b")
            await to_thread.run_sync(figueira.wait_until_whole)
            await to_thread.run_sync(change, figueira, ROUTES.format())
            assert not await paint(port, "/b")
        finally:
            await to_thread.run_sync(context.__exit__, None, None, None)

"""An OpenAI that paints nothing worth its price: the judge of what was bought, over real HTTP.

In this process, on a thread of its own::

    with FakeOpenAI() as fake:
        fake.script("order-7", "rate-limit", "ok")      # the next two answers to that prompt
        ...                                             # OPENAI_BASE_URL=fake.url
        assert fake.purchases()["order-7"] == 1

or as a process, driven over HTTP (``GET /fake/purchases``, ``POST /fake/script`` with
``{"marker": ..., "faults": [...]}``, ``POST /fake/reset``)::

    python -m tests.support.fake_openai --port 9100 --delay 0.5

A *marker* is the word behind ``marker=`` in the prompt, or the whole prompt without one. Words in
the prompt work too where no script stands: ``fault=NAME`` (see FAULTS) and ``delay=SECONDS``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import socket
import struct
import sys
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.support.fake_openai_answers import FAULTS, Wanted, error, whole

DEFAULT_MODELS = ("gpt-image-2.5-flare", "gpt-image-2", "gpt-image-1.5")
_SIZES = {"1024x1024", "1536x1024", "1024x1536"}
_FORMATS = {"png", "webp", "jpeg"}
# What GPT image models refuse, with code unknown_parameter.
_LEGACY = ("response_format", "style")
_HEAD_LIMIT_BYTES = 64 * 1024
_MARKER = re.compile(r"marker=(\S+)")
_FAULT = re.compile(r"fault=(\S+)")
_DELAY = re.compile(r"delay=([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request for a picture; ``fault`` is how it was answered."""

    marker: str
    fault: str
    headers: Mapping[str, str]
    body: Mapping[str, object]


class _Book:
    """What was asked and bought; shared between threads."""

    def __init__(self, models: Sequence[str], delay_s: float) -> None:
        self.models = list(models)
        self.delay_s = delay_s
        self._lock = threading.Lock()
        self._scripts: defaultdict[str, deque[str]] = defaultdict(deque)
        self._purchases: Counter[str] = Counter()
        self._received: list[Received] = []

    def script(self, marker: str, faults: Sequence[str]) -> None:
        unknown = [name for name in faults if name not in FAULTS]
        if unknown:
            raise ValueError(f"no such fault: {', '.join(unknown)}")
        with self._lock:
            self._scripts[marker].extend(faults)

    def take(self, headers: Mapping[str, str], body: Mapping[str, object]) -> tuple[str, int]:
        """Decide on a valid order's answer, and count it if it costs; return fault and number."""
        prompt = str(body["prompt"])
        named = _MARKER.search(prompt)
        marker = named[1] if named else prompt
        inline = _FAULT.search(prompt)
        with self._lock:
            scripted = self._scripts.get(marker)
            fault = scripted.popleft() if scripted else inline[1] if inline else "ok"
            self._received.append(Received(marker=marker, fault=fault, headers=headers, body=body))
            if FAULTS[fault].costs:
                self._purchases[marker] += 1
            return fault, self._purchases.total()

    def purchases(self) -> Counter[str]:
        with self._lock:
            return Counter(self._purchases)

    def received(self) -> list[Received]:
        with self._lock:
            return list(self._received)

    def reset(self) -> None:
        with self._lock:
            self._scripts.clear()
            self._purchases.clear()
            self._received.clear()


class _Conversation:
    """One connection, one request."""

    def __init__(
        self, book: _Book, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._book = book
        self._reader = reader
        self._writer = writer

    async def hold(self) -> None:
        try:
            raw = await self._reader.readuntil(b"\r\n\r\n")
            first, *lines = raw.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
            await self._answer(f"{method} {target}", headers, body)
        except (OSError, asyncio.IncompleteReadError):
            # The client left, as it may at any moment.
            pass
        finally:
            self._writer.close()

    async def _answer(self, asked: str, headers: Mapping[str, str], body: bytes) -> None:
        match asked:
            case "POST /v1/images/generations":
                await self._paint(headers, body)
            case "GET /v1/models":
                listed = [{"id": model, "object": "model"} for model in self._book.models]
                self._send_json({"object": "list", "data": listed})
            case "GET /fake/purchases":
                self._send_json(self._book.purchases())
            case "POST /fake/script":
                wanted = json.loads(body)
                self._book.script(wanted["marker"], wanted["faults"])
                self._send_json({})
            case "POST /fake/reset":
                self._book.reset()
                self._send_json({})
            case _:
                self._writer.write(error(404, None))

    def _send_json(self, value: object) -> None:
        self._writer.write(whole(200, json.dumps(value).encode()))

    async def _paint(self, headers: Mapping[str, str], content: bytes) -> None:
        body = json.loads(content)
        refusal = _refusal(body, headers, self._book.models)
        if refusal is not None:
            self._writer.write(refusal)
            return
        name, purchase = self._book.take(headers, body)
        slow = _DELAY.search(body["prompt"])
        await asyncio.sleep(float(slow[1]) if slow else self._book.delay_s)
        fault = FAULTS[name]
        async for piece in fault.answer(_wanted(body, purchase)):
            self._writer.write(piece)
            await self._writer.drain()
        if fault.ends == "reset":
            self._reset()

    def _reset(self) -> None:
        """End with RST: a linger time of zero throws away what waits."""
        plug: socket.socket = self._writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _refusal(
    body: Mapping[str, object], headers: Mapping[str, str], models: Sequence[str]
) -> bytes | None:
    """What the real API would refuse before it paints."""
    if not headers.get("authorization", "").startswith("Bearer "):
        return error(401, "invalid_api_key")
    if body.get("model") not in models:
        return error(404, "model_not_found")
    if any(name in body for name in _LEGACY):
        return error(400, "unknown_parameter")
    if body.get("size", "1024x1024") not in _SIZES | {"auto"} or not body.get("prompt"):
        return error(400, "invalid_value")
    if body.get("output_format", "png") not in _FORMATS or body.get("n", 1) != 1:
        return error(400, "invalid_value")
    return None


def _wanted(body: Mapping[str, object], purchase: int) -> Wanted:
    size = str(body.get("size", "auto"))
    width, _, height = ("1024x1024" if size == "auto" else size).partition("x")
    partials = body.get("partial_images", 0)
    assert isinstance(partials, int)
    return Wanted(
        prompt=str(body["prompt"]),
        width=int(width),
        height=int(height),
        output_format=str(body.get("output_format", "png")),
        partial_images=partials if body.get("stream") else None,
        purchase=purchase,
    )


class FakeOpenAI:
    """The server in this process; it listens from construction to ``close``.

    Attributes:
        url: What ``OPENAI_BASE_URL`` is set to.
    """

    def __init__(
        self, *, models: Sequence[str] = DEFAULT_MODELS, delay_s: float = 0.0, port: int = 0
    ) -> None:
        self._book = _Book(models, delay_s)
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()

    def __enter__(self) -> Self:
        """It listens already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def script(self, marker: str, *faults: str) -> None:
        """Let the next orders of ``marker`` be answered by these faults; after them, as usual."""
        self._book.script(marker, faults)

    def purchases(self) -> Counter[str]:
        """How often each marker was bought."""
        return self._book.purchases()

    def received(self) -> list[Received]:
        """Every valid order, in the order in which they came."""
        return self._book.received()

    def offer(self, *models: str) -> None:
        """Change the models that there are."""
        self._book.models = list(models)

    def reset(self) -> None:
        """Forget what was scripted, asked and bought."""
        self._book.reset()

    def join(self) -> None:
        """Wait until another thread closes it."""
        self._thread.join()

    def close(self) -> None:
        """Cut every connection and stop."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        talking: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talking.add(task)
            with contextlib.suppress(asyncio.CancelledError):
                await _Conversation(self._book, reader, writer).hold()
            talking.discard(task)

        server = await asyncio.start_server(talk, sock=self._listener, limit=_HEAD_LIMIT_BYTES)
        await self._ended.wait()
        server.close()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; the first line of stdout is the URL."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.fake_openai")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that a picture takes")
    parser.add_argument("--model", action="append", help="a model that there is; repeat for more")
    chosen = parser.parse_args(arguments)
    models = chosen.model or DEFAULT_MODELS
    with FakeOpenAI(models=models, delay_s=chosen.delay, port=chosen.port) as fake:
        sys.stdout.write(f"{fake.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            fake.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())

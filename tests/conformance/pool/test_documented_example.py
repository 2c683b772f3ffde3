"""The example in docs/architecture.md does what it says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import httpx

from gateway.proxy.spawn import spawn
from tests.conformance.doors.origin import Origin
from tests.conformance.pool.asked import ANSWER, head_of

PAGE = Path(__file__).parents[3] / "docs" / "architecture.md"


async def test_the_documented_example_gets_an_answer(origin: Origin) -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    code = example.replace("8001", str(origin.port))
    source = f"async def run():\n{textwrap.indent(code, '    ')}\n    return answer\n"
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102 - our own page
    answers: list[httpx.Response] = []

    async def run() -> None:
        answers.append(await names["run"]())

    running = spawn(run(), "example")
    backend = await origin.accept()
    assert (await head_of(backend)).startswith(b"GET /products HTTP/1.1\r\nHost: shop\r\n")
    await backend.send(ANSWER)
    await running.ended()
    assert answers[0].content == b"ok"

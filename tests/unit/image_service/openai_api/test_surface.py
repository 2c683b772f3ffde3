"""The surface inside the application: what a fault of our own looks like."""

from __future__ import annotations

import httpx
import pytest

from image_service.openai_api.making import JobsMaker


async def test_a_fault_of_our_own_is_told_in_openais_shape_and_forbids_repetition(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_maker: JobsMaker, _ask: object) -> None:
        raise RuntimeError("a bug with private words")

    monkeypatch.setattr(JobsMaker, "make", fail)
    monkeypatch.setattr(JobsMaker, "make_all", fail)
    for body in ({"prompt": "praia"}, {"prompt": "praia", "stream": True}):
        answer = await client.post("/v1/images/generations", json=body)
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "internal"
        assert answer.headers["x-should-retry"] == "false"
        assert "private" not in answer.text

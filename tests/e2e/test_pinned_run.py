"""Both sides buy pictures that never repeat, through the gateway, and are compared."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.real_run import SHIPPED, RealRun, real_run
from tests.support.processes import free_port

pytestmark = pytest.mark.e2e

RULES = """\
    ignore:
      - json: $[*].body.quality
        because: OpenAI takes auto for none, which is what the service says
        until: "2099-12-31"
      - json: $[*].body.safety_identifier
        because: the monolith has never told OpenAI who orders
        until: "2099-12-31"
"""
ORDERS = 24


def both(port: int, url: str) -> str:
    """The shipped file, with both sides' calls passing through the gateway."""
    assert SHIPPED.count("    ignore:\n") == 1
    egress = f"egress:\n  listen: 127.0.0.1:{port}\n  sides:\n"
    for side in ("legacy", "image_service"):
        egress += f'    {side}: {{to: "{url}"}}\n'
    return SHIPPED.replace("    ignore:\n", RULES) + egress


@contextlib.contextmanager
def pinned(folder: Path, *changes: tuple[str, str], **service: str) -> Iterator[RealRun]:
    """A real run in which nobody buys but through the gateway."""
    port = free_port()
    urls = tuple(f"http://127.0.0.1:{port}/{side}/v1" for side in ("legacy", "image_service"))
    settings = {"IMAGE_PROVIDER": "openai", "IMAGE_TRIALS": "provider", **service}

    def text(openai: str) -> str:
        found = both(port, openai)
        for old, new in changes:
            assert old in found
            found = found.replace(old, new)
        return found

    with real_run(
        folder, text=text, service_settings=settings, openai_urls=(urls[0], urls[1])
    ) as here:
        yield here


def test_an_order_is_bought_once_and_rehearsed_with_the_same_picture(tmp_path: Path) -> None:
    """The calls are the same but for what is declared, and so is what is made of their answers."""
    with pinned(tmp_path) as here:
        here.orders([f"farol {number}" for number in range(ORDERS)])
        assert here.settled() == {"ignored": ORDERS}
        bought = here.openai.purchases()
        assert set(bought.values()) == {1}
        assert bought.total() == ORDERS
        rules = {each["rule"]: each["trials"] for each in here.told()[1]["rules"]}
        assert rules["ignore json:$[*].body.quality"] == ORDERS
        assert rules["ignore json:$[*].body.safety_identifier"] == ORDERS
        traces = {each.headers["traceparent"] for each in here.openai.received()}
        assert len(traces) == ORDERS, "the monolith carries each customer's trace on"


def test_who_asks_for_another_model_is_told_by_the_call_and_buys_nothing(tmp_path: Path) -> None:
    with pinned(tmp_path, IMAGE_MODEL="gpt-image-2") as here:
        here.orders([f"serra {number}" for number in range(2)])
        assert here.settled() == {"candidate_failed": 2}
        assert here.openai.purchases().total() == 2
        places = {each["place"]: each["distinct"] for each in here.told()[1]["differences"]}
        assert places == {"call:$[*].body.model": 2}


def test_the_two_pictures_that_are_made_of_one_answer_are_the_same_bytes(tmp_path: Path) -> None:
    """Here both sides keep what they make, and each is asked for its own."""
    changes = (("writes: sandbox", "writes: allow"), ("    watermark: /backfill/watermark", ""))
    with pinned(tmp_path, *changes) as here:
        ids = [here.order(f"praia {number}", "1024x1024") for number in range(8)]
        assert here.settled() == {"ignored": 8}
        here.looks(ids)
        assert set(here.settled()) == {"ignored"}
        assert here.openai.purchases().total() == 8
        for image_id in ids:
            ours = here.customer.get(f"/images/{image_id}/file").content
            theirs = here.customer.get(f"/images/{image_id + 1_000_000_000}/file").content
            assert ours == theirs

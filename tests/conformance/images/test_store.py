"""What the service's store does on every database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.engine import make_url

from image_service.contract import SIZES, Order
from image_service.models import FIRST_ID
from image_service.store import Store, StoredImage, open_store

_ORDER = Order(prompt="praia", size=SIZES["512x512"], product_id=None)
_SHA256 = "ab" * 32


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store on an empty database."""
    opened = open_store(make_url(database_url))
    await opened.prepare()
    yield opened
    await opened.close()


async def _add(store: Store) -> int:
    return await store.add(_ORDER, provider="procedural", now=1.0)


async def test_ids_begin_beyond_the_monoliths_and_are_never_given_out_twice(store: Store) -> None:
    first = await _add(store)
    assert first == FIRST_ID
    assert await store.remove(first)
    assert await _add(store) == FIRST_ID + 1


async def test_an_image_is_pending_until_it_is_finished(store: Store) -> None:
    image_id = await _add(store)
    pending = StoredImage(image_id=image_id, order=_ORDER, status="pendente", sha256=None)
    assert await store.get(image_id) == pending
    assert await store.finish(image_id, sha256=_SHA256, now=2.0)
    ready = StoredImage(image_id=image_id, order=_ORDER, status="pronta", sha256=_SHA256)
    assert await store.get(image_id) == ready


async def test_a_failed_image_stays_on_record(store: Store) -> None:
    image_id = await _add(store)
    assert await store.fail(image_id, failure="moderated", now=2.0)
    failed = StoredImage(image_id=image_id, order=_ORDER, status="falhou", sha256=None)
    assert await store.all() == [failed]


async def test_what_is_not_there_is_neither_found_nor_changed(store: Store) -> None:
    assert await store.get(FIRST_ID) is None
    assert not await store.remove(FIRST_ID)
    assert not await store.finish(FIRST_ID, sha256=_SHA256, now=2.0)
    assert not await store.fail(FIRST_ID, failure="moderated", now=2.0)


async def test_images_are_listed_in_order_of_id(store: Store) -> None:
    ids = [await _add(store) for _ in range(5)]
    for image_id in reversed(ids):
        await store.finish(image_id, sha256=_SHA256, now=2.0)
    assert [image.image_id for image in await store.all()] == ids


@pytest.mark.parametrize("prompt", ["\0", "a\0b", "\\", "\\0", "\\\\0\0", "ação \U0001f33f"])
async def test_any_prompt_comes_back_as_it_was(store: Store, prompt: str) -> None:
    order = Order(prompt=prompt, size=SIZES["512x512"], product_id=2**63 - 1)
    image = await store.get(await store.add(order, provider="procedural", now=1.0))
    assert image is not None
    assert image.order == order


async def test_many_orders_at_once_are_all_kept(store: Store) -> None:
    ids = await asyncio.gather(*(_add(store) for _ in range(40)))
    assert sorted(ids) == list(range(FIRST_ID, FIRST_ID + 40))


async def test_several_processes_may_start_at_once_on_an_empty_database(database_url: str) -> None:
    stores = [open_store(make_url(database_url)) for _ in range(6)]
    await asyncio.gather(*(store.prepare() for store in stores))
    assert await _add(stores[0]) == FIRST_ID
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_start_on_a_database_in_use_changes_nothing(
    store: Store, database_url: str
) -> None:
    image_id = await _add(store)
    second = open_store(make_url(database_url))
    await second.prepare()
    assert [image.image_id for image in await second.all()] == [image_id]
    assert await _add(second) == image_id + 1
    await second.close()
